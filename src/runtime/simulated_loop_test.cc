#include "runtime/simulated_loop.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "runtime/simulated_shards.h"

namespace pabal::runtime {
namespace {

using std::chrono::seconds;

TEST(SimulatedLoop, work_of_one_lane_keeps_its_order_and_lanes_interleave) {
  std::set<std::string> orders;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SimulatedLoop loop(seed);
    auto a = loop.add_lane().executor();
    auto b = loop.add_lane().executor();
    std::string order;
    for (char c : {'1', '2'}) asio::post(a, [&order, c] { order += c; });
    for (char c : {'x', 'y'}) asio::post(b, [&order, c] { order += c; });
    while (loop.step()) {
    }
    EXPECT_LT(order.find('1'), order.find('2'));
    EXPECT_LT(order.find('x'), order.find('y'));
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 6u);
}

TEST(SimulatedLoop, a_slow_lane_comes_when_the_others_have_done_much_and_still_comes) {
  size_t ahead = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimulatedLoop loop(seed);
    auto& slow = loop.add_lane();
    slow.slow_down(30);
    auto quick = loop.add_lane().executor();
    bool came = false;
    asio::post(slow.executor(), [&] { came = true; });
    for (int i = 0; i < 100; ++i) asio::post(quick, [&] { ahead += came ? 0 : 1; });
    while (loop.step()) {
    }
    EXPECT_TRUE(came);
  }
  EXPECT_GT(ahead, 20u * 15);
}

TEST(SimulatedLoop, time_jumps_to_the_next_timer_when_nothing_else_can_run) {
  SimulatedLoop loop(1);
  SimulatedShards shards(loop, 2);
  Instant start = loop.clock().now();
  std::string order;
  for (size_t i : {1, 0}) {
    asio::co_spawn(
        shards.at(i).executor(),
        [](Shard& shard, std::string& out) -> Task<> {
          co_await sleep_for(shard.timers(), seconds(10 + shard.index()));
          EXPECT_TRUE(shard.here());
          out += std::to_string(shard.index());
        }(shards.at(i), order),
        asio::detached);
  }
  while (loop.step()) {
  }
  EXPECT_EQ(order, "01");
  EXPECT_GE(loop.clock().now() - start, seconds(11));
  EXPECT_LT(loop.clock().now() - start, seconds(12));
}

TEST(SimulatedLoop, work_crosses_shards_and_comes_back) {
  SimulatedLoop loop(3);
  SimulatedShards shards(loop, 2);
  int result = 0;
  auto there = [&]() -> Task<int> {
    EXPECT_TRUE(shards.at(1).here());
    co_return 42;
  };
  auto work = [&]() -> Task<> {
    result = co_await on<int>(shards.at(1).executor(), there);
    EXPECT_TRUE(shards.at(0).here());
  };
  asio::co_spawn(shards.at(0).executor(), work, asio::detached);
  while (loop.step()) {
  }
  EXPECT_EQ(result, 42);
}

TEST(SimulatedLoop, step_until_moves_time_no_further) {
  SimulatedLoop loop(1);
  auto& lane = loop.add_lane();
  Instant start = loop.clock().now();
  bool ran = false;
  lane.at(start + seconds(10), [&] { ran = true; });
  EXPECT_FALSE(loop.step_until(start + seconds(9)));
  EXPECT_EQ(loop.clock().now(), start + seconds(9));
  EXPECT_TRUE(loop.step_until(start + seconds(10)));
  EXPECT_TRUE(ran);
}

TEST(SimulatedLoop, drop_all_destroys_what_waits_and_what_that_starts) {
  SimulatedLoop loop(1);
  auto& lane = loop.add_lane();
  auto executor = lane.executor();
  auto alive = std::shared_ptr<void>(nullptr, [executor](void*) { asio::post(executor, [] { FAIL(); }); });
  lane.at(loop.clock().now() + seconds(1), [alive] {});
  asio::post(executor, [alive = std::move(alive)] {});
  loop.drop_all();
  EXPECT_FALSE(loop.step());
}

}  // namespace
}  // namespace pabal::runtime
