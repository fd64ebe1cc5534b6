#include <gtest/gtest.h>

#include "broker/broker_fixture.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;

using QueuesTest = BrokerFixture;

// -- receive, ack, nack
// -----------------------------------------------------------------------------------------------

TEST_F(QueuesTest, delivers_what_is_published_after_it_was_made_and_forgets_what_is_acked) {
  publish("orders", {"a"});
  put_queue("q", {.topic = "orders"});
  publish("orders", {"b", "c"});
  EXPECT_EQ(figures("q"), "2 0 0 0 0");
  auto messages = receive("q");
  EXPECT_EQ(bodies(messages), "b1 c2");
  EXPECT_EQ(messages[0].key, "b");
  EXPECT_EQ(messages[0].id, "orders-0-1");
  EXPECT_EQ(messages[0].delivery, 1);
  EXPECT_EQ(figures("q"), "0 2 0 0 0");
  EXPECT_EQ(ack("q", leases(messages)), 2);
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
  restart();
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
  EXPECT_TRUE(receive("q").empty());
}

TEST_F(QueuesTest, offsets_that_a_crash_has_lost_are_passed_over_and_nothing_waits_for_them) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a"});
  engine::LogId log{shards.run(broker->topic("orders"))->id, PartitionIndex(0)};
  engine->lose_to(log, Offset(100));
  shards.settle();
  EXPECT_EQ(figures("q"), "1 0 0 0 0");
  publish("orders", {"b"});
  engine->lose_to(log, Offset(200));
  publish("orders", {"c"});
  auto messages = receive("q");
  EXPECT_EQ(bodies(messages), "a0 b1 c2");
  EXPECT_EQ(ack("q", leases(messages)), 3);
  restart();
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
  EXPECT_EQ(engine->pinned(log), Offset(201)) << "retention may take all of it";
}

TEST_F(QueuesTest, from_earliest_or_a_time_begins_there) {
  publish("orders", {"a"});
  shards.advance(5s);
  WallTime between = shards.clock().wall_now();
  shards.advance(5s);
  publish("orders", {"b"});
  put_queue("all", {.topic = "orders", .from = StartAt::earliest});
  put_queue("some", {.topic = "orders", .from = between});
  EXPECT_EQ(bodies(receive("all")), "a0 b1");
  EXPECT_EQ(bodies(receive("some")), "b1");
}

TEST_F(QueuesTest, a_message_is_leased_to_one_and_comes_back_when_the_lease_runs_out) {
  put_queue("q", {.topic = "orders", .visibility = 30s});
  publish("orders", {"a"});
  auto first = receive("q");
  EXPECT_TRUE(receive("q").empty());
  shards.advance(29s);
  EXPECT_TRUE(receive("q").empty());
  shards.advance(1s);
  auto second = receive("q");
  EXPECT_EQ(bodies(second), "a0");
  EXPECT_EQ(second[0].delivery, 2);
  EXPECT_EQ(ack("q", leases(first)), 0) << "it has gone to another";
  EXPECT_EQ(ack("q", leases(second)), 1);
  EXPECT_EQ(ack("q", leases(second)), 1) << "the answer may have been lost on the way";
  EXPECT_EQ(ack("q", {"nonsense", "1.2.3"}), 0);
}

TEST_F(QueuesTest, a_lease_that_ran_out_still_acks_until_the_message_goes_to_another) {
  put_queue("q", {.topic = "orders", .visibility = 10s});
  publish("orders", {"a"});
  auto messages = receive("q");
  shards.advance(11s);
  EXPECT_EQ(figures("q"), "1 0 0 0 0");
  EXPECT_EQ(ack("q", leases(messages)), 1);
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
}

TEST_F(QueuesTest, after_a_restart_messages_are_ready_and_an_old_lease_acks_until_one_is_leased_again) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b"});
  auto old = receive("q");
  restart();
  EXPECT_EQ(figures("q"), "2 0 0 0 0");
  EXPECT_EQ(ack("q", {old[0].lease}), 1);
  auto again = receive("q");
  EXPECT_EQ(bodies(again), "b1");
  EXPECT_EQ(ack("q", {old[1].lease}), 0);
  EXPECT_EQ(ack("q", leases(again)), 1);
}

