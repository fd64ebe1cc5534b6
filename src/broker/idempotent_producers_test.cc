#include "broker/idempotent_producers.h"

#include <gtest/gtest.h>

#include "broker/batch_fixture.h"
#include "broker/broker_fixture.h"
#include "broker/topic_table.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;
using test::sequenced_batch;

class IdempotentProducersTest : public BrokerFixture {
 protected:
  struct Sent {
    int64_t producer = 7;
    int16_t epoch = 0;
    int partition = 0;
  };

  void SetUp() override {
    options.producers = {.per_partition = 3, .in_all = 5};
    BrokerFixture::SetUp();
    put({.partitions = 3});
  }
  void put(TopicChange change) {
    ASSERT_TRUE(shards.run(broker->put_topic("orders", change)));
    shards.settle();
  }

  using Outcome = std::shared_ptr<std::optional<Result<AppendResult>>>;
  Outcome begin(std::string_view keys, int32_t first, Sent sent) {
    AppendBatches call{.topic = "orders"};
    call.parts.push_back(
        {PartitionIndex(sent.partition), sequenced_batch(keys, sent.producer, sent.epoch, first)});
    auto outcome = shards.start(broker->append(std::move(call)));
    shards.settle();
    return outcome;
  }
  Outcome begin(std::string_view keys, int32_t first) { return begin(keys, first, Sent()); }
  static std::string told(const Outcome& outcome) {
    if (!*outcome) return "waits";
    const auto& result = **outcome;
    if (!result) return std::string(name_of(result.error().code));
    const auto& part = result->front();
    return part ? std::to_string(part->base.value()) : std::string(name_of(part.error().code));
  }
  // The offset it was given, or the error.
  std::string send(std::string_view keys, int32_t first, Sent sent) {
    auto outcome = begin(keys, first, sent);
    while (!*outcome) shards.advance(1ms);
    shards.settle();
    return told(outcome);
  }
  std::string send(std::string_view keys, int32_t first) { return send(keys, first, Sent()); }

  engine::LogId log(int partition = 0) {
    return partition_log(shards.run(broker->topic("orders"))->id, PartitionIndex(partition));
  }
  // The keys of all records of a partition.
  std::string stored(int partition = 0) {
    std::string keys;
    Offset first = engine->range(log(partition))->first;
    auto read = shards.run(broker->read({"orders", PartitionIndex(partition), first}));
    EXPECT_TRUE(read) << read.error().message;
    for (const SharedBytes& bytes : read->batches) {
      std::ignore = log::BatchView::parse(bytes.view())->for_each([&](const log::StoredRecord& record) {
        keys += as_text(*record.key);
        return true;
      });
    }
    return keys;
  }
};

TEST_F(IdempotentProducersTest, a_repeated_batch_is_told_where_it_went_first) {
  EXPECT_EQ(send("ab", 0), "0");
  EXPECT_EQ(send("c", 2), "2");
  EXPECT_EQ(send("de", 3), "3");
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(send("ab", 0), "0");
    EXPECT_EQ(send("c", 2), "2");
    EXPECT_EQ(send("de", 3), "3");
    restart();
  }
  EXPECT_EQ(send("f", 5), "5");
  EXPECT_EQ(stored(), "abcdef");
}

TEST_F(IdempotentProducersTest, what_is_no_next_batch_is_refused_and_leaves_nothing) {
  for (int i = 0; i < 6; ++i) EXPECT_EQ(send("a", i), std::to_string(i));
  EXPECT_EQ(send("b", 0), "duplicate");
  EXPECT_EQ(send("b", 7), "out_of_order");
  EXPECT_EQ(send("b", 5, {.epoch = 1}), "out_of_order");
  EXPECT_EQ(send("b", 0, {.epoch = 1}), "6");
  EXPECT_EQ(send("a", 6), "fenced");
  restart();
  EXPECT_EQ(send("a", 6), "fenced");
  EXPECT_EQ(send("c", 1, {.epoch = 1}), "7");
  EXPECT_EQ(stored(), "aaaaaabc");
}

TEST_F(IdempotentProducersTest, producers_and_partitions_count_each_for_itself) {
  EXPECT_EQ(send("a", 0), "0");
  EXPECT_EQ(send("b", 0, {.producer = 8}), "1");
  EXPECT_EQ(send("c", 0, {.partition = 1}), "0");
  EXPECT_EQ(send("d", 1, {.producer = 8}), "2");
  EXPECT_EQ(send("e", 1), "3");
  EXPECT_EQ(stored(0) + " " + stored(1), "abde c");
}

