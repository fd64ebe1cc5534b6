#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "base/clock.h"
#include "runtime/asio.h"
#include "runtime/timers.h"

namespace pabal::broker {

// Lets one coroutine wait until others wake it, at most until a deadline. Belongs to one shard. It must
// outlive the wait.
class Wakeup {
 public:
  explicit Wakeup(const runtime::Executor& executor)
      : signal_(executor, asio::steady_timer::time_point::max()) {}

  // Ends the wait under way, or the next one at once. Never runs the waiter from within.
  void wake();
  // True when woken, false when the deadline came first or the caller was cancelled. Uses the waking up.
  runtime::Task<bool> wait(runtime::Timers& timers, Deadline deadline);

 private:
  asio::steady_timer signal_;  // never fires: only its cancellation is used
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
