#include "runtime/shards.h"

#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>

#include "runtime/all.h"

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

TEST(all, begins_each_in_order_and_returns_when_the_last_has_ended) {
  auto shards = start_shards(2);
  std::vector<size_t> began;
  auto results = run<std::vector<size_t>>(shards->at(0), [&]() -> Task<std::vector<size_t>> {
    asio::steady_timer gate(shards->at(0).executor(), asio::steady_timer::time_point::max());
    co_return co_await all<size_t>(3, [&](size_t i) -> Task<size_t> {
      began.push_back(i);
      if (i == 2) gate.cancel();  // the last one lets the others end
      boost::system::error_code ignored;
      if (i != 2) co_await gate.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      co_return i * 10;
    });
  });
  EXPECT_EQ(began, (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(results, (std::vector<size_t>{0, 10, 20}));
}

TEST(all, of_none_returns_at_once) {
  auto shards = start_shards(1);
  auto none = run<std::vector<int>>(shards->at(0), [&]() -> Task<std::vector<int>> {
    co_return co_await all<int>(0, [](size_t) -> Task<int> { co_return 1; });
  });
  EXPECT_TRUE(none.empty());
}

TEST(all, throws_what_one_of_them_throws) {
  auto shards = start_shards(1);
  auto work = [&]() -> Task<std::vector<int>> {
    co_return co_await all<int>(2, [](size_t i) -> Task<int> {
      if (i == 0) throw std::runtime_error("no");
      co_return 1;
    });
  };
  EXPECT_THROW(run<std::vector<int>>(shards->at(0), work), std::runtime_error);
}

}  // namespace
}  // namespace pabal::runtime
