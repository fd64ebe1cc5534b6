#include "broker/wakeup.h"

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <functional>

namespace pabal::broker {

// One suspended coroutine. Its timer owns it, then the executor that is to resume it.
class Wakeup::Wait : public std::enable_shared_from_this<Wait> {
 public:
  Wait(runtime::Executor executor, runtime::Timers& timers, std::move_only_function<void()> resume)
      : executor_(std::move(executor)), timers_(timers), resume_(std::move(resume)) {}

  void start(Instant until) {
    id_ = timers_.at(until, [self = shared_from_this()] { self->resume(); });
  }
  // Resumes it soon; the first call counts.
  void end() {
    timers_.cancel(id_);
    asio::post(executor_, [self = shared_from_this()] { self->resume(); });
  }

 private:
  void resume() {
    if (auto once = std::exchange(resume_, nullptr)) once();
  }

  runtime::Executor executor_;
  runtime::Timers& timers_;
  std::move_only_function<void()> resume_;
  runtime::TimerId id_{};
};

void Wakeup::wake() {
  woken_ = true;
  // Last: ending it may destroy the waiting coroutine, and this with it.
  if (auto wait = std::exchange(wait_, {}).lock()) wait->end();
}

runtime::Task<bool> Wakeup::wait(runtime::Timers& timers, Deadline deadline) {
  if (!woken_) {
    auto start = [this, &timers, deadline](auto handler) {
      asio::cancellation_slot slot = asio::get_associated_cancellation_slot(handler);
      auto wait = std::make_shared<Wait>(executor_, timers, std::move(handler));
      wait_ = wait;
      wait->start(deadline.at());
      if (!slot.is_connected()) return;
      slot.assign([weak = std::weak_ptr(wait)](asio::cancellation_type) {
        if (auto waiting = weak.lock()) waiting->end();
      });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(start),
                                                                         asio::use_awaitable);
  }
  co_return std::exchange(woken_, false);
}

runtime::Task<FifoLock::Turn> FifoLock::take(runtime::Timers& timers) {
  if (!taken_) {
    taken_ = true;
    co_return Turn(*this);
  }
  struct Place {
    Place(FifoLock& l) : lock(l), wakeup(l.executor_) { lock.waiting_.push_back(&wakeup); }
    ~Place() {
      if (auto it = std::ranges::find(lock.waiting_, &wakeup); it != lock.waiting_.end()) {
        lock.waiting_.erase(it);
      } else if (!used) {
        lock.pass_on();  // the turn came to one who no longer wants it
      }
    }
    FifoLock& lock;
    Wakeup wakeup;
    bool used = false;
  };
  Place place(*this);
  while (!co_await place.wakeup.wait(timers, Deadline::never())) {
  }
  place.used = true;
  co_return Turn(*this);
}

void FifoLock::pass_on() {
  if (waiting_.empty()) {
    taken_ = false;
    return;
  }
  Wakeup* next = waiting_.front();
  waiting_.pop_front();
  next->wake();
}

}  // namespace pabal::broker