TEST_F(IdempotentProducersTest, one_call_may_hold_new_and_repeated_batches_of_several_partitions) {
  EXPECT_EQ(send("a", 0), "0");
  AppendBatches call{.topic = "orders"};
  call.parts.push_back({PartitionIndex(0), sequenced_batch("a", 7, 0, 0)});
  call.parts.push_back({PartitionIndex(1), sequenced_batch("b", 7, 0, 0)});
  call.parts.push_back({PartitionIndex(2), test::batch_of("c")});
  auto result = shards.run(broker->append(std::move(call)));
  ASSERT_TRUE(result && (*result)[0] && (*result)[1] && (*result)[2]);
  EXPECT_EQ((*result)[0]->base, Offset(0));
  EXPECT_EQ(stored(0) + stored(1) + stored(2), "abc");
}

TEST_F(IdempotentProducersTest, calls_keep_their_order_while_the_first_of_them_reads_the_table) {
  std::vector<Outcome> sent;
  auto one_after_the_other = [&]() -> runtime::Task<bool> {
    for (int i = 0; i < 20; ++i) {
      AppendBatches call{.topic = "orders"};
      call.parts.push_back({PartitionIndex(0), sequenced_batch("a", 7, 0, i)});
      sent.push_back(shards.start(broker->append(std::move(call))));
      for (int turn = 0; turn < i % 4; ++turn) co_await asio::post(asio::use_awaitable);
    }
    co_return true;
  };
  EXPECT_TRUE(shards.run(one_after_the_other()));
  while (!*sent.back()) shards.advance(1ms);
  shards.settle();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(told(sent[static_cast<size_t>(i)]), std::to_string(i));
}

TEST_F(IdempotentProducersTest, a_repeated_batch_waits_for_the_first_one) {
  EXPECT_EQ(send("a", 0), "0");
  engine->hold();
  auto first = begin("b", 1);
  auto next = begin("c", 2);
  auto again = begin("b", 1);
  EXPECT_EQ(told(begin("a", 0)), "0");  // long stored
  EXPECT_EQ(told(first) + told(next) + told(again), "waitswaitswaits");
  engine->release();
  shards.settle();
  EXPECT_EQ(told(first) + told(next) + told(again), "121");
  EXPECT_EQ(stored(), "abc");
}

TEST_F(IdempotentProducersTest, one_that_is_no_longer_kept_waits_as_well) {
  EXPECT_EQ(send("x", 0), "0");
  engine->hold();
  std::vector<Outcome> sent;
  for (int i = 1; i < 8; ++i) sent.push_back(begin("a", i));
  auto again = begin("a", 1);
  EXPECT_EQ(told(again), "waits");
  engine->release();
  shards.settle();
  EXPECT_EQ(told(again), "duplicate");
  EXPECT_EQ(stored(), "xaaaaaaa");
}

TEST_F(IdempotentProducersTest, when_the_first_one_fails_the_repeated_one_is_stored) {
  EXPECT_EQ(send("a", 0), "0");
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "full"});
  engine->hold();
  auto first = begin("b", 1);
  auto again = begin("b", 1);
  engine->release();
  shards.settle();
  EXPECT_EQ(told(first) + " " + told(again), "disk_full 1");
  EXPECT_EQ(stored(), "ab");
}

TEST_F(IdempotentProducersTest, nothing_is_stored_behind_a_batch_that_failed) {
  EXPECT_EQ(send("a", 0), "0");
  engine->fail_commits(1, 1, {ErrorCode::disk_full, "full"});
  engine->hold();
  auto b = begin("b", 1);
  auto c = begin("c", 2);
  auto d = begin("d", 3);
  auto other = begin("o", 0, {.producer = 8});
  engine->release();
  shards.settle();
  EXPECT_EQ(told(b) + " " + told(c) + " " + told(d) + " " + told(other), "1 disk_full unavailable 2");
  EXPECT_EQ(send("d", 3), "out_of_order");
  EXPECT_EQ(send("b", 1), "1");
  EXPECT_EQ(send("c", 2), "3");
  EXPECT_EQ(send("d", 3), "4");
  EXPECT_EQ(stored(), "abocd");
}

TEST_F(IdempotentProducersTest, what_fails_in_its_turn_is_not_taken_for_stored) {
  EXPECT_EQ(send("a", 0), "0");
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "full"});
  engine->set_commit_time(5ms);
  auto b = begin("b", 1);
  auto c = begin("c", 2);
  shards.advance(5ms);
  // While the one behind the failed one is still under way: neither of them is stored.
  if (told(c) == "waits") EXPECT_EQ(told(begin("b", 1)), "unavailable");
  shards.advance(10ms);
  EXPECT_EQ(told(b) + " " + told(c), "disk_full unavailable");
  EXPECT_EQ(send("b", 1), "1");
  EXPECT_EQ(stored(), "ab");
}

TEST_F(IdempotentProducersTest, a_topic_that_stamps_records_knows_them_again) {
  put({.timestamps = Timestamps::append});
  EXPECT_EQ(send("ab", 0), "0");
  EXPECT_EQ(send("c", 2), "2");
  restart();
  EXPECT_EQ(send("ab", 0), "0");
  EXPECT_EQ(send("d", 3), "3");
  EXPECT_EQ(stored(), "abcd");
}

