#pragma once

#include <deque>
#include <memory>

#include "base/clock.h"
#include "runtime/asio.h"
#include "runtime/timers.h"

namespace pabal::broker {

// Lets one coroutine wait until others wake it, at most until a deadline. Belongs to one shard. It must
// outlive the wait, which is owned by the timers (so that it dies with them when nobody wakes it).
class Wakeup {
 public:
  explicit Wakeup(runtime::Executor executor) : executor_(std::move(executor)) {}

  // Ends the wait under way, or the next one at once. Never runs the waiter from within.
  void wake();
  // True when woken, false when the deadline came first or the caller was cancelled. Uses the waking up.
  runtime::Task<bool> wait(runtime::Timers& timers, Deadline deadline);

 private:
  class Wait;

  runtime::Executor executor_;
  std::weak_ptr<Wait> wait_;
  bool woken_ = false;
};

// Lets coroutines of one shard take turns, in the order they asked.
class FifoLock {
 public:
  explicit FifoLock(runtime::Executor executor) : executor_(std::move(executor)) {}

  // Gives the turn to the next one when destroyed.
  class Turn {
   public:
    explicit Turn(FifoLock& lock) : lock_(&lock) {}
    Turn(Turn&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (lock_) lock_->pass_on();
    }

   private:
    FifoLock* lock_;
  };

  runtime::Task<Turn> take(runtime::Timers& timers);
  [[nodiscard]] bool idle() const { return !taken_; }

 private:
  void pass_on();

  runtime::Executor executor_;
  bool taken_ = false;
  std::deque<Wakeup*> waiting_;
};

}  // namespace pabal::broker
