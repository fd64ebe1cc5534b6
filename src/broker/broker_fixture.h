#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/recording_observer.h"
#include "engine/memory_engine.h"
#include "engine/step_shards.h"
#include "log/record_batch.h"

namespace pabal::broker {

// For tests: a broker on the memory engine, with time turned by hand.
class BrokerFixture : public testing::Test {
 protected:
  engine::StepShards shards;
  std::shared_ptr<engine::MemoryEngine::Storage> storage = engine::MemoryEngine::make_storage();
  std::unique_ptr<engine::MemoryEngine> engine;
  RecordingObserver observer;
  BrokerOptions options;
  std::unique_ptr<Broker> broker;

  void SetUp() override { open(); }
  void TearDown() override { stop(); }

  void open() {
    engine = std::make_unique<engine::MemoryEngine>(shards.at(0).executor(), shards.at(0).timers(), storage);
    auto opened = shards.run(Broker::open(shards, *engine, observer, options));
    ASSERT_TRUE(opened) << opened.error().message;
    broker = std::move(*opened);
  }
  void stop() {
    if (!broker) return;
    engine->release();
    shards.run(broker->stop());
    shards.settle();
    broker.reset();
  }
  void restart() {
    stop();
    open();
  }

  void put_queue(const std::string& name, QueueChange change = {}) {
    auto put = shards.run(broker->put_queue(name, std::move(change)));
    ASSERT_TRUE(put) << put.error().message;
    shards.settle();
  }
  // One record for each key, whose value is "<key><index>".
  void publish(const std::string& topic, const std::vector<std::string>& keys) {
    Publish call{.topic = topic};
    std::vector<std::string> values;
    for (const std::string& key : keys) values.push_back(key + std::to_string(published_++));
    for (size_t i = 0; i < keys.size(); ++i) {
      call.records.push_back({.record = {.key = as_bytes(keys[i]), .value = as_bytes(values[i])}});
    }
    auto done = shards.run(broker->publish(std::move(call)));
    ASSERT_TRUE(done) << done.error().message;
    shards.settle();
  }
  std::vector<Message> receive(const std::string& queue, int max = 10, Duration wait = {}) {
    auto got = shards.run(broker->receive({.queue = queue, .max = max, .wait = wait, .service = "me"}));
    EXPECT_TRUE(got) << got.error().message;
    return got ? std::move(*got) : std::vector<Message>{};
  }
  static std::string bodies(const std::vector<Message>& messages) {
    std::string all;
    for (const Message& message : messages) all += (all.empty() ? "" : " ") + message.body.value_or("-");
    return all;
  }
  static std::vector<std::string> leases(const std::vector<Message>& messages) {
    std::vector<std::string> all;
    for (const Message& message : messages) all.push_back(message.lease);
    return all;
  }
  // How many were acked.
  int ack(const std::string& queue, std::vector<std::string> which) {
    auto results = shards.run(broker->ack(queue, std::move(which)));
    EXPECT_TRUE(results) << results.error().message;
    int ok = 0;
    if (results) {
      for (const LeaseResult& result : *results) ok += result.ok;
    }
    shards.settle();
    return ok;
  }
  int nack(const std::string& queue, Nack what) {
    auto results = shards.run(broker->nack(queue, std::move(what)));
    EXPECT_TRUE(results) << results.error().message;
    int ok = 0;
    if (results) {
      for (const LeaseResult& result : *results) ok += result.ok;
    }
    shards.settle();
    return ok;
  }
  // "ready leased delayed dead unscanned"
  std::string figures(const std::string& queue) {
    auto info = shards.run(broker->queue(queue));
    if (!info) return info.error().message;
    return fmt::format("{} {} {} {} {}", info->ready, info->leased, info->delayed, info->dead,
                       info->unscanned);
  }
  std::vector<MessageLook> look(const std::string& queue, MessageState state) {
    auto found = shards.run(broker->messages({.queue = queue, .state = state}));
    EXPECT_TRUE(found) << found.error().message;
    return found ? std::move(*found) : std::vector<MessageLook>{};
  }

 private:
  int published_ = 0;
};

}  // namespace pabal::broker
