#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/broker_fixture.h"
#include "broker/topic_table.h"

// What a queue keeps, refuses and gives up; posting, pausing, purging; who consumes it.

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;

class QueueLimitsTest : public BrokerFixture {
 protected:
  engine::LogId log_of(const std::string& topic) {
    return partition_log(shards.run(broker->topic(topic))->id, PartitionIndex(0));
  }
  bool told(const std::string& line) {
    return std::ranges::find(observer.lines, line) != observer.lines.end();
  }
  Result<std::vector<std::string>> post(const std::string& queue, std::vector<PostMessage> messages) {
    auto ids = shards.run(broker->post(queue, std::move(messages)));
    shards.settle();
    return ids;
  }
};

// -- settings
// ---------------------------------------------------------------------------------------------------------

TEST_F(QueueLimitsTest, settings_survive_and_absent_fields_keep_their_values) {
  Filter filter{{{"type", {Match{.text = "OrderPaid"}, Match{.kind = Match::Kind::prefix, .text = "Ship"}}}}};
  put_queue(
      "q", {.topic = "orders", .filter = filter, .visibility = 5s, .push = PushSettings{.url = "http://x/"}});
  EXPECT_FALSE(shards.run(broker->put_queue("q", {.max_deliveries = 3}))->created);
  restart();
  auto info = shards.run(broker->queue("q"));
  EXPECT_EQ(info->settings.visibility, 5s);
  EXPECT_EQ(info->settings.max_deliveries, 3);
  EXPECT_EQ(info->settings.filter, filter);
  EXPECT_EQ(info->settings.push->url, "http://x/");
  EXPECT_EQ(info->settings.dead_letter, "q.dead");
  put_queue("q", {.push = std::optional<PushSettings>()});
  EXPECT_FALSE(shards.run(broker->queue("q"))->settings.push);
}

TEST_F(QueueLimitsTest, refuses_settings_and_names_that_cannot_be) {
  auto code = [&](std::string name, QueueChange change) {
    auto put = shards.run(broker->put_queue(std::move(name), std::move(change)));
    return put ? ErrorCode::cancelled : put.error().code;
  };
  EXPECT_EQ(code("q", {.visibility = 0s}), ErrorCode::invalid);
  EXPECT_EQ(code("q", {.max_deliveries = 0}), ErrorCode::invalid);
  EXPECT_EQ(code("q", {.topic = "no topic"}), ErrorCode::invalid);
  EXPECT_EQ(code("q", {.topic = "t", .dead_letter = "t"}), ErrorCode::invalid);
  EXPECT_EQ(code("", {}), ErrorCode::invalid);
  EXPECT_EQ(code("\xff", {}), ErrorCode::invalid);
  EXPECT_EQ(code("__pabal.x", {}), ErrorCode::forbidden);
  put_queue("q", {.topic = "orders"});
  EXPECT_EQ(code("q", {.topic = "others"}), ErrorCode::conflict);
  EXPECT_EQ(shards.run(broker->receive({.queue = "none"})).error().code, ErrorCode::not_found);
  EXPECT_EQ(shards.run(broker->receive({.queue = "q", .max = 0})).error().code, ErrorCode::invalid);
  EXPECT_EQ(shards.run(broker->receive({.queue = "q", .wait = 61s})).error().code, ErrorCode::invalid);
}

TEST_F(QueueLimitsTest, a_queue_may_have_a_name_that_no_topic_can_have) {
  put_queue("주문 처리");
  ASSERT_TRUE(post("주문 처리", {{.key = "k", .body = "1"}}));
  EXPECT_EQ(bodies(receive("주문 처리")), "1");
  restart();
  EXPECT_EQ(figures("주문 처리"), "1 0 0 0 0");
}

TEST_F(QueueLimitsTest, a_deleted_queue_is_gone_and_its_topic_stays) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a"});
  EXPECT_EQ(shards.run(broker->delete_topic("orders")).error().code, ErrorCode::conflict);
  ASSERT_TRUE(shards.run(broker->delete_queue("q")));
  EXPECT_EQ(shards.run(broker->queue("q")).error().code, ErrorCode::not_found);
  EXPECT_FALSE(engine->pinned(log_of("orders")));
  restart();
  EXPECT_TRUE(shards.run(broker->topic("orders")));
  ASSERT_TRUE(shards.run(broker->delete_topic("orders")));
}

