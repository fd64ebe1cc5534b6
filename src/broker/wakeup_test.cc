#include "broker/wakeup.h"

#include <gtest/gtest.h>

#include "engine/step_shards.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;

struct WakeupTest : testing::Test {
  engine::StepShards shards;
  runtime::Shard& shard = shards.at(0);
  Deadline in(Duration d) { return Deadline::after(shards.clock(), d); }
};

TEST_F(WakeupTest, waits_until_woken) {
  Wakeup wakeup(shard.executor());
  auto woken = shards.start(wakeup.wait(shard.timers(), in(10s)));
  shards.advance(5s);
  EXPECT_FALSE(*woken);
  wakeup.wake();
  shards.settle();
  EXPECT_EQ(*woken, true);
}

TEST_F(WakeupTest, remembers_a_waking_up_that_came_first) {
  Wakeup wakeup(shard.executor());
  wakeup.wake();
  EXPECT_TRUE(shards.run(wakeup.wait(shard.timers(), in(10s))));
  EXPECT_FALSE(shards.run(wakeup.wait(shard.timers(), in(10s))));
}

runtime::Task<bool> take_and_note(FifoLock& lock, runtime::Shard& shard, std::string& order, char name,
                                  Duration hold) {
  FifoLock::Turn turn = co_await lock.take(shard.timers());
  order += name;
  co_await runtime::sleep_for(shard.timers(), hold);
  co_return true;
}

TEST_F(WakeupTest, a_lock_goes_round_in_the_order_of_asking) {
  FifoLock lock(shard.executor());
  std::string order;
  auto a = shards.start(take_and_note(lock, shard, order, 'a', 1s));
  auto b = shards.start(take_and_note(lock, shard, order, 'b', 1s));
  auto c = shards.start(take_and_note(lock, shard, order, 'c', 1s));
  shards.settle();
  EXPECT_EQ(order, "a");
  shards.advance(1s);
  EXPECT_EQ(order, "ab");
  shards.advance(2s);
  EXPECT_EQ(order, "abc");
  EXPECT_TRUE(lock.idle());
}

}  // namespace
}  // namespace pabal::broker
