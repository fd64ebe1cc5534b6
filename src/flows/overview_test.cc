#include "flows/overview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/units.h"
#include "engine/engine.h"
#include "engine/step_shards.h"
#include "flows/fake_broker.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

// Only its health is asked for.
struct FakeEngine final : engine::Engine {
  engine::EngineHealth its_health = {};
  engine::EngineHealth health() const override { return its_health; }
  std::vector<double> recent_commit_seconds() const override { return {0.0003, 0.0002, 0.0009}; }

  template <class T>
  static Result<T> none() {
    return error(ErrorCode::unsupported, "the fake does not do this");
  }
  runtime::Task<Result<void>> open_log(engine::LogId, engine::LogSettings) override {
    co_return none<void>();
  }
  std::vector<std::pair<engine::LogId, std::string>> logs() const override { return {}; }
  runtime::Task<Result<void>> delete_log(engine::LogId) override { co_return none<void>(); }
  runtime::Task<Result<engine::CommitResult>> commit(engine::Commit) override {
    co_return none<engine::CommitResult>();
  }
  Result<engine::LogRange> range(engine::LogId) const override { return none<engine::LogRange>(); }
  runtime::Task<Result<engine::ReadResult>> read(engine::LogId, Offset, size_t) override {
    co_return none<engine::ReadResult>();
  }
  runtime::Task<Result<Offset>> find_time(engine::LogId, WallTime) override { co_return none<Offset>(); }
  runtime::Task<Result<void>> trim(engine::LogId, Offset) override { co_return none<void>(); }
  void pin(engine::LogId, const std::string&, std::optional<Offset>) override {}
  Watch watch(engine::LogId, runtime::Executor, std::function<void()>) override { return {}; }
  runtime::Task<> stop() override { co_return; }
};

struct OverviewTest : testing::Test {
  engine::StepShards shards;
  FakeBroker broker{shards.at(0).timers()};
  FakeEngine engine;
  Observatory observatory{shards};
  Overview overview{
      broker,
      engine,
      observatory,
      "0.1.0",
      [](const broker::QueueInfo& queue) { return json{{"name", queue.name}, {"ready", queue.ready}}; },
      [](const GroupLook& group) {
        return json{{"name", group.info.name}, {"lag", group.lag.value_or(-1)}};
      }};

  OverviewTest() {
    broker.add_topic("order.events");
    broker.add_topic("notification.mail.dead");
    broker.add_queue("notification.mail", "order.events");
    shards.advance(1min);
  }
  broker::QueueInfo& mail() { return broker.queue_list[0]; }
  WallTime now() { return shards.clock().wall_now(); }

