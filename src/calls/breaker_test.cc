#include "calls/breaker.h"

#include <gmock/gmock.h>

#include "base/random.h"

namespace pabal::calls {
namespace {

using namespace std::chrono_literals;

constexpr BreakerPolicy small{.window = 10,
                              .calls_min = 4,
                              .failure_rate = 0.5,
                              .slow_after = 100ms,
                              .slow_rate = 0.5,
                              .open_for = 1s,
                              .probes = 2};

// A breaker and a clock turned by hand.
struct Bench {
  Breaker breaker{small};
  Instant now = Instant(1h);

  void call(bool failed, Duration took = 1ms) {
    auto permit = breaker.admit(now);
    ASSERT_TRUE(permit);
    breaker.finished(*permit, {failed, took}, now);
  }
  void break_it() {
    for (int i = 0; i < 4; ++i) call(true);
  }
};

TEST(Breaker, says_nothing_before_it_has_seen_enough) {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.call(true);
  EXPECT_EQ(bench.breaker.state(), BreakerState::closed);
  bench.call(true);
  EXPECT_EQ(bench.breaker.state(), BreakerState::open);
  EXPECT_EQ(bench.breaker.reason(), "4 of the last 4 calls failed");
}

TEST(Breaker, opens_at_the_rate_and_not_below) {
  Bench bench;
  for (int i = 0; i < 6; ++i) bench.call(false);
  for (int i = 0; i < 4; ++i) bench.call(true);
  EXPECT_EQ(bench.breaker.state(), BreakerState::closed);
  bench.call(true);  // pushes a success out of the window: 5 of 10
  EXPECT_EQ(bench.breaker.state(), BreakerState::open);
}

TEST(Breaker, opens_for_slow_calls_too) {
  Bench bench;
  bench.call(false, 100ms);  // slow is above, not at
  bench.call(false, 101ms);
  bench.call(false, 200ms);
  bench.call(false);
  EXPECT_EQ(bench.breaker.state(), BreakerState::open);
  EXPECT_EQ(bench.breaker.reason(), "2 of the last 4 calls were slow");
}

TEST(Breaker, lets_so_many_probes_through_after_the_wait) {
  Bench bench;
  bench.break_it();
  EXPECT_FALSE(bench.breaker.admit(bench.now + 999ms));
  bench.now += 1s;
  auto first = bench.breaker.admit(bench.now);
  auto second = bench.breaker.admit(bench.now);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(bench.breaker.admit(bench.now));
  bench.breaker.finished(*first, {}, bench.now);
  EXPECT_FALSE(bench.breaker.admit(bench.now)) << "two in all, not two at a time";
  bench.breaker.finished(*second, {}, bench.now);
  EXPECT_EQ(bench.breaker.state(), BreakerState::closed);
}

TEST(Breaker, opens_again_when_a_probe_fails) {
  Bench bench;
  bench.break_it();
  bench.now += 1s;
  bench.call(false);
  bench.call(true);
  EXPECT_EQ(bench.breaker.state(), BreakerState::open);
  EXPECT_FALSE(bench.breaker.admit(bench.now + 999ms));
  EXPECT_TRUE(bench.breaker.admit(bench.now + 1s));
}

TEST(Breaker, ignores_late_answers_of_calls_from_before) {
  Bench bench;
  auto late = bench.breaker.admit(bench.now);
  bench.break_it();
  bench.now += 1s;
  auto probe = bench.breaker.admit(bench.now);
  ASSERT_TRUE(late && probe);
  bench.breaker.finished(*late, {.failed = true}, bench.now);
  bench.breaker.finished(*probe, {}, bench.now);
  bench.call(false);
  EXPECT_EQ(bench.breaker.state(), BreakerState::closed);
}

TEST(Breaker, is_not_wedged_by_probes_that_are_given_up_or_lost) {
  Bench bench;
  bench.break_it();
  bench.now += 1s;
  auto given_up = bench.breaker.admit(bench.now);
  ASSERT_TRUE(given_up);
  bench.breaker.abandoned(*given_up);
  ASSERT_TRUE(bench.breaker.admit(bench.now));
  ASSERT_TRUE(bench.breaker.admit(bench.now));  // both are lost
  EXPECT_FALSE(bench.breaker.admit(bench.now));
  bench.now += 1s;
  bench.call(false);
  bench.call(false);
  EXPECT_EQ(bench.breaker.state(), BreakerState::closed);
}

// Whatever happens, it never hands out more probes than allowed and never stays shut.
TEST(Breaker, keeps_its_promises_over_random_histories) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    Bench bench;
    std::vector<Breaker::Permit> out;
    for (int step = 0; step < 500; ++step) {
      bench.now += Duration(static_cast<int64_t>(random.below(50'000'000)));
      if (random.chance(0.5)) {
        if (auto permit = bench.breaker.admit(bench.now)) out.push_back(*permit);
      } else if (!out.empty()) {
        Breaker::Permit permit = out.back();
        out.pop_back();
        random.chance(0.1) ? bench.breaker.abandoned(permit)
                           : bench.breaker.finished(permit, {.failed = random.chance(0.6)}, bench.now);
      }
    }
    bench.now += 1h;
    for (int i = 0; i < small.probes && bench.breaker.state() != BreakerState::closed; ++i) bench.call(false);
    EXPECT_EQ(bench.breaker.state(), BreakerState::closed) << "seed " << seed;
  }
}

}  // namespace
}  // namespace pabal::calls