TEST_F(QueueLimitsTest, reads_partitions_that_its_topic_gets_later) {
  put_queue("q", {.topic = "orders"});
  ASSERT_TRUE(shards.run(broker->put_topic("orders", {.partitions = 4})));
  publish("orders", {"a", "b", "c", "d", "e", "f"});
  EXPECT_EQ(receive("q").size(), 6u);
  restart();
  EXPECT_EQ(receive("q").size(), 6u);
  put_queue("ordered", {.topic = "orders", .order = KeyOrder::by_key});
  EXPECT_EQ(shards.run(broker->put_topic("orders", {.partitions = 5})).error().code, ErrorCode::conflict);
  EXPECT_TRUE(shards.run(broker->put_topic("orders", {.partitions = 5, .rekey = true})));
}

TEST_F(QueueLimitsTest, delivers_only_what_the_filter_lets_through) {
  put_queue("q", {.topic = "orders", .filter = Filter{{{"type", {Match{.text = "OrderPaid"}}}}}});
  for (std::string type : {"OrderCreated", "OrderPaid", "OrderCreated"}) {
    Publish call{.topic = "orders"};
    call.records.push_back({.record = {.value = as_bytes(type), .headers = {{"ce_type", as_bytes(type)}}}});
    ASSERT_TRUE(shards.run(broker->publish(call)));
  }
  shards.settle();
  EXPECT_EQ(figures("q"), "1 0 0 0 0");
  auto messages = receive("q");
  EXPECT_EQ(bodies(messages), "OrderPaid");
  EXPECT_EQ(messages[0].headers.at(0).value, "OrderPaid");
  ack("q", leases(messages));
  shards.advance(20s);
  EXPECT_EQ(engine->pinned(log_of("orders")), Offset(3)) << "what it does not want it does not keep";
}

// -- posting
// ----------------------------------------------------------------------------------------------------------

TEST_F(QueueLimitsTest, what_is_posted_is_for_this_queue_alone_and_waits_for_its_time) {
  put_queue("q", {.topic = "orders"});
  put_queue("other", {.topic = "orders"});
  auto ids = post("q", {{.key = "k", .body = "now", .headers = {{"a", "b"}}},
                        {.body = "later", .due = shards.clock().wall_now() + 60s}});
  ASSERT_TRUE(ids);
  EXPECT_EQ(figures("q"), "1 0 1 0 0");
  EXPECT_EQ(figures("other"), "0 0 0 0 0");
  restart();
  EXPECT_EQ(figures("q"), "1 0 1 0 0");
  auto messages = receive("q");
  EXPECT_EQ(bodies(messages), "now");
  EXPECT_EQ(messages[0].id, ids->at(0));
  ASSERT_EQ(messages[0].headers.size(), 1u);
  EXPECT_EQ(messages[0].headers[0].value, "b");
  ack("q", leases(messages));
  shards.advance(60s);
  messages = receive("q");
  EXPECT_EQ(bodies(messages), "later");
  nack("q", {.leases = leases(messages), .dead = true});
  EXPECT_EQ(look("q", MessageState::dead).at(0).id, ids->at(1));
}

TEST_F(QueueLimitsTest, a_posted_message_dies_when_its_time_to_live_is_over) {
  put_queue("q");
  ASSERT_TRUE(post("q", {{.body = "1", .ttl = 10s}, {.body = "2"}}));
  shards.advance(11s);
  EXPECT_EQ(figures("q"), "1 0 0 1 0");
  EXPECT_EQ(look("q", MessageState::dead).at(0).last_reason, "its time to live is over");
}

TEST_F(QueueLimitsTest, its_own_log_is_cut_when_its_messages_are_settled) {
  put_queue("q");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(post("q", {{.body = std::to_string(i)}}));
  EXPECT_EQ(ack("q", leases(receive("q", 20))), 20);
  shards.advance(30s);
  for (const auto& [log, name] : engine->logs()) {
    if (name == "__pabal.queue.q.own") EXPECT_EQ(engine->range(log)->first, Offset(20));
  }
}

TEST_F(QueueLimitsTest, refuses_posts_that_cannot_be) {
  put_queue("q");
  auto code = [&](PostMessage message) { return post("q", {std::move(message)}).error().code; };
  EXPECT_EQ(post("q", {}).error().code, ErrorCode::invalid);
  EXPECT_EQ(code({.body = std::string(record_bytes_max + 1, 'x')}), ErrorCode::too_large);
  EXPECT_EQ(code({.headers = {{"pabal-id", "x"}}}), ErrorCode::invalid);
  EXPECT_EQ(code({.due = shards.clock().wall_now() + 24h * 367}), ErrorCode::invalid);
}

