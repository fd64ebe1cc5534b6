#include "runtime/shards.h"

#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>

namespace pabal::runtime {
namespace {

template <class T>
T run(Shard& shard, std::function<Task<T>()> work) {
  return asio::co_spawn(shard.executor(), std::move(work), asio::use_future).get();
}

TEST(Shards, each_runs_on_a_thread_of_its_own) {
  auto shards = start_shards(2);
  EXPECT_FALSE(shards->at(0).here());
  for (size_t i = 0; i < 2; ++i) {
    std::pair<bool, bool> here =
        run<std::pair<bool, bool>>(shards->at(i), [&]() -> Task<std::pair<bool, bool>> {
          co_return std::pair(shards->at(0).here(), shards->at(1).here());
        });
    EXPECT_EQ(here, std::pair(i == 0, i == 1));
  }
}

TEST(Shards, owner_of_a_hash_is_always_the_same) {
  auto shards = start_shards(3);
  EXPECT_EQ(shards->owner_of(7).index(), 1u);
  EXPECT_EQ(shards->executors().size(), 3u);
}

TEST(on, runs_there_and_continues_here) {
  auto shards = start_shards(2);
  int result = run<int>(shards->at(0), [&]() -> Task<int> {
    int value = co_await on<int>(shards->at(1).executor(), [&]() -> Task<int> {
      EXPECT_TRUE(shards->at(1).here());
      co_return 42;
    });
    EXPECT_TRUE(shards->at(0).here());
    co_return value;
  });
  EXPECT_EQ(result, 42);
}

TEST(on, does_not_hop_when_already_there) {
  auto shards = start_shards(1);
  Shard& shard = shards->at(0);
  std::string order = run<std::string>(shard, [&]() -> Task<std::string> {
    auto order = std::make_shared<std::string>();
    asio::post(shard.executor(), [order] { *order += 'b'; });
    co_await on<void>(shard.executor(), [order]() -> Task<> {
      *order += 'a';
      co_return;
    });
    co_return *order;
  });
  EXPECT_EQ(order, "a");
}

TEST(Shards, stop_destroys_what_waits_across_shards) {
  auto shards = start_shards(2);
  auto alive = std::make_shared<int>(0);
  std::promise<void> waiting;
  Executor other = shards->at(1).executor();
  Timers& timers = shards->at(1).timers();  // `shards` itself is being taken away meanwhile
  asio::co_spawn(
      shards->at(0).executor(),
      [&, alive]() -> Task<> {
        co_await on<void>(other, [&, alive]() -> Task<> {
          waiting.set_value();
          co_await sleep_for(timers, std::chrono::hours(1));
        });
      },
      asio::detached);
  waiting.get_future().wait();
  shards.reset();
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace pabal::runtime
