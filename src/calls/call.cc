#include "calls/call.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/units.h"

namespace pabal::calls {

namespace {

constexpr int retry_after_seconds_max = 3600;

Instant saturating_add(Instant at, Duration d) { return d >= Instant::max() - at ? Instant::max() : at + d; }

}  // namespace

Guard::Guard(std::string service, Policy policy, Random random)
    : service_(std::move(service)),
      policy_(policy),
      breaker_(policy.breaker),
      budget_(policy.retry),
      random_(random) {}

BreakerState Guard::state() const {
  std::lock_guard lock(mutex_);
  return breaker_.state();
}

Result<Breaker::Permit> Guard::admit(Instant now, bool first_try) {
  std::lock_guard lock(mutex_);
  if (first_try) budget_.call_made();
  if (auto permit = breaker_.admit(now)) [[likely]] {
    return *permit;
  }
  Duration left = std::max(Duration::zero(), breaker_.probes_at() - now);
  return error(ErrorCode::unavailable, "{} is not called: {}; it is tried again in {}", service_,
               breaker_.reason(), format_duration(std::chrono::ceil<std::chrono::milliseconds>(left)));
}

void Guard::finished(Breaker::Permit permit, Sample sample, Instant now) {
  std::lock_guard lock(mutex_);
  breaker_.finished(permit, sample, now);
}

void Guard::abandoned(Breaker::Permit permit) {
  std::lock_guard lock(mutex_);
  breaker_.abandoned(permit);
}

std::optional<Duration> Guard::retry(int n, Instant now) {
  std::lock_guard lock(mutex_);
  if (!budget_.take(now)) return std::nullopt;
  return full_jitter(policy_.retry, n, random_);
}

Call::Call(Guard& guard, bool repeatable, Instant now)
    : guard_(guard), repeatable_(repeatable), deadline_(saturating_add(now, guard.policy_.timeout)) {}

Call::~Call() {
  if (permit_) guard_.abandoned(*permit_);
}

Result<Deadline> Call::begin(Instant now) {
  check(!permit_, "the try before has not been finished");
  if (now >= deadline_) {
    return error(ErrorCode::timed_out, "{} gave no answer within {} ({} tries)", guard_.service_,
                 format_duration(guard_.policy_.timeout), tries_);
  }
  auto permit = guard_.admit(now, tries_ == 0);
  if (!permit) return std::unexpected(std::move(permit.error()));
  permit_ = *permit;
  try_began_ = now;
  ++tries_;
  return Deadline(std::min(deadline_, saturating_add(now, guard_.policy_.try_timeout)));
}

std::optional<Duration> Call::finished(TryResult result, Instant now) {
  check(permit_.has_value(), "finished() without begin()");
  bool failed = result.outcome != TryOutcome::answered;
  guard_.finished(*std::exchange(permit_, std::nullopt), {failed, now - try_began_}, now);
  if (!failed) [[likely]] {
    return std::nullopt;
  }
  bool safe = repeatable_ || result.outcome == TryOutcome::unreachable;
  if (!safe || tries_ >= guard_.policy_.retry.tries_max) return std::nullopt;
  auto wait = guard_.retry(tries_, now);
  if (!wait) return std::nullopt;
  *wait = std::max(*wait, result.retry_after.value_or(Duration::zero()));
  if (*wait >= deadline_ - now) return std::nullopt;  // the answer could only be "too late"
  return wait;
}

Duration full_jitter(const RetryPolicy& policy, int n, Random& random) {
  Duration most = policy.backoff_first;
  for (int i = 1; i < n && most < policy.backoff_max; ++i) most *= 2;
  most = std::min(most, policy.backoff_max);
  return Duration(static_cast<int64_t>(random.below(static_cast<uint64_t>(most.count()) + 1)));
}

std::optional<Duration> parse_retry_after(std::string_view text) {
  int seconds = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (problem != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, retry_after_seconds_max));
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

}  // namespace pabal::calls
