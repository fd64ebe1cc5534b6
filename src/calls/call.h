#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "calls/breaker.h"
#include "calls/policy.h"
#include "calls/retry_budget.h"

namespace pabal::calls {

// What one try came to, as far as the policy cares.
enum class TryOutcome {
  answered,     // an answer to keep, good or bad news
  unreachable,  // no connection: the service has seen nothing, trying again is always safe
  failed,       // an error of the service, silence or garbage: it may have acted
};

struct TryResult {
  TryOutcome outcome = TryOutcome::answered;
  std::optional<Duration> retry_after = {};  // what the service asked for
};

// What all calls to one service share: its breaker and its retry budget. Safe from any thread. The lock is
// held for some nanoseconds, to count.
class Guard {
 public:
  Guard(std::string service, Policy policy, Random random);

  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] const std::string& service() const { return service_; }
  [[nodiscard]] BreakerState state() const;

 private:
  friend class Call;
  Result<Breaker::Permit> admit(Instant now, bool first_try);
  void finished(Breaker::Permit permit, Sample sample, Instant now);
  void abandoned(Breaker::Permit permit);
  // How long to wait before the n-th retry; nullopt when the budget has none.
  std::optional<Duration> retry(int n, Instant now);

  std::string service_;
  Policy policy_;
  mutable std::mutex mutex_;  // for what follows: calls come from many handler threads
  Breaker breaker_;
  RetryBudget budget_;
  Random random_;
};

// The course of one call under its policy. Pure but for its guard: whoever makes the call asks begin() before
// each try, makes it until the deadline it got, tells finished(), and waits as long as that says. Belongs to
// one thread. Destroying it amid a try gives the permit back.
//
//   Call call(guard, repeatable, now);
//   while (auto deadline = call.begin(now)) {
//     … one try …
//     auto wait = call.finished(result, now);
//     if (!wait) break;
//     … wait …
//   }
class Call {
 public:
  // `repeatable`: doing it twice is as good as once (an idempotent method, or an idempotency key).
  Call(Guard& guard, bool repeatable, Instant now);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Until when the next try may last. Errors: unavailable (the breaker is open), timed_out (no time is left).
  Result<Deadline> begin(Instant now);
  // Nothing: the call is over with this result. Else: wait so long, then begin again.
  std::optional<Duration> finished(TryResult result, Instant now);

  [[nodiscard]] Instant deadline() const { return deadline_; }
  [[nodiscard]] int tries() const { return tries_; }

 private:
  Guard& guard_;
  bool repeatable_;
  Instant deadline_;
  int tries_ = 0;
  Instant try_began_ = {};
  std::optional<Breaker::Permit> permit_;
};

// Uniform in [0, min(backoff_max, backoff_first × 2^(n-1))] for the n-th retry (from 1).
[[nodiscard]] Duration full_jitter(const RetryPolicy& policy, int n, Random& random);

// "Retry-After: 3" (seconds); a date is ignored. At most an hour.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view text);

// GET, HEAD, PUT, DELETE and OPTIONS may be sent again.
[[nodiscard]] bool is_idempotent(std::string_view method);

}  // namespace pabal::calls
