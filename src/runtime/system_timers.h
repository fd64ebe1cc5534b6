#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "runtime/timer_heap.h"
#include "runtime/timers.h"

namespace pabal::runtime {

// Timers on the system's monotonic clock: one asio timer, set to the first that is due, so that a thousand
// waiting timers cost one. Sleeps for ever when none waits. Belongs to the thread that runs `context`.
class SystemTimers final : public Timers {
 public:
  explicit SystemTimers(asio::io_context& context) : timer_(context) {}

  [[nodiscard]] const Clock& clock() const override { return system_clock(); }
  TimerId at(Instant at, std::move_only_function<void()> callback) override;
  void cancel(TimerId id) override { heap_.cancel(id); }
  // Destroys what waits. Nothing may be added afterwards that should run.
  void clear();

 private:
  void arm();
  void run_due();

  asio::steady_timer timer_;
  TimerHeap heap_;
  std::optional<Instant> armed_for_;
};

}  // namespace pabal::runtime
