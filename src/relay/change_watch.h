#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace pabal::relay {

// Waits until somebody writes to a database. SQLite has no notification between processes, but every commit
// writes to the file's "-wal", which inotify tells within microseconds and without polling. It tells a
// little early: the write comes before the flush that makes the commit visible, so who is woken looks again
// for a moment. One thread waits; stop() may come from any thread or a signal handler.
class ChangeWatch {
 public:
  static Result<std::unique_ptr<ChangeWatch>> open(const std::string& database_file);
  ~ChangeWatch();
  ChangeWatch(const ChangeWatch&) = delete;
  ChangeWatch& operator=(const ChangeWatch&) = delete;

  // True when something was written, false when the time was over or stop() came.
  bool wait_for_change(Duration most);
  // Only stop() ends it early.
  void pause(Duration time);

  void stop();
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  ChangeWatch(int notify, int stop_event, std::string wal_name)
      : notify_(notify), stop_event_(stop_event), wal_name_(std::move(wal_name)) {}

  bool read_changes();

  int notify_;
  int stop_event_;
  std::string wal_name_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace pabal::relay
