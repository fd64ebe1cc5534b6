#include <gtest/gtest.h>

#include "broker/broker_fixture.h"
#include "broker/topic_table.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;

// Queues over logs that lack records: compacted ones, and ones whose oldest were deleted.
class QueueGapsTest : public BrokerFixture {
 protected:
  void compacted_topic() {
    ASSERT_TRUE(shards.run(broker->put_topic("prices", {.cleanup = Cleanup::compact})));
  }
  engine::LogId log_of(const std::string& topic) {
    return partition_log(shards.run(broker->topic(topic))->id, PartitionIndex(0));
  }
  int64_t lost(const std::string& queue) { return shards.run(broker->queue(queue))->lost_to_retention; }
  Result<Offset> delete_records(std::optional<Offset> before) {
    auto done = shards.run(broker->delete_records("orders", PartitionIndex(0), before));
    shards.settle();
    return done;
  }
};

TEST_F(QueueGapsTest, a_queue_gets_what_compaction_has_left_and_settles_over_the_gaps) {
  compacted_topic();
  publish("prices", {"a", "b", "a"});
  publish("prices", {"b"});
  publish("prices", {"c", "a", "d", "d"});
  engine->compact(log_of("prices"));
  put_queue("q", {.topic = "prices", .from = StartAt::earliest});
  auto messages = receive("q");
  EXPECT_EQ(bodies(messages), "b3 c4 a5 d7");
  EXPECT_EQ(ack("q", leases(messages)), 4);
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
  EXPECT_EQ(lost("q"), 0);
  shards.advance(11s);
  EXPECT_EQ(engine->pinned(log_of("prices")), Offset(8)) << "the cursor passed the gaps";
  restart();
  EXPECT_TRUE(receive("q").empty());
  publish("prices", {"a"});
  EXPECT_EQ(bodies(receive("q")), "a8");
}

TEST_F(QueueGapsTest, what_compaction_takes_from_under_a_queue_is_passed_over_and_not_counted_as_lost) {
  compacted_topic();
  put_queue("q", {.topic = "prices", .order = KeyOrder::by_key});
  for (int i = 0; i < 300; ++i) publish("prices", {std::string(1, static_cast<char>('a' + i % 3))});
  EXPECT_EQ(figures("q"), "300 0 0 0 0");
  engine->compact(log_of("prices"));
  std::set<std::string> got;
  for (int round = 0; round < 300; ++round) {
    auto messages = receive("q");
    if (messages.empty()) break;
    for (const Message& message : messages) got.insert(*message.body);
    EXPECT_EQ(ack("q", leases(messages)), static_cast<int>(messages.size()));
  }
  EXPECT_FALSE(got.contains("a0"));
  for (const char* last : {"a297", "b298", "c299"}) EXPECT_TRUE(got.contains(last)) << last;
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
  EXPECT_EQ(lost("q"), 0);
}

TEST_F(QueueGapsTest, dead_letters_are_never_compacted) {
  put_queue("q", {.topic = "orders"});
  EXPECT_EQ(shards.run(broker->put_topic("q.dead", {.cleanup = Cleanup::compact})).error().code,
            ErrorCode::conflict);
  compacted_topic();
  auto put = shards.run(broker->put_queue("other", {.topic = "orders", .dead_letter = "prices"}));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::conflict);
}

TEST_F(QueueGapsTest, deleted_records_leave_the_queue_and_count_as_lost_when_it_had_not_settled_them) {
  put_queue("q", {.topic = "orders"});
  publish("orders", {"a", "b", "c", "d"});
  auto first = receive("q", 1);
  EXPECT_EQ(bodies(first), "a0");
  EXPECT_EQ(ack("q", leases(first)), 1);
  auto leased = receive("q", 1);
  EXPECT_EQ(bodies(leased), "b1");
  EXPECT_EQ(delete_records(Offset(3)), Offset(3));
  EXPECT_EQ(figures("q"), "1 0 0 0 0");
  EXPECT_EQ(lost("q"), 2);
  EXPECT_EQ(ack("q", leases(leased)), 0);
  EXPECT_EQ(bodies(receive("q")), "d3");
  restart();
  EXPECT_EQ(bodies(receive("q")), "d3");
  EXPECT_EQ(delete_records(std::nullopt), Offset(4));
  EXPECT_EQ(figures("q"), "0 0 0 0 0");
}

}  // namespace
}  // namespace pabal::broker
