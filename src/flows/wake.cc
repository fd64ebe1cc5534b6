#include "flows/wake.h"

#include <boost/asio/async_result.hpp>

namespace pabal::flows {

void Wake::fire(const std::shared_ptr<Waiter>& waiter) {
  if (auto resume = std::exchange(waiter->resume, {})) resume();
}

void Wake::wake() {
  woken_ = true;
  auto waiter = waiter_.lock();
  if (!waiter) return;
  // Through a timer that is due at once: whoever wakes is not run over.
  timers_.cancel(timer_);
  timer_ = timers_.at(Instant::min(), [waiter] { fire(waiter); });
}

runtime::Task<> Wake::wait_until(Instant at) {
  if (!woken_) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this, at](auto handler) {
          auto held = std::make_shared<decltype(handler)>(std::move(handler));
          auto waiter = std::make_shared<Waiter>();
          waiter->resume = [held] { std::move (*held)(); };
          waiter_ = waiter;
          timer_ = timers_.at(at, [waiter] { fire(waiter); });
        },
        asio::use_awaitable);
  }
  woken_ = false;
}

}  // namespace pabal::flows
