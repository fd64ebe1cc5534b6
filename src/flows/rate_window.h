#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace pabal::flows {

constexpr int window_seconds = 10;

// How often something happened in the last ten seconds, how long it took and how often it failed. One slot a
// second; slots that have left the window are ignored when it is read, so nothing has to run while idle.
class RateWindow {
 public:
  void add(Instant now, Duration took, bool failed = false, uint32_t count = 1);
  // Several at once, of which nobody knows how long they took.
  void add_count(Instant now, uint32_t count);
  // A failure of something already counted.
  void add_failure(Instant now);

  [[nodiscard]] double per_second(Instant now) const;
  [[nodiscard]] int64_t count(Instant now) const;
  [[nodiscard]] int64_t failures(Instant now) const;
  // Of the window that ended with the latest traffic; nullopt before any.
  [[nodiscard]] std::optional<double> quantile_ms(double q) const;

 private:
  // Log-scale: bin 0 ends at 10 µs, each further one is a third wider, the last is open.
  static constexpr size_t bins = 64;
  struct Slot {
    int64_t second = -1;
    uint32_t count = 0;
    uint32_t failures = 0;
    std::array<uint16_t, bins> took = {};
  };
  static size_t bin_of(Duration took);
  static double bin_end_ms(size_t bin);
  Slot& slot(Instant now);

  std::array<Slot, window_seconds> slots_ = {};
  int64_t first_second_ = -1;
  int64_t last_second_ = -1;
};

}  // namespace pabal::flows