TEST_F(IdempotentProducersTest, compaction_takes_the_batch_and_not_the_sequence) {
  put({.cleanup = Cleanup::compact});
  EXPECT_EQ(send("ab", 0), "0");
  EXPECT_EQ(send("a", 2), "2");
  EXPECT_EQ(send("a", 3), "3");
  engine->compact(log());
  restart();
  EXPECT_EQ(stored(), "ba");
  EXPECT_EQ(send("ab", 0), "0");  // a part of it is left
  EXPECT_EQ(send("a", 2), "duplicate");
  EXPECT_EQ(send("a", 3), "3");
  EXPECT_EQ(send("c", 4), "4");
}

TEST_F(IdempotentProducersTest, deletion_and_retention_take_the_batches_and_not_the_sequence) {
  EXPECT_EQ(send("ab", 0), "0");
  EXPECT_EQ(send("c", 2), "2");
  ASSERT_TRUE(shards.run(broker->delete_records("orders", PartitionIndex(0), std::nullopt)));
  restart();
  EXPECT_EQ(send("ab", 0), "duplicate");
  EXPECT_EQ(send("c", 2), "duplicate");
  EXPECT_EQ(send("e", 4), "out_of_order");
  EXPECT_EQ(send("d", 3), "3");
  engine->retain_from(log(), Offset(4));
  EXPECT_EQ(send("d", 3), "duplicate");
  EXPECT_EQ(send("e", 4), "4");
  EXPECT_EQ(stored(), "e");
}

TEST_F(IdempotentProducersTest, what_is_known_goes_with_the_topic) {
  EXPECT_EQ(send("ab", 0), "0");
  size_t before = engine->logs().size();
  ASSERT_TRUE(shards.run(broker->delete_topic("orders")));
  EXPECT_EQ(engine->logs().size(), before - 4);  // three partitions, and what is known of the producers
  put({});
  EXPECT_EQ(send("x", 5), "0");  // of another topic nothing is known
  restart();
  EXPECT_EQ(send("y", 6), "1");
}

TEST_F(IdempotentProducersTest, a_producer_is_forgotten_a_day_after_its_last_batch) {
  EXPECT_EQ(send("a", 0), "0");
  shards.advance(23h);
  EXPECT_EQ(send("b", 1), "1");
  shards.advance(23h);
  EXPECT_EQ(send("x", 7), "out_of_order");
  shards.advance(2h);
  EXPECT_EQ(send("c", 7), "2");
}

TEST_F(IdempotentProducersTest, when_there_are_too_many_the_most_silent_one_gives_way) {
  EXPECT_EQ(send("a", 0, {.producer = 1}), "0");
  shards.advance(1min);
  EXPECT_EQ(send("b", 0, {.producer = 2}), "1");
  EXPECT_EQ(send("c", 0, {.producer = 3}), "2");
  EXPECT_EQ(send("d", 0, {.producer = 4}), "over_limit");
  EXPECT_EQ(send("d", 0, {.producer = 4, .partition = 1}), "0");
  shards.advance(14min);
  EXPECT_EQ(send("d", 0, {.producer = 4}), "3");
  EXPECT_EQ(send("b", 0, {.producer = 2}), "1");  // still known
  EXPECT_EQ(send("e", 0, {.producer = 5}), "over_limit");
  restart();
  EXPECT_EQ(send("e", 0, {.producer = 5}), "over_limit");
  EXPECT_EQ(send("a", 4, {.producer = 1}), "over_limit");  // forgotten
}

TEST_F(IdempotentProducersTest, there_is_a_limit_over_all_topics) {
  ASSERT_TRUE(shards.run(broker->put_topic("others", {.partitions = 2})));
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(send("a", 0, {.producer = i, .partition = i % 2}), std::to_string(i / 2));
  auto send_other = [&](int64_t producer) {
    AppendBatches call{.topic = "others"};
    call.parts.push_back({PartitionIndex(0), sequenced_batch("a", producer, 0, 0)});
    auto result = shards.run(broker->append(std::move(call)));
    return result && result->front() ? "stored" : std::string(name_of(result->front().error().code));
  };
  EXPECT_EQ(send_other(1), "stored");
  EXPECT_EQ(send_other(2), "over_limit");
  EXPECT_EQ(send("a", 0, {.producer = 9, .partition = 2}), "over_limit");
  shards.advance(16min);
  EXPECT_EQ(send_other(2), "stored");  // another of this topic gave way
  shards.advance(25h);                 // all are forgotten, also where nobody publishes any more
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send_other(10 + i), "stored");
}

}  // namespace
}  // namespace pabal::broker
