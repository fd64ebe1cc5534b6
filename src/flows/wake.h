#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "runtime/timers.h"

namespace pabal::flows {

// Lets one coroutine wait for a time or for being woken, whichever is first. A call of wake() while nobody
// waits ends the next wait at once. One thread.
class Wake {
 public:
  explicit Wake(runtime::Timers& timers) : timers_(timers) {}

  void wake();
  runtime::Task<> wait_until(Instant at);

 private:
  struct Waiter {
    std::move_only_function<void()> resume;
  };
  static void fire(const std::shared_ptr<Waiter>& waiter);

  runtime::Timers& timers_;
  std::weak_ptr<Waiter> waiter_;  // the timer owns it, so that what waits dies with the timers
  runtime::TimerId timer_{};
  bool woken_ = false;
};

}  // namespace pabal::flows
