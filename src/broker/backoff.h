#pragma once

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "broker/queue.h"

namespace pabal::broker {

// How long a message waits after its `deliveries`-th delivery has failed: full jitter, uniform in
// [0, min(max, first × factor^(deliveries - 1))].
[[nodiscard]] inline Duration backoff_wait(const Backoff& backoff, int deliveries, Random& random) {
  double first = static_cast<double>(backoff.first.count());
  double most = static_cast<double>(backoff.max.count());
  double ceiling = std::min(most, first * std::pow(backoff.factor, std::max(0, deliveries - 1)));
  return Duration(static_cast<int64_t>(ceiling * random.unit()));
}

}  // namespace pabal::broker
