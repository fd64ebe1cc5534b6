#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/strong.h"
#include "runtime/asio.h"

namespace pabal::runtime {

using TimerId = Strong<struct TimerIdTag, uint64_t>;

// The timers of one shard. Owns the callbacks that wait. Called, and calling back, on the shard's thread
// only. Real time and the simulator's virtual time are its two kinds.
class Timers {
 public:
  virtual ~Timers() = default;

  [[nodiscard]] virtual const Clock& clock() const = 0;
  // Runs `callback` once, at or as soon as possible after `at`; never from within this call. At
  // Instant::max() it is kept, and never runs.
  virtual TimerId at(Instant at, std::move_only_function<void()> callback) = 0;
  // After this the callback does not run. Unknown and past ids are ignored.
  virtual void cancel(TimerId id) = 0;
};

// Suspends the calling coroutine. Asio's cancellation ends the wait early, without an error: look at the
// clock.
[[nodiscard]] Task<> sleep_until(Timers& timers, Instant at);
[[nodiscard]] Task<> sleep_for(Timers& timers, Duration d);

}  // namespace pabal::runtime
