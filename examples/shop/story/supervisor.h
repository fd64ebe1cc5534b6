#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace shop {

using pabal::error;
using pabal::ErrorCode;
using pabal::Result;

// How to start one process.
struct Program {
  std::string name;                           // unique among the supervised: "payment"
  std::vector<std::string> arguments;         // the first is the program's path
  std::vector<std::string> environment = {};  // "NAME=value", on top of our own
  std::string log_path;                       // its output is appended here
};

// Keeps real processes up, as an init system does: one that dies unasked is started again at once. Owns the
// processes: none outlives the supervisor, nor this program, even when it is killed (the kernel sends them
// SIGKILL then). All calls from any thread; a call returns when the process has come or gone.
class Supervisor {
 public:
  // A process that dies so often without living this long is broken, and is not started again.
  static constexpr int hasty_deaths_max = 5;
  static constexpr std::chrono::milliseconds haste{500};

  static std::unique_ptr<Supervisor> make();
  virtual ~Supervisor() = default;

  virtual Result<void> start(Program program) = 0;
  // SIGKILL, and no restart until resume().
  virtual Result<void> kill(const std::string& name) = 0;
  // SIGTERM, after `patience` SIGKILL; no restart until resume().
  virtual Result<void> stop(const std::string& name, std::chrono::milliseconds patience) = 0;
  // Starts again what kill() or stop() ended, with other arguments when there are some.
  virtual Result<void> resume(const std::string& name, std::vector<std::string> arguments = {}) = 0;
  // SIGKILL and a restart. The restarted process gets `once` into its environment; its successors do not.
  virtual Result<void> crash(const std::string& name, std::vector<std::string> once = {}) = 0;
  // Ends all, the one that was started first last, and forgets them.
  virtual void stop_all(std::chrono::milliseconds patience) = 0;

  enum class State { running, held, broken };  // held: by kill() or stop()
  struct Status {
    std::string name;
    State state;
    int pid;       // 0 when it does not run
    int restarts;  // after deaths that nobody asked for, and crash()
  };
  [[nodiscard]] virtual std::vector<Status> status() const = 0;
  [[nodiscard]] virtual Result<Status> status_of(const std::string& name) const = 0;
};

}  // namespace shop
