#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"

namespace pabal::broker {

// Events per second over the last ten whole seconds. One thread.
class Rate {
 public:
  void add(int64_t count, Instant now) {
    int64_t second = second_of(now);
    Slot& slot = slots_[static_cast<size_t>(second) % slots_.size()];
    if (slot.second != second) slot = {second, 0};
    slot.count += count;
  }
  [[nodiscard]] double per_second(Instant now) const {
    int64_t second = second_of(now);
    int64_t count = 0;
    for (const Slot& slot : slots_) {
      if (slot.second < second && slot.second >= second - window_seconds) count += slot.count;
    }
    return static_cast<double>(count) / window_seconds;
  }

 private:
  static constexpr int window_seconds = 10;
  struct Slot {
    int64_t second = -1;
    int64_t count = 0;
  };
  static int64_t second_of(Instant now) {
    return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  }
  std::array<Slot, window_seconds + 2> slots_ = {};
};

}  // namespace pabal::broker
