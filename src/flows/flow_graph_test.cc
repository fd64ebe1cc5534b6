#include "flows/flow_graph.h"

#include <gtest/gtest.h>

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

struct Story {
  FlowGraph graph;
  Instant now = Instant(1h);

  Seen base(SeenKind kind) const { return {.kind = kind, .at = WallTime(1000s), .instant = now}; }
  void published(std::string_view service, std::string_view topic) {
    Seen seen = base(SeenKind::published);
    seen.service = service, seen.topic = topic, seen.duration = 1ms;
    graph.see(seen);
  }
  void delivered(std::string_view service, int delivery = 1) {
    about(SeenKind::delivered, service, delivery);
  }
  void about(SeenKind kind, std::string_view service, int delivery = 1, std::string_view reason = "") {
    Seen seen = base(kind);
    seen.topic = "orders", seen.queue = "mail", seen.service = service, seen.delivery = delivery;
    seen.reason = reason, seen.duration = 5ms;
    graph.see(seen);
  }
  const FlowGraph::Edge* edge(EdgeKind kind, NodeName from, NodeName to) {
    auto found = graph.edges().find({kind, std::move(from), std::move(to)});
    return found == graph.edges().end() ? nullptr : &found->second;
  }
};

const NodeName orders = {NodeKind::topic, "orders"};
const NodeName mail = {NodeKind::queue, "mail"};
const NodeName notification = {NodeKind::service, "notification"};

TEST(FlowGraph, DrawsWhoPublishesAndWhoConsumes) {
  Story story;
  story.published("order", "orders");
  story.published("", "orders");
  story.delivered("notification");
  EXPECT_TRUE(story.edge(EdgeKind::publishes, {NodeKind::service, "order"}, orders));
  EXPECT_TRUE(story.edge(EdgeKind::publishes, {NodeKind::client, "HTTP"}, orders));
  EXPECT_TRUE(story.edge(EdgeKind::delivers, orders, mail));
  EXPECT_TRUE(story.edge(EdgeKind::delivers, mail, notification));
  EXPECT_EQ(story.graph.published().count(story.now), 2);
}

TEST(FlowGraph, ARetryComesOutOfTheTopicOnce) {
  Story story;
  for (int delivery = 1; delivery <= 3; ++delivery) story.delivered("notification", delivery);
  EXPECT_EQ(story.edge(EdgeKind::delivers, orders, mail)->window.count(story.now), 1);
  EXPECT_EQ(story.edge(EdgeKind::delivers, mail, notification)->window.count(story.now), 3);
}

TEST(FlowGraph, FailuresCountAtTheConsumerWithTheLatestReason) {
  Story story;
  story.delivered("notification");
  story.about(SeenKind::nacked, "notification", 1, "no route to SMTP");
  const auto* edge = story.edge(EdgeKind::delivers, mail, notification);
  EXPECT_EQ(edge->window.failures(story.now), 1);
  EXPECT_EQ(edge->last_failure, "no route to SMTP");
}

TEST(FlowGraph, RemembersWhoLeftWhenAndWhy) {
  Story story;
  story.about(SeenKind::joined, "notification");
  story.about(SeenKind::joined, "notification");
  story.about(SeenKind::left, "notification", 0, "connection closed");
  EXPECT_EQ(story.graph.consumers_of("mail")->at("notification").present, 1);
  EXPECT_FALSE(story.graph.consumers_of("mail")->at("notification").left);
  story.about(SeenKind::left, "notification", 0, "connection closed");
  EXPECT_EQ(story.graph.consumers_of("mail")->at("notification").present, 0);
  EXPECT_EQ(story.graph.consumers_of("mail")->at("notification").why, "connection closed");
  EXPECT_FALSE(story.graph.consumers_of("other"));
}

TEST(FlowGraph, ForgetsAnHourAfterTheLastTrafficAndNotBefore) {
  Story story;
  story.published("order", "orders");
  story.about(SeenKind::joined, "notification");
  story.about(SeenKind::left, "notification");
  story.graph.forget(story.now + 59min);
  EXPECT_EQ(story.graph.edges().size(), 1u);
  EXPECT_TRUE(story.graph.consumers_of("mail"));
  story.graph.forget(story.now + 61min);
  EXPECT_TRUE(story.graph.edges().empty());
  EXPECT_FALSE(story.graph.consumers_of("mail"));
}

TEST(FlowGraph, IsBounded) {
  Story story;
  story.graph = FlowGraph({.edges_max = 10, .consumers_max = 2});
  for (int i = 0; i < 50; ++i) story.published(fmt::format("service-{}", i), "orders");
  for (int i = 0; i < 50; ++i) story.about(SeenKind::joined, fmt::format("service-{}", i));
  EXPECT_EQ(story.graph.edges().size(), 10u);
  EXPECT_EQ(story.graph.consumers_of("mail")->size(), 2u);
  EXPECT_EQ(story.graph.refused(), 40 + 48);
}

TEST(FlowGraph, ADeletedThingIsDrawnNoMore) {
  Story story;
  story.published("order", "orders");
  story.delivered("notification");
  story.about(SeenKind::joined, "notification");
  story.graph.remove(mail);
  EXPECT_EQ(story.graph.edges().size(), 1u);
  EXPECT_FALSE(story.graph.consumers_of("mail"));
}

}  // namespace
}  // namespace pabal::flows
