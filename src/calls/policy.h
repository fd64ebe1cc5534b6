#pragma once

#include <chrono>

#include "base/clock.h"

namespace pabal::calls {

// How one service is called. Every number has a default that suits a call between neighbours.

struct RetryPolicy {
  int tries_max = 3;  // the first one included; 1 turns retries off
  // The wait before the n-th retry is uniform in [0, min(backoff_max, backoff_first × 2^(n-1))] (full
  // jitter).
  Duration backoff_first = std::chrono::milliseconds(25);
  Duration backoff_max = std::chrono::milliseconds(250);
  // Retries may be at most this part of the calls of late, so that they cannot multiply an overload…
  double budget_ratio = 0.2;
  // …and this many are always allowed, or a quiet client could never retry.
  int budget_reserve = 10;
};

// Opens when, among the last `window` calls, the share that failed or was slow reaches its rate; lets
// `probes` through after `open_for`, and closes again when those went well.
struct BreakerPolicy {
  int window = 50;
  int calls_min = 20;  // no verdict on fewer
  double failure_rate = 0.5;
  Duration slow_after = std::chrono::seconds(60);
  double slow_rate = 1.0;
  Duration open_for = std::chrono::seconds(2);
  int probes = 3;
};

struct Policy {
  Duration timeout = std::chrono::seconds(2);      // the whole call: every try and every wait between them
  Duration try_timeout = std::chrono::seconds(1);  // one try
  RetryPolicy retry = {};
  BreakerPolicy breaker = {};
};

}  // namespace pabal::calls
