#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace shop {

// Waits that end early when the whole story is told to stop (Ctrl-C). Safe from any thread.
class StopSwitch {
 public:
  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }
  [[nodiscard]] bool stopped() const {
    std::lock_guard lock(mutex_);
    return stopped_;
  }
  // False when the story was stopped before the time came.
  bool wait_until(std::chrono::steady_clock::time_point at) const {
    std::unique_lock lock(mutex_);
    return !changed_.wait_until(lock, at, [this] { return stopped_; });
  }
  bool wait_for(std::chrono::milliseconds d) const {
    return wait_until(std::chrono::steady_clock::now() + d);
  }
  void wait() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_; });
  }
  // Asks `ready` again and again until it says yes; false after `patience`, or when stopped.
  bool until(const std::function<bool()>& ready, std::chrono::milliseconds patience,
             std::chrono::milliseconds every = std::chrono::milliseconds(5)) const {
    auto end = std::chrono::steady_clock::now() + patience;
    while (!ready()) {
      if (std::chrono::steady_clock::now() >= end || !wait_for(every)) return false;
    }
    return true;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopped_ = false;
};

}  // namespace shop
