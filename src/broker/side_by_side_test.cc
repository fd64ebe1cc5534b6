#include "broker/side_by_side.h"

#include <gtest/gtest.h>

#include "broker/wakeup.h"
#include "engine/step_shards.h"

namespace pabal::broker {
namespace {

using runtime::Task;

class SideBySideTest : public testing::Test {
 protected:
  engine::StepShards shards;
  FifoLock gate{shards.at(0).executor()};
  int begun = 0;
  int at_once = 0;
  int most_at_once = 0;

  // Waits for its turn; fails at or above `failing`.
  Task<Result<void>> work(int32_t i, int32_t failing) {
    ++begun;
    most_at_once = std::max(most_at_once, ++at_once);
    FifoLock::Turn turn = co_await gate.take(shards.at(0).timers());
    --at_once;
    if (i < failing) co_return Result<void>{};
    co_return error(ErrorCode::io_failed, "{} failed", i);
  }
  Task<std::shared_ptr<FifoLock::Turn>> take_turn() {
    co_return std::make_shared<FifoLock::Turn>(co_await gate.take(shards.at(0).timers()));
  }
  // Nobody gets a turn before all that may be under way are.
  Result<void> run(int32_t from, int32_t to, int32_t failing) {
    auto turn = shards.run(take_turn());
    auto all = shards.start(side_by_side(from, to, [=, this](int32_t i) { return work(i, failing); }));
    shards.settle();
    turn.reset();
    shards.settle();
    return all->value();
  }
};

TEST_F(SideBySideTest, runs_as_many_as_it_may_and_no_more) {
  EXPECT_TRUE(run(3, 3 + 4 * side_by_side_max, INT32_MAX));
  EXPECT_EQ(begun, 4 * side_by_side_max);
  EXPECT_EQ(most_at_once, side_by_side_max);
}

TEST_F(SideBySideTest, has_nothing_to_do_for_an_empty_range) {
  EXPECT_TRUE(run(5, 5, INT32_MAX));
  EXPECT_EQ(begun, 0);
}

TEST_F(SideBySideTest, ends_with_the_first_error_and_begins_nothing_after_it) {
  auto done = run(0, 4 * side_by_side_max, 7);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "7 failed");
  EXPECT_LT(begun, 2 * side_by_side_max);
  EXPECT_EQ(at_once, 0);  // all have ended
}

}  // namespace
}  // namespace pabal::broker
