#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <thread>
#include <vector>

#include "runtime/asio.h"

namespace pabal::runtime {

// Threads that may wait for a disk. With one thread, work runs in the order in which it was posted; with
// more, side by side. Destruction waits for what runs and drops what does not.
class IoThreads {
 public:
  // `name` shows up in ps and profilers, at most 15 characters.
  IoThreads(const std::string& name, size_t count);
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  [[nodiscard]] Executor executor() { return context_.get_executor(); }

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> keep_running_;
  std::vector<std::jthread> threads_;
};

}  // namespace pabal::runtime
