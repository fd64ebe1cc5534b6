#include "calls/call.h"

#include <gmock/gmock.h>

namespace pabal::calls {
namespace {

using namespace std::chrono_literals;

struct Bench {
  explicit Bench(Policy policy = {}) : guard("payment", policy, Random(7)) {}

  Guard guard;
  Instant now = Instant(1h);

  // Plays a call whose tries all end so, each after `took`; the number of tries.
  int play(TryOutcome outcome, bool repeatable, Duration took = 1ms) {
    Call call(guard, repeatable, now);
    while (call.begin(now)) {
      now += took;
      auto wait = call.finished({outcome}, now);
      if (!wait) break;
      now += *wait;
    }
    return call.tries();
  }
};

TEST(Call, ends_with_the_first_answer) {
  Bench bench;
  EXPECT_EQ(bench.play(TryOutcome::answered, true), 1);
}

TEST(Call, repeats_only_what_is_safe_to_repeat) {
  Bench bench;
  EXPECT_EQ(bench.play(TryOutcome::failed, true), 3);
  EXPECT_EQ(bench.play(TryOutcome::failed, false), 1);
  EXPECT_EQ(bench.play(TryOutcome::unreachable, false), 3);
}

TEST(Call, bounds_each_try_and_the_whole) {
  Bench bench({.timeout = 150ms, .try_timeout = 100ms});
  Instant start = bench.now;
  Call call(bench.guard, true, bench.now);
  EXPECT_EQ(call.begin(bench.now)->at(), start + 100ms);
  bench.now = start + 100ms;
  auto wait = call.finished({TryOutcome::failed}, bench.now);
  ASSERT_TRUE(wait);
  bench.now += *wait;
  EXPECT_EQ(call.begin(bench.now)->at(), start + 150ms);
  EXPECT_EQ(call.finished({TryOutcome::failed}, start + 150ms), std::nullopt);
  auto late = call.begin(start + 150ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::timed_out);
}

TEST(Call, waits_as_long_as_the_service_asks_when_there_is_time) {
  Bench bench({.timeout = 10s});
  Call call(bench.guard, true, bench.now);
  ASSERT_TRUE(call.begin(bench.now));
  EXPECT_EQ(call.finished({TryOutcome::failed, 3s}, bench.now), 3s);
  ASSERT_TRUE(call.begin(bench.now + 3s));
  EXPECT_EQ(call.finished({TryOutcome::failed, 8s}, bench.now + 3s), std::nullopt);
}

TEST(Call, fails_at_once_while_the_breaker_is_open) {
  Bench bench({.breaker = {.window = 4, .calls_min = 4, .open_for = 1s}});
  for (int i = 0; i < 4; ++i) bench.play(TryOutcome::failed, false);
  EXPECT_EQ(bench.guard.state(), BreakerState::open);
  Call call(bench.guard, true, bench.now);
  auto refused = call.begin(bench.now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("4 of the last 4 calls failed"));
  EXPECT_EQ(call.tries(), 0);
}

TEST(Call, gives_its_permit_back_when_it_is_dropped) {
  Bench bench({.breaker = {.window = 4, .calls_min = 4, .open_for = 1s, .probes = 1}});
  for (int i = 0; i < 4; ++i) bench.play(TryOutcome::failed, false);
  bench.now += 1s;
  {
    Call dropped(bench.guard, true, bench.now);
    ASSERT_TRUE(dropped.begin(bench.now));
    EXPECT_FALSE(Call(bench.guard, true, bench.now).begin(bench.now));
  }
  EXPECT_EQ(bench.play(TryOutcome::answered, true), 1);
  EXPECT_EQ(bench.guard.state(), BreakerState::closed);
}

TEST(RetryBudget, keeps_retries_to_a_share_of_the_calls) {
  Bench bench(
      {.retry = {.tries_max = 2, .budget_ratio = 0.2, .budget_reserve = 10}, .breaker = {.failure_rate = 2}});
  int tries = 0;
  for (int i = 0; i < 1000; ++i) tries += bench.play(TryOutcome::failed, true, 0ms);
  EXPECT_GE(tries - 1000, 200);
  EXPECT_LE(tries - 1000, 230) << "a fifth of the calls, and the reserve";
}

TEST(RetryBudget, lets_a_quiet_client_retry_again_after_a_while) {
  RetryBudget budget({.budget_ratio = 0, .budget_reserve = 2});
  Instant now(1h);
  EXPECT_TRUE(budget.take(now));
  EXPECT_TRUE(budget.take(now));
  EXPECT_FALSE(budget.take(now));
  EXPECT_FALSE(budget.take(now + 4s));
  EXPECT_TRUE(budget.take(now + 6s));
}

TEST(full_jitter, doubles_up_to_the_maximum_and_spreads) {
  RetryPolicy policy{.backoff_first = 10ms, .backoff_max = 50ms};
  Random random(1);
  for (int n : {1, 2, 3, 4, 60}) {
    Duration most = std::min<Duration>(50ms, n < 10 ? 10ms * (1 << (n - 1)) : 50ms);
    Duration largest{};
    for (int i = 0; i < 1000; ++i) largest = std::max(largest, full_jitter(policy, n, random));
    EXPECT_LE(largest, most);
    EXPECT_GT(largest, most * 9 / 10);
  }
}

TEST(parse_retry_after, reads_seconds_only) {
  EXPECT_EQ(parse_retry_after("3"), 3s);
  EXPECT_EQ(parse_retry_after("999999"), 1h);
  for (const char* text : {"", "-1", "3 s", "Fri, 20 Nov 2026 10:00:00 GMT", "99999999999999999999"}) {
    EXPECT_EQ(parse_retry_after(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace pabal::calls