TEST_F(QueuesTest, extending_keeps_a_message_out) {
  put_queue("q", {.topic = "orders", .visibility = 10s});
  publish("orders", {"a"});
  auto messages = receive("q");
  shards.advance(9s);
  auto extended = shards.run(broker->extend("q", leases(messages), 60s));
  EXPECT_TRUE(extended->at(0).ok);
  shards.advance(59s);
  EXPECT_TRUE(receive("q").empty());
  shards.advance(2s);
  EXPECT_EQ(receive("q").size(), 1u);
  EXPECT_FALSE(shards.run(broker->extend("q", leases(messages), 60s))->at(0).ok);
}

TEST_F(QueuesTest, a_nacked_message_waits_its_delay_also_over_a_restart) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a"});
  EXPECT_EQ(nack("q", {.leases = leases(receive("q")), .delay = 60s, .reason = "not now"}), 1);
  EXPECT_EQ(figures("q"), "0 0 1 0 0");
  auto delayed = look("q", MessageState::delayed);
  ASSERT_EQ(delayed.size(), 1u);
  EXPECT_EQ(delayed[0].last_reason, "not now");
  EXPECT_EQ(delayed[0].deliveries, 1);
  shards.advance(30s);
  restart();
  EXPECT_EQ(figures("q"), "0 0 1 0 0");
  shards.advance(31s);
  auto again = receive("q");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].delivery, 2);
}

TEST_F(QueuesTest, backs_off_within_bounds_when_no_delay_is_asked) {
  put_queue("q", {.topic = "orders", .backoff = Backoff{10s, 2, 60s}});
  publish("orders", {"a"});
  for (int i = 0; i < 5; ++i) {
    auto messages = receive("q", 1, 60s);
    ASSERT_EQ(messages.size(), 1u) << i;
    EXPECT_EQ(messages[0].delivery, i + 1);
    nack("q", {.leases = leases(messages)});
  }
}

TEST_F(QueuesTest, a_nack_that_does_not_count_is_no_delivery_and_no_commit) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a"});
  size_t commits = engine->commits_done();
  for (int i = 0; i < 20; ++i) {
    auto messages = receive("q");
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].delivery, 1);
    EXPECT_EQ(nack("q", {.leases = leases(messages), .delay = 1s, .counts = false}), 1);
    shards.advance(1s);
  }
  EXPECT_LE(engine->commits_done() - commits, 2u) << "but for the upkeep";
}

TEST_F(QueuesTest, acks_of_one_call_are_one_commit_and_receiving_is_none) {
  put_queue("q", {.topic = "orders"});
  publish("orders", std::vector<std::string>(10, "a"));
  size_t commits = engine->commits_done();
  auto messages = receive("q", 10);
  EXPECT_EQ(engine->commits_done(), commits);
  EXPECT_EQ(ack("q", leases(messages)), 10);
  EXPECT_EQ(engine->commits_done(), commits + 1);
}

TEST_F(QueuesTest, acks_out_of_order_survive_a_restart) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b", "c", "d"});
  auto messages = receive("q");
  EXPECT_EQ(ack("q", {messages[1].lease, messages[3].lease}), 2);
  restart();
  EXPECT_EQ(bodies(receive("q")), "a0 c2");
}

TEST_F(QueuesTest, a_failed_ack_changes_nothing) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b"});
  auto messages = receive("q");
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "full"});
  EXPECT_EQ(shards.run(broker->ack("q", leases(messages))).error().code, ErrorCode::disk_full);
  EXPECT_EQ(figures("q"), "0 2 0 0 0");
  EXPECT_EQ(ack("q", leases(messages)), 2);
  restart();
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
}

// -- waiting
// ----------------------------------------------------------------------------------------------------------

TEST_F(QueuesTest, a_long_poll_ends_with_a_message_or_with_its_wait) {
  put_queue("q", {.topic = "orders"});
  auto poll = shards.start(broker->receive({.queue = "q", .wait = 20s}));
  shards.advance(5s);
  EXPECT_FALSE(*poll);
  publish("orders", {"a"});
  ASSERT_TRUE(*poll);
  EXPECT_EQ(bodies(***poll), "a0");
  auto empty = shards.start(broker->receive({.queue = "q", .wait = 20s}));
  shards.advance(20s);
  ASSERT_TRUE(*empty);
  EXPECT_TRUE((**empty)->empty());
}

