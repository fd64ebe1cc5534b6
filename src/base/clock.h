#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace pabal {

using Duration = std::chrono::nanoseconds;

// A reading of a monotonic clock; only differences mean anything.
struct MonotonicClock {
  using rep = int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicClock, Duration>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicClock::time_point;

// Wall-clock time in the milliseconds of Kafka's record timestamps.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// Where time comes from. The system's (system_clock()) or the simulator's. Safe from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
  [[nodiscard]] virtual WallTime wall_now() const = 0;
};

// CLOCK_MONOTONIC and CLOCK_REALTIME. Lives for ever.
const Clock& system_clock();

// A point in time by which something must be done, passed down through every wait instead of a time-out.
class Deadline {
 public:
  static Deadline never() { return Deadline(Instant::max()); }
  static Deadline after(const Clock& clock, Duration d) {
    Instant now = clock.now();
    return Deadline(d >= Instant::max() - now ? Instant::max() : now + d);
  }
  explicit Deadline(Instant at) : at_(at) {}

  [[nodiscard]] Instant at() const { return at_; }
  [[nodiscard]] bool is_never() const { return at_ == Instant::max(); }
  [[nodiscard]] bool passed(const Clock& clock) const { return clock.now() >= at_; }
  // Never negative.
  [[nodiscard]] Duration left(const Clock& clock) const {
    return is_never() ? Duration::max() : std::max(Duration::zero(), at_ - clock.now());
  }
  [[nodiscard]] Deadline sooner(Deadline other) const { return at_ < other.at_ ? *this : other; }

 private:
  Instant at_;
};

}  // namespace pabal
