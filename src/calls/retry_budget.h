#pragma once

#include "base/clock.h"
#include "calls/policy.h"

namespace pabal::calls {

// How many retries a client may make: a share of its calls, and a small reserve that fills again by itself.
// The token is taken when a retry is decided, so retries that wait in their backoff count. Pure; its owner
// serialises the calls.
class RetryBudget {
 public:
  explicit RetryBudget(const RetryPolicy& policy)
      : ratio_(policy.budget_ratio), reserve_(policy.budget_reserve), tokens_(policy.budget_reserve) {}

  void call_made() { tokens_ = std::min(tokens_ + ratio_, tokens_max); }
  // Takes a token, when there is one.
  bool take(Instant now);

 private:
  static constexpr double tokens_max = 100;
  static constexpr Duration reserve_fills_in = std::chrono::seconds(10);

  double ratio_;
  double reserve_;
  double tokens_;
  Instant filled_at_ = {};
};

}  // namespace pabal::calls
