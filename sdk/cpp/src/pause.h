#pragma once

#include <condition_variable>
#include <mutex>

#include "base/clock.h"

namespace pabal::sdk {

// Where threads of a service wait for time to pass; stop() ends every wait, now and later.
class Pause {
 public:
  // False when stop() ended it.
  bool wait_for(Duration time) {
    if (time <= Duration::zero()) return true;
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, time, [&] { return stopped_; });
  }
  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;  // of stopped_
  std::condition_variable changed_;
  bool stopped_ = false;
};

}  // namespace pabal::sdk
