#include "runtime/io_threads.h"

#include <pthread.h>

#include "base/check.h"

namespace pabal::runtime {

IoThreads::IoThreads(const std::string& name, size_t count)
    : context_(static_cast<int>(count)), keep_running_(context_.get_executor()) {
  check(count > 0 && name.size() <= 15, "{} threads named '{}'", count, name);
  for (size_t i = 0; i < count; ++i) {
    threads_.emplace_back([this] { context_.run(); });
    pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }
}

IoThreads::~IoThreads() {
  context_.stop();
  for (std::jthread& thread : threads_) thread.join();
}

}  // namespace pabal::runtime