// -- limits
// -----------------------------------------------------------------------------------------------------------

TEST_F(QueueLimitsTest, a_full_queue_refuses_posts_and_publishes_to_its_own_topic) {
  put_queue("q", {.max_depth = 3});
  publish("q", {"a", "b", "c"});
  EXPECT_EQ(post("q", {{.body = "x"}}).error().code, ErrorCode::over_limit);
  Publish call{.topic = "q", .records = std::vector<PublishRecord>(1)};
  EXPECT_EQ(shards.run(broker->publish(call)).error().code, ErrorCode::over_limit);
  EXPECT_EQ(ack("q", leases(receive("q", 1))), 1);
  EXPECT_TRUE(shards.run(broker->publish(call)));
}

TEST_F(QueueLimitsTest, over_a_shared_topic_the_oldest_give_way_to_the_dead_letters) {
  put_queue("q", {.topic = "orders", .max_depth = 3});
  publish("orders", {"a", "b", "c", "d", "e"});
  shards.advance(30s);
  EXPECT_EQ(figures("q"), "3 0 0 2 0");
  EXPECT_EQ(bodies(receive("q")), "c2 d3 e4");
}

TEST_F(QueueLimitsTest, what_is_too_old_goes_to_the_dead_letters) {
  put_queue("q", {.topic = "orders", .max_age = 1min});
  publish("orders", {"a"});
  shards.advance(50s);
  publish("orders", {"b"});
  shards.advance(25s);
  EXPECT_EQ(figures("q"), "1 0 0 1 0");
  EXPECT_EQ(look("q", MessageState::dead).at(0).last_reason, "older than 1m");
}

TEST_F(QueueLimitsTest, retention_takes_nothing_that_is_not_settled_within_the_limits) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b", "c"});
  auto messages = receive("q");
  ack("q", {messages[0].lease});
  engine->retain_from(log_of("orders"), Offset(3));
  EXPECT_EQ(engine->range(log_of("orders"))->first, Offset(1));
  restart();
  EXPECT_EQ(bodies(receive("q")), "b1 c2");
}

TEST_F(QueueLimitsTest, a_change_that_opens_the_queue_again_keeps_its_pin) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b"});
  engine::LogId log = log_of("orders");
  put_queue("q", {.order = KeyOrder::by_key});
  EXPECT_EQ(engine->pinned(log), Offset(0));
  stop();
  EXPECT_EQ(engine->pinned(log), Offset(0));
}

TEST_F(QueueLimitsTest, with_release_retention_takes_what_is_over_the_limit_and_it_is_counted) {
  put_queue("q", {.topic = "orders", .max_depth = 2, .overflow = Overflow::release});
  publish("orders", {"a", "b", "c", "d"});
  shards.advance(30s);
  EXPECT_EQ(figures("q"), "4 0 0 0 0");
  engine->retain_from(log_of("orders"), Offset(3));
  shards.settle();
  EXPECT_EQ(figures("q"), "1 0 0 0 0");
  EXPECT_EQ(shards.run(broker->queue("q"))->lost_to_retention, 3);
  EXPECT_EQ(bodies(receive("q")), "d3");
}

TEST_F(QueueLimitsTest, keeps_a_window_in_memory_and_reads_on_as_it_is_emptied) {
  put_queue("q", {.topic = "orders", .look_ahead = 100});
  for (int i = 0; i < 5; ++i) publish("orders", std::vector<std::string>(100, "k"));
  EXPECT_EQ(figures("q"), "100 0 0 0 400");
  int got = 0;
  for (auto messages = receive("q", 50); !messages.empty(); messages = receive("q", 50)) {
    got += ack("q", leases(messages));
  }
  EXPECT_EQ(got, 500);
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
}

// -- pausing, purging, looking
// ----------------------------------------------------------------------------------------

TEST_F(QueueLimitsTest, a_paused_queue_delivers_nothing_also_after_a_restart) {
  put_queue("q", {.topic = "orders"});
  ASSERT_TRUE(shards.run(broker->pause("q")));
  publish("orders", {"a"});
  EXPECT_TRUE(receive("q").empty());
  restart();
  EXPECT_TRUE(receive("q").empty());
  EXPECT_TRUE(shards.run(broker->queue("q"))->paused_since);
  auto poll = shards.start(broker->receive({.queue = "q", .wait = 20s}));
  shards.settle();
  ASSERT_TRUE(shards.run(broker->resume("q")));
  shards.settle();
  ASSERT_TRUE(*poll);
  EXPECT_EQ(bodies(***poll), "a0");
}

