#include "flows/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/units.h"
#include "broker/message_record.h"
#include "engine/step_shards.h"
#include "flows/fake_broker.h"
#include "flows/log_search.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;

struct Event {
  std::string id, type, key, correlation;
  [[nodiscard]] log::RecordView view(WallTime at = {}) const {
    log::RecordView record;
    record.key = as_bytes(key);
    record.value = as_bytes("{}");
    record.headers = {
        {"ce_id", as_bytes(id)}, {"ce_type", as_bytes(type)}, {"correlationid", as_bytes(correlation)}};
    record.timestamp = at;
    return record;
  }
};

struct TraceTest : testing::Test {
  engine::StepShards shards;
  FakeBroker broker{shards.at(0).timers()};
  Observatory observatory{shards};
  Trace trace{broker, observatory};

  TraceTest() { broker.add_topic("order.events"); }

  void publish(std::string_view service, const Event& event, int64_t offset) {
    observatory.published(service, {"order.events", {PartitionIndex(0), Offset(offset)}, event.view()},
                          300us);
  }
  void message(broker::MessageEvent what, const Event& event, int64_t offset, int delivery = 1,
               std::string_view reason = "") {
    observatory.message({.event = what,
                         .queue = "notification.mail",
                         .topic = "order.events",
                         .at = {PartitionIndex(0), Offset(offset)},
                         .id = fmt::format("order.events-0-{}", offset),
                         .key = event.key,
                         .service = "notification",
                         .correlation_id = event.correlation,
                         .causation_id = {},
                         .type = event.type,
                         .delivery = delivery,
                         .reason = reason,
                         .due = std::nullopt});
  }
  json find(std::string id) { return shards.run(trace.find(std::move(id))).value(); }
  static std::vector<std::string> kinds(const json& trace) {
    std::vector<std::string> out;
    for (const auto& entry : trace["entries"]) out.push_back(entry["kind"]);
    return out;
  }
};

const Event paid = {"e-1", "OrderPaid", "O-1", "flow-1"};
const Event points = {"e-2", "PointsEarned", "customer-9", "flow-1"};
const Event other = {"e-3", "OrderPaid", "O-2", "flow-2"};

TEST_F(TraceTest, TellsTheWholeStoryOfAnOrderInItsOrder) {
  publish("order", paid, 0);
  shards.advance(10ms);
  message(broker::MessageEvent::delivered, paid, 0);
  shards.advance(20ms);
  message(broker::MessageEvent::nacked, paid, 0, 1, "SMTP answered 451");
  shards.advance(1s);
  message(broker::MessageEvent::delivered, paid, 0, 2);
  shards.advance(5ms);
  message(broker::MessageEvent::acked, paid, 0, 2);
  publish("member", points, 1);
  publish("order", other, 2);
  auto story = find("O-1");
  EXPECT_TRUE(story["found"]);
  EXPECT_THAT(kinds(story), ElementsAre("published", "delivered", "failed", "retry", "acked", "published"));
  const auto& entries = story["entries"];
  EXPECT_EQ(entries[0]["service"], "order");
  EXPECT_EQ(entries[0]["duration_ms"], 0.3);
  EXPECT_EQ(entries[0]["record_id"], "e-1");
  EXPECT_EQ(entries[2]["reason"], "SMTP answered 451");
  EXPECT_EQ(entries[2]["duration_ms"], 20);
  EXPECT_EQ(entries[4]["duration_ms"], 5);
  EXPECT_EQ(entries[4]["outcome"], "ok");
  EXPECT_EQ(entries[5]["type"], "PointsEarned");  // another key, the same flow
  for (std::string id : {"flow-1", "e-1", "customer-9"}) EXPECT_EQ(find(id)["entries"], entries) << id;
}

TEST_F(TraceTest, ADeliveryThatWasNotedFirstStillComesAfterItsPublication) {
  message(broker::MessageEvent::delivered, paid, 0);
  shards.advance(1ms);
  publish("order", paid, 0);
  EXPECT_THAT(kinds(find("O-1")), ElementsAre("published", "delivered"));
}

