#include "flows/observatory.h"

#include <boost/asio/use_future.hpp>
#include <future>
#include <gtest/gtest.h>

#include "engine/step_shards.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

struct Record {
  explicit Record(std::string_view order) : key(order) {
    view.key = as_bytes(key);
    view.headers = {
        {"ce_id", as_bytes("e-1")}, {"correlationid", as_bytes("flow-1")}, {"order", as_bytes("77")}};
  }
  std::string key;
  log::RecordView view;
};

TEST(Observatory, RemembersWhatShardsSawOnceTheyHaveGatheredIt) {
  engine::StepShards shards;
  Observatory observatory(shards);
  Record record("O-1");
  observatory.published("order", {"order.events", {PartitionIndex(0), Offset(5)}, record.view}, 1ms);
  EXPECT_EQ(observatory.memory().trace.entries(), 0);
  shards.advance(49ms);
  EXPECT_EQ(observatory.memory().trace.entries(), 0);
  shards.advance(1ms);
  for (auto id : {"O-1", "e-1", "flow-1", "77"}) {
    EXPECT_EQ(observatory.memory().trace.find({id}, 10).entries.size(), 1u) << id;
  }
  EXPECT_EQ(observatory.memory().first_offsets.at({"order.events", 0}), 5);
  EXPECT_EQ(observatory.memory().graph.edges().size(), 1u);
}

TEST(Observatory, WhatIsTheServersOwnIsNotRemembered) {
  engine::StepShards shards;
  Observatory observatory(shards);
  Record record("O-1");
  observatory.published("", {"__pabal.queues", {PartitionIndex(0), Offset(5)}, record.view}, 1ms);
  shards.run(observatory.gather());
  EXPECT_EQ(observatory.memory().trace.entries(), 0);
}

TEST(Observatory, ABatchIsCountedAsAWholeAndSaysWhetherTheTraceLacksIt) {
  engine::StepShards shards;
  Observatory observatory(shards);
  WallTime start = observatory.memory().trace.complete_since();
  shards.advance(5s);
  broker::BatchSeen batch{"order.events", PartitionIndex(0), 500, 50'000, false};
  observatory.published_batch("order", batch, 1ms);
  shards.run(observatory.gather());
  EXPECT_EQ(observatory.memory().trace.entries(), 0);
  EXPECT_EQ(observatory.memory().trace.complete_since(), start);
  EXPECT_EQ(observatory.memory().graph.published().count(shards.clock().now()), 500);
  batch.has_ids = true;
  observatory.published_batch("order", batch, 1ms);
  shards.run(observatory.gather());
  EXPECT_EQ(observatory.memory().graph.published().count(shards.clock().now()), 1000);
  EXPECT_EQ(observatory.memory().graph.edges().size(), 1U);
  EXPECT_EQ(observatory.memory().trace.complete_since(), start + 5s);
  EXPECT_EQ(observatory.dropped(), 500);
}

TEST(Observatory, WhatDoesNotFitIsCountedAndTakenBackFromTheClaim) {
  engine::StepShards shards;
  Observatory observatory(shards, {.buffer_bytes_max = 2'000});
  Record record("O-1");
  WallTime start = observatory.memory().trace.complete_since();
  shards.advance(5s);
  for (int i = 0; i < 100; ++i) {
    observatory.published("order", {"order.events", {PartitionIndex(0), Offset(i)}, record.view}, 1ms);
  }
  EXPECT_GT(observatory.dropped(), 50);
  shards.advance(1s);
  EXPECT_EQ(observatory.memory().trace.entries(), 100 - observatory.dropped());
  EXPECT_EQ(observatory.memory().trace.complete_since(), start + 5s);
  observatory.published("order", {"order.events", {PartitionIndex(0), Offset(100)}, record.view}, 1ms);
  shards.advance(1s);
  EXPECT_EQ(observatory.memory().trace.entries(), 101 - observatory.dropped());
}

TEST(Observatory, TellsWhenAQueueChanges) {
  engine::StepShards shards;
  Observatory observatory(shards);
  std::vector<std::string> queues;
  observatory.on_queue_changed([&](std::string_view queue) { queues.emplace_back(queue); });
  observatory.changed(broker::Change::topic_made, "orders");
  observatory.changed(broker::Change::queue_made, "mail");
  observatory.on_queue_changed({});
  observatory.changed(broker::Change::queue_deleted, "mail");
  EXPECT_EQ(queues, std::vector<std::string>{"mail"});
  shards.run(observatory.gather());
  const auto& happened = observatory.memory().happenings.latest();
  ASSERT_EQ(happened.size(), 3u);
  EXPECT_EQ(happened[0].text, "queue mail was deleted");
  EXPECT_EQ(happened[2].text, "topic orders was made");
  EXPECT_EQ(happened[2].topic, "orders");
}

TEST(Observatory, TheSameAgainIsOneLineThatCounts) {
  engine::StepShards shards;
  Observatory observatory(shards);
  for (int i = 0; i < 30; ++i) {
    observatory.message({.event = broker::MessageEvent::redriven,
                         .queue = "mail",
                         .topic = "orders",
                         .at = {PartitionIndex(0), Offset(i)},
                         .id = "x",
                         .key = std::nullopt,
                         .service = {},
                         .correlation_id = {},
                         .causation_id = {},
                         .type = {},
                         .reason = {},
                         .due = std::nullopt});
  }
  shards.run(observatory.gather());
  ASSERT_EQ(observatory.memory().happenings.latest().size(), 1u);
  EXPECT_EQ(observatory.memory().happenings.latest()[0].times, 30);
}

TEST(Observatory, GathersFromEveryShardAndOutlivesNothing) {
  auto shards = runtime::start_shards(3);
  auto observatory = std::make_unique<Observatory>(*shards);
  for (size_t i = 0; i < 3; ++i) {
    auto see = [&, i] {
      Record record("O-1");
      for (int n = 0; n < 1000; ++n) {
        observatory->published("order", {"t", {PartitionIndex(static_cast<int>(i)), Offset(n)}, record.view},
                               1ms);
      }
    };
    asio::post(shards->at(i).executor(), std::packaged_task<void()>(see)).get();
  }
  asio::co_spawn(shards->at(1).executor(), observatory->gather(), asio::use_future).get();
  auto count =
      asio::post(shards->at(0).executor(),
                 std::packaged_task<int64_t()>([&] { return observatory->memory().trace.entries(); }));
  EXPECT_EQ(count.get(), 3000);
  // Destroyed while timers and handed-over buffers may still be on their way.
  auto see_one = [&] { observatory->consumer_joined("q", "s"); };
  asio::post(shards->at(2).executor(), std::packaged_task<void()>(see_one)).get();
  observatory.reset();
}

}  // namespace
}  // namespace pabal::flows
