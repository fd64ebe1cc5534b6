#include <gtest/gtest.h>

#include "broker/broker_fixture.h"

// Queues in key order.

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;

class QueueOrderTest : public BrokerFixture {
 protected:
  void make(QueueChange change = {}) {
    change.topic = "orders";
    change.order = KeyOrder::by_key;
    put_queue("q", change);
  }
  void redrive_all() {
    auto started = shards.run(broker->redrive({.queue = "q", .all = true}));
    ASSERT_TRUE(started) << started.error().message;
    shards.advance(1s);
  }
};

TEST_F(QueueOrderTest, one_message_of_a_key_is_out_at_a_time_and_other_keys_flow) {
  make();
  publish("orders", {"a", "a", "b", "a"});
  auto first = receive("q");
  EXPECT_EQ(bodies(first), "a0 b2");
  EXPECT_EQ(figures("q"), "2 2 0 0 0");
  EXPECT_EQ(ack("q", {first[0].lease}), 1);
  auto second = receive("q");
  EXPECT_EQ(bodies(second), "a1");
  EXPECT_EQ(ack("q", leases(second)), 1);
  EXPECT_EQ(bodies(receive("q")), "a3");
}

TEST_F(QueueOrderTest, a_retry_holds_its_key_also_over_a_restart) {
  make();
  publish("orders", {"a", "a", "b"});
  auto first = receive("q", 1);
  nack("q", {.leases = leases(first), .delay = 30s});
  EXPECT_EQ(bodies(receive("q")), "b2");
  restart();
  EXPECT_EQ(bodies(receive("q")), "b2");
  shards.advance(30s);
  auto again = receive("q");
  EXPECT_EQ(bodies(again), "a0 b2") << "b2's lease has run out as well";
  ack("q", {again[0].lease});
  EXPECT_EQ(bodies(receive("q")), "a1");
}

TEST_F(QueueOrderTest, messages_without_a_key_have_no_order) {
  make();
  Publish call{.topic = "orders", .records = std::vector<PublishRecord>(3)};
  ASSERT_TRUE(shards.run(broker->publish(call)));
  shards.settle();
  EXPECT_EQ(receive("q").size(), 3u);
}

TEST_F(QueueOrderTest, after_a_dead_letter_the_key_carries_on) {
  make();
  publish("orders", {"a", "a"});
  nack("q", {.leases = leases(receive("q")), .reason = "bad", .dead = true});
  EXPECT_EQ(bodies(receive("q")), "a1");
}

TEST_F(QueueOrderTest, a_held_key_waits_until_its_dead_letter_is_redriven_and_done) {
  make({.on_dead = OnDead::hold});
  publish("orders", {"a", "a", "b"});
  auto first = receive("q");
  EXPECT_EQ(bodies(first), "a0 b2");
  ack("q", {first[1].lease});
  nack("q", {.leases = {first[0].lease}, .reason = "bad", .dead = true});
  EXPECT_TRUE(receive("q").empty());
  restart();
  EXPECT_TRUE(receive("q").empty());
  publish("orders", {"a", "b"});
  auto b = receive("q");
  EXPECT_EQ(bodies(b), "b4");
  ack("q", leases(b));
  redrive_all();
  auto redriven = receive("q");
  EXPECT_EQ(bodies(redriven), "a0");
  restart();
  redriven = receive("q");
  EXPECT_EQ(bodies(redriven), "a0") << "and not a1, that stands before it in the topic";
  ack("q", leases(redriven));
  auto next = receive("q");
  EXPECT_EQ(bodies(next), "a1");
  ack("q", leases(next));
  EXPECT_EQ(bodies(receive("q")), "a3");
}

TEST_F(QueueOrderTest, looks_ahead_so_far_and_then_says_what_it_waits_for) {
  make({.look_ahead = 10});
  publish("orders", std::vector<std::string>(30, "a"));
  publish("orders", {"b"});
  auto first = receive("q");
  EXPECT_EQ(bodies(first), "a0");
  EXPECT_EQ(figures("q"), "9 1 0 0 21");
  auto info = shards.run(broker->queue("q"));
  ASSERT_TRUE(info->stalled);
  EXPECT_NE(info->stalled->find("key \"a\""), std::string::npos) << *info->stalled;
  EXPECT_NE(info->stalled->find("out with a consumer"), std::string::npos) << *info->stalled;
  ack("q", leases(first));
  EXPECT_EQ(figures("q"), "10 0 0 0 20");
  EXPECT_FALSE(shards.run(broker->queue("q"))->stalled);
}

TEST_F(QueueOrderTest, changing_the_order_reads_the_window_again) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "a"});
  auto loose = receive("q");
  EXPECT_EQ(loose.size(), 2u);
  put_queue("q", {.order = KeyOrder::by_key});
  EXPECT_EQ(ack("q", {loose[1].lease}), 1) << "a lease from before still acks";
  EXPECT_EQ(bodies(receive("q")), "a0");
}

}  // namespace
}  // namespace pabal::broker
