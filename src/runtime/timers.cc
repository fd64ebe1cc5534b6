#include "runtime/timers.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <memory>
#include <optional>

namespace pabal::runtime {
namespace {

// One suspended sleeper. The timer and the cancellation both lead to wake(); the first one counts.
template <class Handler>
class Sleeper : public std::enable_shared_from_this<Sleeper<Handler>> {
 public:
  Sleeper(Timers& timers, Handler handler) : timers_(timers), handler_(std::move(handler)) {}

  void start(Instant at) {
    auto self = this->shared_from_this();
    slot_ = asio::get_associated_cancellation_slot(*handler_);
    id_ = timers_.at(at, [self] { self->wake(); });
    if (!slot_.is_connected()) return;
    slot_.assign([weak = std::weak_ptr(self)](asio::cancellation_type) {
      if (auto sleeper = weak.lock()) sleeper->cancel();
    });
  }

 private:
  // Wakes through a timer that is due at once, never from within the canceller's call.
  void cancel() {
    if (!handler_) return;
    timers_.cancel(id_);
    id_ = timers_.at(Instant::min(), [self = this->shared_from_this()] { self->wake(); });
  }

  void wake() {
    if (!handler_) return;
    Handler handler = std::move(*handler_);
    handler_.reset();
    if (slot_.is_connected()) slot_.clear();
    std::move(handler)();
  }

  Timers& timers_;
  std::optional<Handler> handler_;
  asio::cancellation_slot slot_;
  TimerId id_{};
};

}  // namespace

Task<> sleep_until(Timers& timers, Instant at) {
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&timers, at](auto handler) {
        using Handler = decltype(handler);
        std::make_shared<Sleeper<Handler>>(timers, std::move(handler))->start(at);
      },
      asio::use_awaitable);
}

Task<> sleep_for(Timers& timers, Duration d) { return sleep_until(timers, timers.clock().now() + d); }

}  // namespace pabal::runtime
