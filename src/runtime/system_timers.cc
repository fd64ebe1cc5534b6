#include "runtime/system_timers.h"

namespace pabal::runtime {

TimerId SystemTimers::at(Instant at, std::move_only_function<void()> callback) {
  TimerId id = heap_.add(at, std::move(callback));
  arm();
  return id;
}

void SystemTimers::clear() { heap_.clear(); }

void SystemTimers::arm() {
  std::optional<Instant> first = heap_.next();
  if (!first || (armed_for_ && *armed_for_ <= *first)) return;
  armed_for_ = first;
  // Both clocks read CLOCK_MONOTONIC.
  timer_.expires_at(std::chrono::steady_clock::time_point(first->time_since_epoch()));
  timer_.async_wait([this](const boost::system::error_code& stopped) {
    if (!stopped) run_due();
  });
}

void SystemTimers::run_due() {
  armed_for_.reset();
  Instant now = system_clock().now();
  while (auto callback = heap_.take_due(now)) callback();
  arm();
}

}  // namespace pabal::runtime