TEST_F(QueueLimitsTest, purging_empties_all_but_what_is_out) {
  put_queue("q", {.topic = "orders", .look_ahead = 5});
  publish("orders", std::vector<std::string>(12, "a"));
  auto out = receive("q", 2);
  EXPECT_EQ(shards.run(broker->purge("q")).value(), 10);
  shards.settle();
  EXPECT_EQ(figures("q"), "0 2 0 0 0");
  publish("orders", {"b"});
  restart();
  EXPECT_EQ(figures("q"), "2 0 0 0 8") << "the window ends five records past the oldest open one";
  EXPECT_EQ(ack("q", leases(out)), 2);
  EXPECT_EQ(bodies(receive("q")), "b12");
}

TEST_F(QueueLimitsTest, a_purge_that_cannot_be_written_changes_nothing) {
  put_queue("q", {.topic = "orders", .look_ahead = 5});
  publish("orders", std::vector<std::string>(12, "a"));
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "full"});
  EXPECT_FALSE(shards.run(broker->purge("q")));
  shards.settle();
  EXPECT_EQ(figures("q"), "5 0 0 0 7");
  int got = 0;
  for (auto messages = receive("q", 50); !messages.empty(); messages = receive("q", 50)) {
    got += ack("q", leases(messages));
  }
  EXPECT_EQ(got, 12);
}

TEST_F(QueueLimitsTest, a_look_finds_by_key_and_id_and_takes_nothing) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b", "a"});
  auto by_key = shards.run(broker->messages({.queue = "q", .key = "a"}));
  ASSERT_EQ(by_key->size(), 2u);
  EXPECT_EQ(by_key->at(1).body, "a2");
  auto by_id = shards.run(broker->messages({.queue = "q", .id = "orders-0-1"}));
  ASSERT_EQ(by_id->size(), 1u);
  EXPECT_EQ(by_id->at(0).body, "b1");
  EXPECT_EQ(shards.run(broker->messages({.queue = "q", .limit = 1}))->size(), 1u);
  EXPECT_EQ(figures("q"), "3 0 0 0 0");
}

// -- who consumes
// -----------------------------------------------------------------------------------------------------

TEST_F(QueueLimitsTest, a_consumer_joins_with_its_first_poll_and_has_left_when_it_is_silent) {
  put_queue("q", {.topic = "orders", .visibility = 60s});
  publish("orders", {"a"});
  auto messages = receive("q");
  EXPECT_TRUE(told("me joined q"));
  shards.advance(30s);
  EXPECT_FALSE(told("me left q: it has not asked for 10 s")) << "it holds a lease";
  ack("q", leases(messages));
  auto poll = shards.start(broker->receive({.queue = "q", .wait = 30s, .service = "me"}));
  shards.advance(30s);
  EXPECT_FALSE(told("me left q: it has not asked for 10 s"));
  auto info = shards.run(broker->queue("q"));
  ASSERT_EQ(info->consumers.size(), 1u);
  EXPECT_EQ(info->consumers[0].service, "me");
  shards.advance(10s);
  EXPECT_TRUE(told("me left q: it has not asked for 10 s"));
  EXPECT_EQ(std::ranges::count(observer.lines, "me joined q"), 1);
}

TEST_F(QueueLimitsTest, tells_the_observer_what_becomes_of_a_message) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a"});
  observer.lines.clear();
  nack("q", {.leases = leases(receive("q")), .delay = 0s, .reason = "busy"});
  ack("q", leases(receive("q")));
  EXPECT_THAT(observer.lines,
              testing::ElementsAre("me joined q", "q delivered orders-0-0 #1", "q nacked orders-0-0 #1: busy",
                                   "q delivered orders-0-0 #2", "q acked orders-0-0 #2"));
}

TEST_F(QueueLimitsTest, rates_are_those_of_the_last_seconds) {
  put_queue("q", {.topic = "orders"});
  publish("orders", std::vector<std::string>(20, "a"));
  ack("q", leases(receive("q", 20)));
  shards.advance(1s);
  auto info = shards.run(broker->queue("q"));
  EXPECT_DOUBLE_EQ(info->delivered_per_second, 2);
  EXPECT_DOUBLE_EQ(info->acked_per_second, 2);
}

}  // namespace
}  // namespace pabal::broker
