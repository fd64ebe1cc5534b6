#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "runtime/timers.h"

namespace pabal::runtime {

// Callbacks in the order of their time, and of their arrival where times are equal. What real and simulated
// timers share. One thread.
class TimerHeap {
 public:
  using Callback = std::move_only_function<void()>;

  TimerId add(Instant at, Callback callback);
  void cancel(TimerId id);
  // When the first is due; nullopt when none waits, or only such as wait for ever (at Instant::max()).
  [[nodiscard]] std::optional<Instant> next() const;
  // The first callback that is due at `now`, taken out; empty when none is.
  [[nodiscard]] Callback take_due(Instant now);
  // Destroys all callbacks; what their destructors add or cancel is safe.
  void clear();
  [[nodiscard]] size_t size() const { return waiting_.size(); }

 private:
  using Key = std::pair<Instant, uint64_t>;
  std::map<Key, Callback> waiting_;
  std::unordered_map<uint64_t, Instant> times_;
  uint64_t last_id_ = 0;
};

}  // namespace pabal::runtime
