#pragma once

#include <string>
#include <sys/types.h>

#include "base/clock.h"
#include "runtime/http_client.h"

namespace pabal::bench {

struct ServedOptions {
  std::string pabal;  // the program
  std::string data_dir;
  uint64_t open_files_max = 0;  // ulimit -n; zero leaves it as it is
};

// The real server in a process of its own, on a port that is free. Kills it at the end, when it still runs.
class Served {
 public:
  // Returns when it is ready, which it says on its standard output.
  explicit Served(const ServedOptions& options);
  ~Served();
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  // From before the process was made until it said that it is ready.
  [[nodiscard]] Duration ready_after() const { return ready_after_; }
  // As /proc tells.
  [[nodiscard]] double resident_mb() const;
  [[nodiscard]] uint64_t voluntary_switches() const;  // of all its threads so far
  [[nodiscard]] size_t threads() const;
  [[nodiscard]] size_t open_files() const;
  // Lets it be for as long; it must not end meanwhile.
  void leave_alone(Duration time) const;

  // The JSON of a 200 answer.
  nlohmann::json call(const std::string& method, const std::string& target, const nlohmann::json& body);
  struct Stopped {
    Duration took;
    bool in_order;  // with a checkpoint; else it took longer than the server lets itself take
  };
  Stopped stop();
  // SIGKILL.
  void kill();

 private:
  void run_program(const ServedOptions& options, int out) const;
  void wait_until_ready();
  [[nodiscard]] std::string proc(const std::string& name) const;

  pid_t pid_ = -1;
  int out_ = -1;  // its standard output
  std::string ports_file_;
  Duration ready_after_ = {};
  runtime::Url url_;
  runtime::BlockingHttpClient client_;
};

}  // namespace pabal::bench