TEST_F(QueuesTest, those_that_wait_are_served_in_turn) {
  put_queue("q", {.topic = "orders"});
  auto first = shards.start(broker->receive({.queue = "q", .max = 1, .wait = 20s}));
  auto second = shards.start(broker->receive({.queue = "q", .max = 1, .wait = 20s}));
  shards.settle();
  publish("orders", {"a"});
  EXPECT_TRUE(*first);
  EXPECT_FALSE(*second);
  publish("orders", {"b"});
  ASSERT_TRUE(*second);
  EXPECT_EQ(bodies(***second), "b1");
}

TEST_F(QueuesTest, a_long_poll_that_was_given_up_takes_nothing) {
  put_queue("q", {.topic = "orders"});
  auto gone = shards.start(broker->receive({.queue = "q", .wait = 20s, .poll = 7}));
  auto other = shards.start(broker->receive({.queue = "q", .wait = 20s, .poll = 8}));
  shards.settle();
  shards.run(broker->give_up("q", 7));
  ASSERT_TRUE(*gone);
  EXPECT_TRUE((**gone)->empty());
  EXPECT_FALSE(*other);
  publish("orders", {"a"});
  ASSERT_TRUE(*other);
  EXPECT_EQ(bodies(***other), "a0");
  shards.run(broker->give_up("q", 7));
  shards.run(broker->give_up("unknown", 7));
}

TEST_F(QueuesTest, stopping_ends_a_long_poll) {
  put_queue("q", {.topic = "orders"});
  auto poll = shards.start(broker->receive({.queue = "q", .wait = 20s}));
  shards.settle();
  stop();
  ASSERT_TRUE(*poll);
  EXPECT_EQ((**poll).error().code, ErrorCode::unavailable);
}

TEST_F(QueuesTest, a_retry_that_comes_due_ends_a_long_poll) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a"});
  nack("q", {.leases = leases(receive("q")), .delay = 5s});
  auto poll = shards.start(broker->receive({.queue = "q", .wait = 20s}));
  shards.advance(4s);
  EXPECT_FALSE(*poll);
  shards.advance(1s);
  EXPECT_TRUE(*poll);
}

// -- dead letters
// -----------------------------------------------------------------------------------------------------

TEST_F(QueuesTest, a_message_dies_after_its_last_delivery_with_all_that_is_known_of_it) {
  put_queue("q", {.topic = "orders", .max_deliveries = 2});
  publish("orders", {"a", "b"});
  for (int i = 0; i < 2; ++i) {
    auto messages = receive("q", 1);
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].key, "a");
    nack("q", {.leases = leases(messages), .delay = 0s, .reason = "no such customer"});
  }
  EXPECT_EQ(figures("q"), "1 0 0 1 0");
  auto dead = look("q", MessageState::dead);
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].id, "orders-0-0");
  EXPECT_EQ(dead[0].body, "a0");
  EXPECT_EQ(dead[0].deliveries, 2);
  EXPECT_EQ(dead[0].last_reason, "no such customer (2 deliveries)");
  EXPECT_EQ(dead[0].topic, "orders");
  EXPECT_EQ(dead[0].at.offset, Offset(0));
  EXPECT_TRUE(dead[0].headers.empty());
  restart();
  EXPECT_EQ(figures("q"), "1 0 0 1 0");
  EXPECT_TRUE(shards.run(broker->queue("q"))->oldest_dead_at);
}

TEST_F(QueuesTest, a_lease_that_runs_out_counts_and_says_why) {
  put_queue("q", {.topic = "orders", .visibility = 5s, .max_deliveries = 2});
  publish("orders", {"a"});
  EXPECT_EQ(receive("q").size(), 1u);
  shards.advance(5s);
  restart();
  EXPECT_EQ(receive("q").at(0).delivery, 2) << "the delivery was counted durably";
  shards.advance(5s);
  auto dead = look("q", MessageState::dead);
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].last_reason, "no answer within 5s (2 deliveries)");
}

TEST_F(QueuesTest, a_dead_letter_and_its_settlement_are_one_commit) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a"});
  auto messages = receive("q");
  size_t commits = engine->commits_done();
  EXPECT_EQ(nack("q", {.leases = leases(messages), .reason = "bad", .dead = true}), 1);
  EXPECT_EQ(engine->commits_done(), commits + 1);
  EXPECT_EQ(figures("q"), "0 0 0 1 0");
}