TEST_F(TraceTest, CallsAreEntriesOfTheFlowTheyBelongTo) {
  ReportedCall call;
  call.service = "order", call.peer = "payment", call.name = "POST /payments", call.correlation_id = "flow-1";
  call.outcome = "timed out";
  call.at = shards.clock().wall_now() - 5s;
  call.duration = 2s;
  observatory.called(call);
  publish("order", paid, 0);
  auto story = find("O-1");
  EXPECT_THAT(kinds(story), ElementsAre("call", "published"));
  EXPECT_EQ(story["entries"][0]["peer"], "payment");
  EXPECT_EQ(story["entries"][0]["outcome"], "timed out");
  EXPECT_EQ(story["entries"][0]["duration_ms"], 2000);
}

TEST_F(TraceTest, AnUnknownIdIsAnAnswerAndABadOneIsNot) {
  auto nothing = find("O-99");
  EXPECT_FALSE(nothing["found"]);
  EXPECT_EQ(nothing["entries"], json::array());
  EXPECT_EQ(nothing["complete_since"], format_time(observatory.started()));
  EXPECT_FALSE(shards.run(trace.find("")));
  EXPECT_FALSE(shards.run(trace.find(std::string(10'000, 'x'))));
}

TEST_F(TraceTest, RecordsFromBeforeTheMemoryAreFoundInTheTopics) {
  WallTime before = shards.clock().wall_now() - 1h;
  broker.store("order.events", paid.view(before));
  broker.store("order.events", other.view(before));
  broker.store("order.events", points.view(before + 1s));
  broker.store("order.events", paid.view(before + 2s));
  publish("order", paid, 3);  // the fourth was published since the start
  auto story = find("O-1");
  EXPECT_THAT(kinds(story), ElementsAre("published", "published", "published"));
  EXPECT_EQ(story["entries"][0]["at"], format_time(before));
  EXPECT_EQ(story["entries"][1]["type"], "PointsEarned");
  EXPECT_EQ(story["entries"][2]["service"], "order");
  EXPECT_EQ(story["published_since"], nullptr);  // all of the topic was looked at
}

TEST_F(TraceTest, ADeathFromBeforeTheMemoryIsToldWithItsReasonAndOnlyOnce) {
  broker.add_topic("notification.mail.dead");
  WallTime before = shards.clock().wall_now() - 1h;
  broker::DeadRecord dead{.origin = {.id = "order.events-0-0",
                                     .topic = "order.events",
                                     .at = {PartitionIndex(0), Offset(0)},
                                     .enqueued_at = before},
                          .queue = "notification.mail",
                          .reason = "no address",
                          .deliveries = 10,
                          .died_at = before + 5s};
  broker.store("order.events", paid.view(before));
  broker.store("notification.mail.dead", broker::make_dead(paid.view(before), dead).view());
  auto story = find("O-1");
  EXPECT_THAT(kinds(story), ElementsAre("published", "dead"));
  EXPECT_EQ(story["entries"][1]["reason"], "no address");
  EXPECT_EQ(story["entries"][1]["queue"], "notification.mail");
  EXPECT_EQ(story["entries"][1]["topic"], "order.events");
  EXPECT_EQ(story["entries"][1]["delivery"], 10);
  message(broker::MessageEvent::dead, paid, 0, 10, "no address");
  EXPECT_THAT(kinds(find("O-1")), ElementsAre("published", "dead"));
}

TEST_F(TraceTest, TheSearchInTopicsIsBoundedAndSaysHowFarItWent) {
  WallTime first = shards.clock().wall_now() - 1h;
  std::string padding(200, 'x');
  for (int i = 0; i < 200; ++i) {
    Event event{fmt::format("e{}", i), padding, fmt::format("O-{}", i), fmt::format("f-{}", i)};
    broker.store("order.events", event.view(first + i * 1s));
  }
  auto matches = [&](std::string id) {
    return shards.run(search_logs(broker, shards.clock(),
                                  {.id = std::move(id), .headers = {}, .below = {}, .bytes_max = 20'000}));
  };
  auto late = matches("O-199");
  EXPECT_EQ(late.entries.size(), 1u);
  EXPECT_FALSE(late.whole);
  EXPECT_GT(*late.from, first + 100s);
  EXPECT_LT(late.bytes, 60'000);
  EXPECT_TRUE(matches("O-1").entries.empty());
}

}  // namespace
}  // namespace pabal::flows
