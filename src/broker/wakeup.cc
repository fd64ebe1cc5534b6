#include "broker/wakeup.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>

namespace pabal::broker {
namespace {

// Cancels its timer when the wait is over, however it ends.
class Alarm {
 public:
  Alarm(runtime::Timers& timers, Deadline deadline, std::move_only_function<void()> ring) : timers_(timers) {
    if (!deadline.is_never()) id_ = timers_.at(deadline.at(), std::move(ring));
  }
  ~Alarm() { timers_.cancel(id_); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  runtime::Timers& timers_;
  runtime::TimerId id_{};
};

}  // namespace

void Wakeup::wake() {
  woken_ = true;
  signal_.cancel();
}

runtime::Task<bool> Wakeup::wait(runtime::Timers& timers, Deadline deadline) {
  if (!woken_) {
    Alarm alarm(timers, deadline, [this] { signal_.cancel(); });
    boost::system::error_code ignored;
    co_await signal_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
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
