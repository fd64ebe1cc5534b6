#include "runtime/shards.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "broker/broker.h"
#include "broker/silence.h"
#include "engine/memory_engine.h"

// The broker on real threads: callers on one shard, topics and queues on others.

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;
using runtime::Task;

class BrokerOnShards : public testing::Test {
 protected:
  static constexpr size_t shard_count = 3;
  std::unique_ptr<runtime::Shards> shards = runtime::start_shards(shard_count);
  engine::MemoryEngine engine{shards->at(0).executor(), shards->at(0).timers()};
  Silence observer;
  std::unique_ptr<Broker> broker;

  template <class T>
  std::future<T> start(size_t shard, Task<T> task) {
    return asio::co_spawn(shards->at(shard).executor(), std::move(task), asio::use_future);
  }
  void SetUp() override {
    auto opened = start(1, Broker::open(*shards, engine, observer, {})).get();
    ASSERT_TRUE(opened);
    broker = std::move(*opened);
  }
  static Task<bool> stop(Broker& broker) {
    co_await broker.stop();
    co_return true;
  }
  void TearDown() override {
    start(0, stop(*broker)).get();
    shards.reset();
  }

  static Task<int> produce(Broker& broker, std::string topic, int count, int number) {
    int stored = 0;
    for (int i = 0; i < count; ++i) {
      std::string value = fmt::format("{}.{}", number, i);
      Publish call{.topic = topic, .producer = fmt::format("p{}", number), .sequence = i + 1};
      call.records.push_back({.record = {.key = as_bytes(value), .value = as_bytes(value)}});
      auto done = co_await broker.publish(std::move(call));
      stored += done && (*done)[0];
    }
    co_return stored;
  }
  // Until the consumers of the queue have acknowledged `wanted` together.
  static Task<std::set<std::string>> consume(Broker& broker, std::string queue, size_t wanted,
                                             std::atomic<size_t>& acked) {
    std::set<std::string> bodies;
    Deadline patience = Deadline::after(system_clock(), 60s);
    while (acked < wanted && !patience.passed(system_clock())) {
      auto messages = co_await broker.receive({.queue = queue, .max = 20, .wait = 100ms, .service = "c"});
      if (!messages) co_return bodies;
      if (messages->empty()) continue;
      std::vector<std::string> leases;
      for (const Message& message : *messages) {
        bodies.insert(*message.body);
        leases.push_back(message.lease);
      }
      size_t count = leases.size();
      std::ignore = co_await broker.ack(queue, std::move(leases));
      acked += count;
    }
    co_return bodies;
  }
};

TEST_F(BrokerOnShards, clients_on_all_shards_get_each_message_once) {
  constexpr int per_producer = 200;
  for (std::string queue : {"a", "b", "c"}) {
    ASSERT_TRUE(start(0, broker->put_queue(queue, {.topic = "orders"})).get());
  }
  std::vector<std::future<int>> producers;
  std::vector<std::future<std::set<std::string>>> consumers;
  std::map<std::string, std::atomic<size_t>> acked;
  for (size_t s = 0; s < shard_count; ++s) {
    for (std::string queue : {"a", "b", "c"}) {
      consumers.push_back(
          start(s, consume(*broker, queue, size_t{shard_count} * per_producer, acked[queue])));
    }
    producers.push_back(start(s, produce(*broker, "orders", per_producer, static_cast<int>(s))));
  }
  for (auto& producer : producers) EXPECT_EQ(producer.get(), per_producer);
  size_t got = 0;
  for (auto& consumer : consumers) got += consumer.get().size();
  EXPECT_EQ(got, 3 * shard_count * per_producer);
  auto infos = start(2, broker->queues()).get();
  ASSERT_TRUE(infos);
  for (const QueueInfo& info : *infos) EXPECT_EQ(info.ready + info.leased + info.unscanned, 0) << info.name;
}

}  // namespace
}  // namespace pabal::broker