TEST_F(QueuesTest, a_dead_letter_that_cannot_be_written_stays_a_message) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a"});
  auto messages = receive("q");
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "full"});
  EXPECT_FALSE(shards.run(broker->nack("q", {.leases = leases(messages), .dead = true})));
  EXPECT_EQ(figures("q"), "0 1 0 0 0");
  EXPECT_TRUE(look("q", MessageState::dead).empty());
  restart();
  EXPECT_EQ(bodies(receive("q")), "a0");
}

class RedriveTest : public BrokerFixture {
 protected:
  void kill_all(const std::string& queue) {
    while (true) {
      auto messages = receive(queue, 100);
      if (messages.empty()) return;
      nack(queue, {.leases = leases(messages), .reason = "bad", .dead = true});
    }
  }
  RedriveProgress finish(const std::string& id) {
    shards.advance(60s);
    return shards.run(broker->redrive_progress("q", id)).value();
  }
};

TEST_F(RedriveTest, puts_dead_letters_back_with_their_identity) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b", "c"});
  kill_all("q");
  EXPECT_EQ(figures("q"), "0 0 0 3 0");
  auto started = shards.run(broker->redrive({.queue = "q", .all = true}));
  ASSERT_TRUE(started);
  EXPECT_EQ(started->total, 3);
  EXPECT_EQ(finish(started->id).state, RedriveProgress::State::done);
  EXPECT_EQ(finish(started->id).moved, 3);
  EXPECT_EQ(figures("q"), "3 0 0 0 0");
  EXPECT_TRUE(look("q", MessageState::dead).empty());
  restart();
  EXPECT_EQ(figures("q"), "3 0 0 0 0");
  auto messages = receive("q");
  EXPECT_EQ(bodies(messages), "a0 b1 c2");
  EXPECT_EQ(messages[2].id, "orders-0-2");
  EXPECT_EQ(messages[2].delivery, 1);
  EXPECT_TRUE(messages[2].headers.empty());
  EXPECT_EQ(ack("q", leases(messages)), 3);
  restart();
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
}

TEST_F(RedriveTest, takes_those_that_are_named_and_they_may_die_again) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b", "c"});
  kill_all("q");
  auto started = shards.run(broker->redrive({.queue = "q", .ids = {"orders-0-1", "no-such-thing"}}));
  EXPECT_EQ(finish(started->id).moved, 1);
  EXPECT_EQ(figures("q"), "1 0 0 2 0");
  kill_all("q");
  EXPECT_EQ(figures("q"), "0 0 0 3 0");
  auto dead = look("q", MessageState::dead);
  EXPECT_EQ(dead.back().id, "orders-0-1");
  EXPECT_EQ(dead.back().at.offset, Offset(1));
  EXPECT_EQ(shards.run(broker->redrive({.queue = "q"})).error().code, ErrorCode::invalid);
  EXPECT_EQ(shards.run(broker->redrive_progress("q", "x")).error().code, ErrorCode::not_found);
}

TEST_F(RedriveTest, stopped_between_two_pieces_it_loses_and_doubles_nothing) {
  put_queue("q", {.topic = "orders"});
  publish("orders", std::vector<std::string>(30, "a"));
  kill_all("q");
  auto started = shards.run(broker->redrive({.queue = "q", .all = true, .rate = 10}));
  shards.advance(1500ms);
  auto stopped = shards.run(broker->stop_redrive("q", started->id));
  shards.advance(10s);
  EXPECT_EQ(finish(started->id).state, RedriveProgress::State::stopped);
  int64_t moved = finish(started->id).moved;
  EXPECT_GT(moved, 0);
  EXPECT_LT(moved, 30);
  EXPECT_EQ(figures("q"), fmt::format("{} 0 0 {} 0", moved, 30 - moved));
  restart();
  EXPECT_EQ(figures("q"), fmt::format("{} 0 0 {} 0", moved, 30 - moved));
  started = shards.run(broker->redrive({.queue = "q", .all = true}));
  finish(started->id);
  EXPECT_EQ(figures("q"), "30 0 0 0 0");
}

TEST_F(RedriveTest, a_piece_that_cannot_be_written_stays_dead) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b"});
  kill_all("q");
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "full"});
  auto started = shards.run(broker->redrive({.queue = "q", .all = true}));
  EXPECT_EQ(finish(started->id).state, RedriveProgress::State::stopped);
  EXPECT_EQ(figures("q"), "0 0 0 2 0");
  started = shards.run(broker->redrive({.queue = "q", .all = true}));
  EXPECT_EQ(finish(started->id).moved, 2);
}

}  // namespace
}  // namespace pabal::broker
