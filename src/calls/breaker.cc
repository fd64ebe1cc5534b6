#include "calls/breaker.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/check.h"

namespace pabal::calls {

namespace {

constexpr uint8_t failed_bit = 1;
constexpr uint8_t slow_bit = 2;

}  // namespace

Breaker::Breaker(BreakerPolicy policy) : policy_(policy) {
  check(policy.window > 0 && policy.probes > 0, "a breaker needs a window ({}) and probes ({})",
        policy.window, policy.probes);
  policy_.calls_min = std::clamp(policy.calls_min, 1, policy.window);
  begin_round(BreakerState::closed, policy_.window);
}

std::optional<Breaker::Permit> Breaker::admit(Instant now) {
  if (state_ == BreakerState::closed) [[likely]] {
    return Permit{round_};
  }
  if (now >= probes_at_) {
    begin_round(BreakerState::half_open, policy_.probes);
    probes_at_ = now + std::max<Duration>(policy_.open_for, std::chrono::milliseconds(1));
  }
  if (state_ == BreakerState::open || probes_out_ + samples_ >= policy_.probes) return std::nullopt;
  ++probes_out_;
  return Permit{round_};
}

void Breaker::finished(Permit permit, Sample sample, Instant now) {
  if (permit.round != round_) return;
  count(sample);
  if (state_ == BreakerState::half_open) {
    --probes_out_;
    if (samples_ < policy_.probes) return;
    Verdict verdict = judge();
    if (verdict.open) return open(std::move(verdict.reason), now);
    begin_round(BreakerState::closed, policy_.window);
    return reason_.clear();
  }
  if (samples_ < policy_.calls_min) return;
  if (Verdict verdict = judge(); verdict.open) open(std::move(verdict.reason), now);
}

void Breaker::abandoned(Permit permit) {
  if (permit.round == round_ && state_ == BreakerState::half_open) --probes_out_;
}

void Breaker::begin_round(BreakerState state, int samples_max) {
  state_ = state;
  ++round_;
  ring_.assign(static_cast<size_t>(samples_max), 0);
  ring_next_ = 0;
  samples_ = 0;
  failed_ = 0;
  slow_ = 0;
  probes_out_ = 0;
}

void Breaker::count(Sample sample) {
  uint8_t& slot = ring_[ring_next_];
  ring_next_ = ring_next_ + 1 == ring_.size() ? 0 : ring_next_ + 1;
  if (samples_ == static_cast<int>(ring_.size())) {
    failed_ -= (slot & failed_bit) != 0 ? 1 : 0;
    slow_ -= (slot & slow_bit) != 0 ? 1 : 0;
  } else {
    ++samples_;
  }
  bool slow = sample.took > policy_.slow_after;
  slot = static_cast<uint8_t>((sample.failed ? failed_bit : 0) | (slow ? slow_bit : 0));
  failed_ += sample.failed ? 1 : 0;
  slow_ += slow ? 1 : 0;
}

Breaker::Verdict Breaker::judge() const {
  if (failed_ > 0 && failed_ >= policy_.failure_rate * samples_) {
    return {true, fmt::format("{} of the last {} calls failed", failed_, samples_)};
  }
  if (slow_ > 0 && slow_ >= policy_.slow_rate * samples_) {
    return {true, fmt::format("{} of the last {} calls were slow", slow_, samples_)};
  }
  return {false, {}};
}

void Breaker::open(std::string reason, Instant now) {
  begin_round(BreakerState::open, policy_.probes);
  reason_ = std::move(reason);
  probes_at_ = now + policy_.open_for;
}

}  // namespace pabal::calls