  json look() {
    shards.advance(1s);
    return json::parse(shards.run(overview.current()).value()->overview);
  }
  json node(const json& overview_json, std::string_view id) {
    for (const auto& node : overview_json["flow"]["nodes"]) {
      if (node["id"] == id) return node;
    }
    return nullptr;
  }
  json edge(const json& overview_json, std::string_view from, std::string_view to) {
    for (const auto& edge : overview_json["flow"]["edges"]) {
      if (edge["from"] == from && edge["to"] == to) return edge;
    }
    return nullptr;
  }
  void publish_ten() {
    std::ranges::sort(broker.topic_list, {}, &broker::TopicInfo::name);
    auto topic = std::ranges::find(broker.topic_list, "order.events", &broker::TopicInfo::name);
    topic->partitions[0].range.next = Offset(10);
  }
  void publish(std::string_view service) {
    log::RecordView record;
    observatory.published(service, {"order.events", {PartitionIndex(0), Offset(next_offset_++)}, record},
                          300us);
  }
  void message(broker::MessageEvent event, std::string_view reason = "") {
    observatory.message({.event = event,
                         .queue = "notification.mail",
                         .topic = "order.events",
                         .at = {PartitionIndex(0), Offset(48'211)},
                         .id = "e-1",
                         .key = "O-1",
                         .service = "notification",
                         .correlation_id = "flow-1",
                         .causation_id = {},
                         .type = "OrderPaid",
                         .delivery = 10,
                         .reason = reason,
                         .due = std::nullopt,
                         .age = 4ms});
  }

 private:
  int64_t next_offset_ = 0;
};

// A member of the group that has partition 0 of order.events and has committed to 3.
broker::GroupView group_of(std::string name, std::string client, WallTime rebalanced) {
  broker::GroupView view{.info = {.name = std::move(name), .state = broker::GroupState::stable},
                         .offsets = {}};
  view.info.protocol_type = "consumer";
  view.info.last_rebalance = broker::Rebalance{.at = rebalanced, .reason = "analytics at 10.0.0.7 left"};
  broker::GroupMember member{.id = "m",
                             .instance = {},
                             .client = std::move(client),
                             .host = "/10.0.0.7",
                             .metadata = {},
                             .assignment = {}};
  std::string_view assigned("\0\0\0\0\0\1\0\14order.events\0\0\0\1\0\0\0\0", 28);
  member.assignment.assign(assigned.begin(), assigned.end());
  view.info.members.push_back(std::move(member));
  view.offsets.push_back({{.at = {"order.events", PartitionIndex(0)}, .offset = Offset(3)}, TopicId{}});
  return view;
}

TEST_F(OverviewTest, DrawsAGroupBetweenItsTopicAndItsClients) {
  publish_ten();
  broker.group_list = {group_of("analytics", "python", now())};
  for (int i = 0; i < 5; ++i) {
    observatory.client({.topic = "order.events", .service = "python", .address = "10.0.0.7", .records = 4});
    observatory.client(
        {.topic = "order.events", .service = "loner", .address = "10.0.0.8", .user = "eve", .records = 2});
    observatory.client(
        {.publishes = true, .topic = "order.events", .service = "till", .address = "10.0.0.9"});
    publish("till");
  }
  auto seen = look();
  EXPECT_EQ(seen["groups"], (json{{{"name", "analytics"}, {"lag", 7}}}));
  EXPECT_EQ(node(seen, "group:analytics")["lag"], 7);
  EXPECT_EQ(node(seen, "group:analytics")["state"], "ok");
  EXPECT_EQ(node(seen, "service:python")["via"], "Kafka");
  auto in = edge(seen, "topic:order.events", "group:analytics");
  EXPECT_GT(in["rate"], 1);
  EXPECT_EQ(in["clients"][0]["address"], "10.0.0.7");
  EXPECT_GT(edge(seen, "group:analytics", "service:python")["rate"], 1);
  EXPECT_EQ(edge(seen, "topic:order.events", "service:python"), nullptr);
  auto alone = edge(seen, "topic:order.events", "service:loner");
  EXPECT_EQ(alone["clients"][0]["user"], "eve");
  EXPECT_EQ(edge(seen, "service:till", "topic:order.events")["clients"][0]["address"], "10.0.0.9");
  EXPECT_EQ(node(seen, "service:till")["clients"].size(), 1u);
}

TEST_F(OverviewTest, SaysThatAGroupHasNoMembersWhileRecordsWait) {
  publish_ten();
  broker.group_list = {group_of("analytics", "python", now())};
  broker.group_list[0].info.members.clear();
  broker.group_list[0].info.state = broker::GroupState::empty;
  shards.advance(9s);
  auto seen = look();
  EXPECT_EQ(node(seen, "group:analytics")["state"], "slow");
  EXPECT_EQ(seen["needs_you"][0]["group"], "analytics");
  EXPECT_EQ(seen["needs_you"][0]["text"],
            "Nobody is in it for 10 s (analytics at 10.0.0.7 left). 7 records wait, none is lost.");
  shards.advance(24h);  // it is believed to be done
  EXPECT_EQ(look()["needs_you"], json::array());
}

TEST_F(OverviewTest, IsCalmWhenAllIsWell) {
  for (int i = 0; i < 20; ++i) publish("order");
  mail().consumers.push_back({"notification", "HTTP", now(), 0, true});
  auto seen = look();
  EXPECT_EQ(seen["needs_you"], json::array());
  EXPECT_EQ(seen["version"], "0.1.0");
  EXPECT_EQ(seen["storage"]["state"], "ok");
  EXPECT_EQ(seen["figures"]["durable_ms"], (json{{"p50", 0.3}, {"p99", 0.9}}));
  EXPECT_GT(seen["figures"]["published_per_second"], 5);
  EXPECT_EQ(seen["figures"]["oldest_waiting"], nullptr);
  EXPECT_EQ(seen["queues"], (json{{{"name", "notification.mail"}, {"ready", 0}}}));
  EXPECT_EQ(seen["topics"][0]["name"], "order.events");
  EXPECT_EQ(node(seen, "queue:notification.mail")["state"], "ok");
}

TEST_F(OverviewTest, DrawsWhatIsSetUpAndWhatWasObserved) {
  publish("order");
  publish("");
  message(broker::MessageEvent::delivered);
  auto seen = look();
  EXPECT_EQ(edge(seen, "service:order", "topic:order.events")["kind"], "publishes");
  EXPECT_EQ(edge(seen, "client:HTTP", "topic:order.events")["kind"], "publishes");
  EXPECT_EQ(edge(seen, "topic:order.events", "queue:notification.mail")["kind"], "delivers");
  auto last = edge(seen, "queue:notification.mail", "service:notification");
  EXPECT_NEAR(last["p50_ms"].get<double>(), 4, 1.4);
  EXPECT_EQ(last["errors"], 0);
  EXPECT_EQ(node(seen, "topic:notification.mail.dead"), nullptr);
  EXPECT_EQ(node(seen, "topic:order.events")["partitions"], 1);
  EXPECT_EQ(json::parse(shards.run(overview.current()).value()->flow)["window_s"], 10);
}

TEST_F(OverviewTest, SaysWhoLeftSinceWhenAndThatNothingIsLost) {
  observatory.consumer_joined("notification.mail", "notification");
  shards.advance(5s);
  observatory.consumer_left("notification.mail", "notification", "connection closed");
  mail().ready = 11'904;
  mail().oldest_ready_age = 38s;
  shards.advance(41s);
  auto seen = look();
  ASSERT_EQ(seen["needs_you"].size(), 1u);
  auto need = seen["needs_you"][0];
  EXPECT_EQ(need["id"], "no_consumer:notification.mail");
  EXPECT_EQ(need["severity"], "red");
  EXPECT_EQ(need["title"], "notification.mail has no consumer");
  EXPECT_EQ(need["text"],
            "Its last one (notification) left 42 s ago: connection closed. 11,904 messages wait, none "
            "is lost.");
  EXPECT_EQ(need["actions"], (json{"queue"}));
  EXPECT_EQ(node(seen, "queue:notification.mail")["state"], "stuck");
  auto gone = node(seen, "service:notification");
  EXPECT_EQ(gone["state"], "gone");
  EXPECT_EQ(gone["since"], need["since"]);
  EXPECT_EQ(gone["reason"], "It left notification.mail 42 s ago; 11,904 messages wait there.");
  EXPECT_EQ(seen["figures"]["oldest_waiting"], (json{{"age_s", 38.0}, {"queue", "notification.mail"}}));
  EXPECT_EQ(seen["just_happened"][0]["text"], "notification left notification.mail (connection closed)");
  EXPECT_EQ(seen["just_happened"][1]["text"], "notification joined notification.mail");

  observatory.consumer_joined("notification.mail", "notification");
  mail().consumers.push_back({"notification", "HTTP", now(), 0, true});
  seen = look();
  EXPECT_EQ(seen["needs_you"], json::array());
  EXPECT_EQ(node(seen, "service:notification")["state"], "ok");
}

TEST_F(OverviewTest, AConsumerThatIsAtWorkIsThere) {
  mail().ready = 5;
  mail().oldest_ready_age = 10s;
  mail().consumers.push_back({"notification", "HTTP", now(), 3, false});
  EXPECT_EQ(look()["needs_you"], json::array());
  shards.advance(20s);
  EXPECT_EQ(look()["needs_you"], json::array());  // it holds leases
  mail().consumers[0].leased = 0;
  EXPECT_EQ(look()["needs_you"][0]["kind"], "no_consumer");
}

TEST_F(OverviewTest, SinceWhenAConsumerIsGoneDoesNotJumpWhenTheBrokerGivesUpOnIt) {
  mail().ready = 1;
  mail().oldest_ready_age = 60s;
  observatory.consumer_joined("notification.mail", "notification");
  shards.advance(60s);
  mail().consumers.push_back({"notification", "HTTP", now() - 40s, 0, false});
  WallTime last_seen = now() - 40s;
  EXPECT_EQ(look()["needs_you"][0]["since"], format_time(last_seen));
  observatory.consumer_left("notification.mail", "notification", "it has not asked for 10 s");
  mail().consumers.clear();
  auto need = look()["needs_you"][0];
  EXPECT_EQ(need["since"], format_time(last_seen));
  EXPECT_EQ(need["text"], "Its last one (notification) left 42 s ago. 1 message waits; it is not lost.");
}

TEST_F(OverviewTest, AQueueThatNobodyEverConsumedIsNotSaidToHaveLostItsConsumer) {
  mail().ready = 1;
  mail().oldest_ready_age = 1s;
  EXPECT_EQ(look()["needs_you"], json::array());  // somebody may just be starting
  mail().oldest_ready_age = 8s;
  EXPECT_EQ(look()["needs_you"][0]["text"],
            "Nobody has consumed it since the server started. 1 message waits; it is not lost.");
}

TEST_F(OverviewTest, QuotesTheReasonOfADeadLetter) {
  message(broker::MessageEvent::dead, "amount: expected a decimal, read '12,50'");
  mail().dead = 1;
  mail().oldest_dead_at = now();
  auto seen = look();
  auto need = seen["needs_you"][0];
  EXPECT_EQ(need["title"], "1 dead letter in notification.mail");
  EXPECT_EQ(need["text"],
            "“amount: expected a decimal, read '12,50'”, 10 attempts, from order.events/0 at 48,211. "
            "The rest flows; it waits to be redriven.");
  EXPECT_EQ(need["actions"], (json{"queue", "redrive"}));
  EXPECT_EQ(seen["figures"]["dead"], 1);
}

TEST_F(OverviewTest, AfterARestartTheReasonComesFromTheBroker) {
  mail().dead = 2;
  broker::MessageLook letter;
  letter.id = "e-1", letter.deliveries = 3, letter.last_reason = "no such order",
  letter.topic = "order.events";
  broker.dead_letters = {letter};
  EXPECT_THAT(look()["needs_you"][0]["text"].get<std::string>(),
              HasSubstr("The last: “no such order”, 3 attempts"));
}

TEST_F(OverviewTest, TellsOfARestingEndpoint) {
  mail().settings.push = broker::PushSettings{.url = "http://127.0.0.1:9005/events"};
  mail().ready = 12;
  observatory.resting({.queue = "notification.mail",
                       .url = "http://127.0.0.1:9005/events",
                       .reason = "connection refused",
                       .since = now(),
                       .next_probe = now() + 31s});
  shards.advance(29s);
  auto seen = look();
  auto need = seen["needs_you"][0];
  EXPECT_EQ(need["kind"], "resting");
  EXPECT_EQ(need["severity"], "red");
  EXPECT_EQ(need["text"],
            "http://127.0.0.1:9005/events has not taken anything for 30 s (connection refused); it is "
            "tried again now. 12 messages wait, none is lost.");
  observatory.rested("notification.mail");
  EXPECT_EQ(look()["needs_you"], json::array());
}

TEST_F(OverviewTest, AnEndpointThatNamedItselfIsDrawnOnceByItsName) {
  observatory.consumer_joined("notification.mail", "127.0.0.1:9");
  shards.run(observatory.gather());
  mail().consumers.push_back({"127.0.0.1:9", "push", now(), 0, true});
  EXPECT_EQ(node(look(), "service:127.0.0.1:9")["via"], "push");
  observatory.named("notification.mail", "127.0.0.1:9", "notification");
  observatory.consumer_joined("notification.mail", "notification");
  mail().consumers.push_back({"notification", "push", now(), 0, true});
  observatory.consumer_left("notification.mail", "127.0.0.1:9", "it has not asked for 10 s");
  auto seen = look();
  EXPECT_EQ(node(seen, "service:127.0.0.1:9"), nullptr);
  EXPECT_EQ(node(seen, "service:notification")["via"], "push");
  EXPECT_EQ(seen["flow"]["edges"].size(), 2u);
}

TEST_F(OverviewTest, PausedStalledFailingAndBehindAreToldApart) {
  mail().paused = true;
  EXPECT_EQ(look()["needs_you"], json::array());  // nothing waits
  mail().ready = 3;
  mail().paused_since = now();
  auto need = look()["needs_you"][0];
  EXPECT_EQ(need["text"], "It is paused for 1 s. 3 messages wait, none is lost.");
  EXPECT_EQ(need["actions"], (json{"resume", "queue"}));
  mail().paused = false;

  mail().consumers.push_back({"notification", "HTTP", now(), 0, true});
  mail().stalled = "Key O-7 waits for its dead letter.";
  need = look()["needs_you"][0];
  EXPECT_EQ(need["kind"], "stalled");
  EXPECT_EQ(need["text"], "Key O-7 waits for its dead letter.");
  mail().stalled.reset();

  for (int i = 0; i < 4; ++i) {
    message(broker::MessageEvent::delivered);
    message(broker::MessageEvent::nacked, "SMTP answered 451");
  }
  need = look()["needs_you"][0];
  EXPECT_EQ(need["severity"], "amber");
  EXPECT_THAT(
      need["text"].get<std::string>(),
      HasSubstr("4 of 4 deliveries of the last 10 s failed at notification, last with “SMTP answered 451”"));
  shards.advance(20s);

  mail().oldest_ready_age = 95s;
  mail().ready = 1000;
  look();
  shards.advance(9s);
  mail().ready = 1500;
  need = look()["needs_you"][0];
  EXPECT_EQ(need["title"], "notification.mail is falling behind");
  EXPECT_THAT(need["text"].get<std::string>(), HasSubstr("1,500 messages wait, 50.0 more every second."));
}

TEST_F(OverviewTest, AFullDiskComesFirst) {
  mail().dead = 1;
  engine.its_health = {.state = engine::EngineHealth::State::disk_full,
                       .reason = "/data has 0 bytes left.",
                       .bytes = 5,
                       .free_bytes = 0};
  auto seen = look();
  EXPECT_EQ(seen["needs_you"][0]["kind"], "disk_full");
  EXPECT_THAT(seen["needs_you"][0]["text"].get<std::string>(), HasSubstr("/data has 0 bytes left."));
  EXPECT_EQ(seen["storage"]["state"], "disk_full");
}

TEST_F(OverviewTest, ADamagedPartitionIsRedAndNamed) {
  engine::LogId log{.topic = {.bytes = {1}}, .partition = PartitionIndex(2)};
  engine.its_health.damaged = {{log, "orders", "/data/x.log is damaged at byte 7: …"}};
  auto need = look()["needs_you"][0];
  EXPECT_EQ(need["kind"], "damaged");
  EXPECT_EQ(need["severity"], "red");
  EXPECT_EQ(need["title"], "Partition 2 of orders is damaged");
  EXPECT_THAT(need["text"].get<std::string>(), HasSubstr("/data/x.log is damaged at byte 7"));
}

TEST_F(OverviewTest, WhatATopicThatIsNotFlushedMayHaveLostIsTold) {
  engine::LogId log{.topic = {.bytes = {1}}, .partition = PartitionIndex(2)};
  engine::EngineHealth::Lost lost{log, "clicks", engine::Durability::written, Offset(5), Offset(15)};
  engine.its_health.lost = {lost, lost};
  auto need = look()["needs_you"][0];
  EXPECT_EQ(need["kind"], "lost");
  EXPECT_EQ(need["title"], "clicks may have lost records");
  EXPECT_THAT(need["text"].get<std::string>(), HasSubstr("Up to 20 records in 2 partitions"));
}

TEST_F(OverviewTest, CallsThatFailAreToldWithTheServiceThatIsCalled) {
  for (int i = 0; i < 5; ++i) {
    ReportedCall call;
    call.service = "order", call.peer = "payment", call.at = now(), call.duration = 3ms;
    call.failed = i > 0;
    call.reason = "connection refused";
    observatory.called(call);
  }
  auto seen = look();
  EXPECT_EQ(seen["needs_you"][0]["service"], "payment");
  EXPECT_THAT(seen["needs_you"][0]["text"].get<std::string>(),
              HasSubstr("4 of 5 calls in the last 10 s failed"));
  EXPECT_EQ(node(seen, "service:payment")["state"], "slow");
  EXPECT_EQ(edge(seen, "service:order", "service:payment")["errors"], 4);
}

TEST_F(OverviewTest, IsComputedAtMostTwiceASecondHoweverManyAsk) {
  shards.advance(1s);
  int before = broker.queues_asked;
  for (int i = 0; i < 100; ++i) {
    shards.run(overview.current());
    shards.advance(10ms);
  }
  EXPECT_EQ(broker.queues_asked - before, 2);
  shards.advance(1h);
  EXPECT_EQ(broker.queues_asked - before, 2);
}

TEST_F(OverviewTest, WhatPeersWroteInOtherEncodingsDoesNotBreakThePage) {
  publish("\xff\xfe");
  message(broker::MessageEvent::dead, "\xc3\x28 broken");
  mail().dead = 1;
  EXPECT_EQ(look()["needs_you"].size(), 1u);
}

}  // namespace
}  // namespace pabal::flows
