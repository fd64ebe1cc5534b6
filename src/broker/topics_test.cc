#include "broker/topics.h"

#include <gtest/gtest.h>

#include "broker/recording_observer.h"
#include "engine/memory_engine.h"
#include "engine/step_shards.h"
#include "log/record_batch.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;

class TopicsTest : public testing::Test {
 protected:
  engine::StepShards shards;
  std::shared_ptr<engine::MemoryEngine::Storage> storage = engine::MemoryEngine::make_storage();
  std::unique_ptr<engine::MemoryEngine> engine;
  RecordingObserver observer;
  BrokerOptions options;
  std::unique_ptr<Topics> topics;

  void SetUp() override { open(); }
  void open() {
    topics.reset();
    engine = std::make_unique<engine::MemoryEngine>(shards.at(0).executor(), shards.at(0).timers(), storage);
    auto opened = shards.run(Topics::open(shards, *engine, observer, options));
    ASSERT_TRUE(opened) << opened.error().message;
    topics = std::move(*opened);
  }

  // One record for each character of `keys`, whose value is the key.
  static Publish publish_of(std::string topic, std::string_view keys) {
    Publish publish{.topic = std::move(topic)};
    for (size_t i = 0; i < keys.size(); ++i) {
      BytesView key = as_bytes(keys.substr(i, 1));
      publish.records.push_back({.record = {.key = key, .value = key}});
    }
    return publish;
  }
  Result<PublishResult> publish(Publish publish) { return shards.run(topics->publish(std::move(publish))); }

  // All keys of a partition, in order.
  std::string keys_in(const std::string& topic, int partition = 0) {
    auto info = shards.run(topics->info(topic));
    if (!info) return "no topic";
    auto read = shards.run(topics->read({topic, PartitionIndex(partition), info->partitions[0].range.first}));
    if (!read) return read.error().message;
    std::string keys;
    for (const SharedBytes& bytes : read->batches) {
      auto batch = log::BatchView::parse(bytes.view());
      std::ignore = batch->for_each([&](const log::StoredRecord& record) {
        keys += as_text(*record.key);
        return true;
      });
    }
    return keys;
  }
};

TEST_F(TopicsTest, are_the_same_after_a_restart) {
  EXPECT_TRUE(shards.run(topics->put("orders", {.partitions = 3, .retention_time = 2h})).value().created);
  EXPECT_FALSE(shards.run(topics->put("orders", {})).value().created);
  ASSERT_TRUE(publish(publish_of("orders", "abc")));
  auto before = shards.run(topics->info("orders"));
  open();
  auto after = shards.run(topics->info("orders"));
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->id, before->id);
  EXPECT_EQ(after->settings.partitions, 3);
  EXPECT_EQ(after->settings.retention_time, 2h);
  int64_t records = 0;
  for (const PartitionInfo& partition : after->partitions) records += partition.range.next.value();
  EXPECT_EQ(records, 3);
}

TEST_F(TopicsTest, partitions_grow_and_never_shrink) {
  ASSERT_TRUE(shards.run(topics->put("orders", {.partitions = 2})));
  EXPECT_EQ(shards.run(topics->put("orders", {.partitions = 1})).error().code, ErrorCode::conflict);
  ASSERT_TRUE(shards.run(topics->put("orders", {.partitions = 4})));
  EXPECT_EQ(shards.run(topics->info("orders"))->partitions.size(), 4u);
  EXPECT_EQ(shards.run(topics->put("orders", {.partitions = 0})).error().code, ErrorCode::invalid);
}

TEST_F(TopicsTest, a_compacted_topic_wants_keys_grows_only_when_told_and_knows_no_retention) {
  ASSERT_TRUE(shards.run(topics->put("prices", {.cleanup = Cleanup::compact, .tombstones_kept = 1h})));
  EXPECT_EQ(shards.run(topics->put("prices", {.partitions = 2})).error().code, ErrorCode::conflict);
  EXPECT_EQ(shards.run(topics->put("prices", {.retention_time = 1h})).error().code, ErrorCode::invalid);
  Publish mixed = publish_of("prices", "ab");
  mixed.records[1].record.key.reset();
  auto refused = publish(mixed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid);
  EXPECT_EQ(refused.error().fields.front().field, "records[1].key");
  EXPECT_EQ(keys_in("prices"), "");
  ASSERT_TRUE(shards.run(topics->put("prices", {.partitions = 2, .rekey = true})));
  open();
  auto info = shards.run(topics->info("prices"));
  EXPECT_EQ(info->settings.cleanup, Cleanup::compact);
  EXPECT_EQ(info->settings.tombstones_kept, 1h);
  ASSERT_TRUE(shards.run(topics->put("prices", {.cleanup = Cleanup::delete_old})));
  EXPECT_TRUE(publish(mixed));
}

TEST_F(TopicsTest, a_topic_that_is_compacted_and_ages_wants_keys_and_has_retention) {
  ASSERT_TRUE(
      shards.run(topics->put("prices", {.retention_time = 2h, .cleanup = Cleanup::compact_and_delete})));
  open();
  auto settings = shards.run(topics->info("prices"))->settings;
  EXPECT_EQ(settings.cleanup, Cleanup::compact_and_delete);
  engine::LogSettings log = log_settings("prices", settings);
  EXPECT_TRUE(log.compact);
  EXPECT_EQ(log.retention_time, 2h);
  EXPECT_EQ(log.tombstones_kept, 24h);
  EXPECT_EQ(shards.run(topics->put("prices", {.partitions = 2})).error().code, ErrorCode::conflict);
  Publish mixed = publish_of("prices", "ab");
  mixed.records[1].record.key.reset();
  EXPECT_EQ(publish(mixed).error().code, ErrorCode::invalid);
  ASSERT_TRUE(shards.run(topics->put("prices", {.cleanup = Cleanup::compact})));
  EXPECT_EQ(log_settings("prices", shards.run(topics->info("prices"))->settings).retention_time,
            Duration::zero());
}

TEST_F(TopicsTest, records_are_deleted_up_to_an_offset_and_stay_deleted) {
  ASSERT_TRUE(publish(publish_of("orders", "abcd")));
  auto cut = [&](std::optional<Offset> before) {
    return shards.run(topics->delete_records("orders", PartitionIndex(0), before));
  };
  EXPECT_EQ(cut(Offset(5)).error().code, ErrorCode::invalid);
  EXPECT_EQ(cut(Offset(2)), Offset(2));
  EXPECT_EQ(cut(Offset(1)), Offset(2));
  open();
  EXPECT_EQ(shards.run(topics->info("orders"))->partitions[0].range.first, Offset(2));
  EXPECT_EQ(cut(std::nullopt), Offset(4));
  EXPECT_EQ(shards.run(topics->delete_records("orders", PartitionIndex(1), {})).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(shards.run(topics->delete_records("others", PartitionIndex(0), {})).error().code,
            ErrorCode::not_found);
}

TEST_F(TopicsTest, durability_is_set_when_a_topic_is_made_for_good) {
  ASSERT_TRUE(shards.run(topics->put("orders", {.durability = Durability::written})));
  ASSERT_TRUE(shards.run(topics->put("orders", {.partitions = 2, .durability = Durability::written})));
  ASSERT_TRUE(shards.run(topics->put("orders", {.partitions = 3})));
  auto refused = shards.run(topics->put("orders", {.durability = Durability::flushed}));
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_NE(refused.error().message.find("\"written\" stands and \"flushed\" was asked for"),
            std::string::npos);
  open();
  EXPECT_EQ(shards.run(topics->info("orders"))->settings.durability, Durability::written);
  ASSERT_TRUE(publish(publish_of("orders", "abc")));
}

TEST_F(TopicsTest, a_record_of_before_durability_is_of_a_flushed_topic) {
  std::string text = TopicRecord{.id = {}, .settings = {.durability = Durability::memory}}.encode();
  EXPECT_EQ(TopicRecord::decode(text)->settings.durability, Durability::memory);
  std::string field = "\"durability\":\"memory\",";
  EXPECT_FALSE(TopicRecord::decode(std::string(text).replace(text.find("memory"), 6, "sponge")));
  EXPECT_EQ(TopicRecord::decode(text.replace(text.find(field), field.size(), ""))->settings.durability,
            Durability::flushed);
}

TEST_F(TopicsTest, refuses_names_that_are_none) {
  for (std::string name : {"", ".", "..", "a b", "a/b", "주문"}) {
    EXPECT_EQ(shards.run(topics->put(name, {})).error().code, ErrorCode::invalid) << name;
    EXPECT_EQ(publish(publish_of(name, "a")).error().code, ErrorCode::invalid) << name;
  }
  EXPECT_EQ(shards.run(topics->put("__pabal.x", {})).error().code, ErrorCode::forbidden);
}

TEST_F(TopicsTest, an_unknown_topic_is_made_on_first_publish_unless_that_is_off) {
  ASSERT_TRUE(publish(publish_of("orders", "a")));
  EXPECT_EQ(keys_in("orders"), "a");
  options.auto_create_topics = false;
  open();
  EXPECT_EQ(publish(publish_of("others", "a")).error().code, ErrorCode::not_found);
}

TEST_F(TopicsTest, a_deleted_topic_is_gone_and_its_name_is_free) {
  ASSERT_TRUE(publish(publish_of("orders", "a")));
  auto before = shards.run(topics->info("orders"));
  ASSERT_TRUE(shards.run(topics->remove("orders")));
  EXPECT_EQ(shards.run(topics->remove("orders")).error().code, ErrorCode::not_found);
  EXPECT_EQ(shards.run(topics->info("orders")).error().code, ErrorCode::not_found);
  open();
  ASSERT_TRUE(publish(publish_of("orders", "b")));
  EXPECT_NE(shards.run(topics->info("orders"))->id, before->id);
  EXPECT_EQ(keys_in("orders"), "b");
}

TEST_F(TopicsTest, logs_that_no_topic_has_are_removed_on_start) {
  engine::LogId orphan{Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057").value(), PartitionIndex(0)};
  ASSERT_TRUE(shards.run(engine->open_log(orphan, {.name = "half.made"})));
  open();
  EXPECT_FALSE(engine->range(orphan));
}

TEST_F(TopicsTest, records_with_one_key_stay_in_one_partition_and_others_go_round) {
  ASSERT_TRUE(shards.run(topics->put("orders", {.partitions = 3})));
  auto keyed = publish(publish_of("orders", "aaa"));
  EXPECT_EQ((*keyed)[0]->partition, (*keyed)[2]->partition);
  EXPECT_EQ((*keyed)[2]->offset, (*keyed)[0]->offset + 2);
  Publish keyless{.topic = "orders", .records = std::vector<PublishRecord>(3)};
  auto result = publish(keyless);
  ASSERT_TRUE(result);
  EXPECT_NE((*result)[0]->partition, (*result)[1]->partition);
  EXPECT_NE((*result)[1]->partition, (*result)[2]->partition);
  keyless.records[1].partition = PartitionIndex(3);
  EXPECT_EQ(publish(keyless).error().fields.at(0).field, "records[1].partition");
}

TEST_F(TopicsTest, refuses_what_is_over_a_limit_and_stores_none_of_the_call) {
  std::string big(record_bytes_max + 1, 'x');
  Publish call = publish_of("orders", "ab");
  call.records[1].record.value = as_bytes(big);
  EXPECT_EQ(publish(call).error().code, ErrorCode::too_large);
  call.records[1].record.value = std::nullopt;
  call.records[1].record.headers.resize(headers_per_record_max + 1);
  EXPECT_EQ(publish(call).error().code, ErrorCode::too_large);
  EXPECT_EQ(publish({.topic = "orders"}).error().code, ErrorCode::invalid);
  EXPECT_EQ(keys_in("orders"), "");
}

TEST_F(TopicsTest, a_failed_publish_stores_nothing_and_says_why) {
  ASSERT_TRUE(publish(publish_of("orders", "a")));
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "the disk is full"});
  EXPECT_EQ(publish(publish_of("orders", "b")).error().code, ErrorCode::disk_full);
  ASSERT_TRUE(publish(publish_of("orders", "c")));
  EXPECT_EQ(keys_in("orders"), "ac");
}

// -- producers
// --------------------------------------------------------------------------------------------------------

TEST_F(TopicsTest, a_producers_record_is_stored_once_however_often_it_is_sent) {
  auto send = [&](int64_t first, std::string_view keys) {
    Publish call = publish_of("orders", keys);
    call.producer = "relay";
    for (PublishRecord& record : call.records) record.sequence = first++;
    return publish(call);
  };
  ASSERT_TRUE(send(1, "abc"));
  auto again = send(2, "bcd");
  ASSERT_TRUE(again);
  EXPECT_FALSE((*again)[0]);
  EXPECT_FALSE((*again)[1]);
  EXPECT_EQ((*again)[2]->offset, Offset(3));
  open();
  auto after_restart = send(1, "abcd");
  ASSERT_TRUE(after_restart);
  EXPECT_EQ(*after_restart, PublishResult(4));
  EXPECT_EQ(keys_in("orders"), "abcd");
}

TEST_F(TopicsTest, a_sequence_for_the_call_covers_all_its_records) {
  auto send = [&](std::string producer, int64_t sequence, std::string_view keys) {
    Publish call = publish_of("orders", keys);
    call.producer = std::move(producer);
    call.sequence = sequence;
    return publish(call);
  };
  EXPECT_TRUE((*send("a", 7, "xy"))[1]);
  EXPECT_FALSE((*send("a", 7, "xy"))[1]);
  EXPECT_FALSE((*send("a", 3, "z"))[0]);
  EXPECT_TRUE((*send("b", 3, "z"))[0]);
  EXPECT_EQ(keys_in("orders"), "xyz");
}

TEST_F(TopicsTest, sequences_must_be_there_and_rise) {
  Publish call = publish_of("orders", "ab");
  call.producer = "p";
  EXPECT_EQ(publish(call).error().code, ErrorCode::invalid);
  call.records[0].sequence = 2;
  call.records[1].sequence = 2;
  EXPECT_EQ(publish(call).error().fields.at(0).field, "records[1].sequence");
  call.producer.clear();
  EXPECT_EQ(publish(call).error().code, ErrorCode::invalid);
}

TEST_F(TopicsTest, a_call_waits_for_the_earlier_one_of_its_producer_and_repeats_what_that_lost) {
  ASSERT_TRUE(publish(publish_of("orders", "-")));
  auto call = [&](int64_t sequence, std::string_view key) {
    Publish c = publish_of("orders", key);
    c.producer = "p";
    c.sequence = sequence;
    return shards.start(topics->publish(std::move(c)));
  };
  auto warm = call(1, "a");
  shards.settle();
  engine->hold();
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "full"});
  auto second = call(2, "b");
  auto third = call(2, "b");  // the same again, before the first has ended
  shards.settle();
  EXPECT_EQ(engine->commits_waiting(), 1u);
  engine->release();
  shards.settle();
  EXPECT_FALSE(**second);
  ASSERT_TRUE(**third);
  EXPECT_TRUE((***third)[0]);
  EXPECT_EQ(keys_in("orders"), "-ab");
}

// -- idempotency keys
// -------------------------------------------------------------------------------------------------

class IdempotencyTest : public TopicsTest {
 protected:
  static Publish call(std::string_view keys, std::string key, std::string scope = "me") {
    Publish publish = publish_of("orders", keys);
    publish.idempotency = Idempotency{std::move(key), std::move(scope), std::string(keys)};
    return publish;
  }
};

TEST_F(IdempotencyTest, the_same_call_gets_the_first_answer_also_after_a_restart) {
  ASSERT_TRUE(shards.run(topics->put("orders", {.partitions = 2})));
  ASSERT_TRUE(publish(publish_of("orders", "abcdef")));
  auto first = publish(call("abcde", "k1"));
  ASSERT_TRUE(first);
  EXPECT_EQ(publish(call("abcde", "k1")).value(), *first);
  open();
  EXPECT_EQ(publish(call("abcde", "k1")).value(), *first);
  auto other = publish(call("abcde", "k1", "somebody else"));
  ASSERT_TRUE(other);
  EXPECT_NE(*other, *first);
}

TEST_F(IdempotencyTest, another_body_under_the_same_key_is_refused) {
  ASSERT_TRUE(publish(call("a", "k1")));
  EXPECT_EQ(publish(call("b", "k1")).error().code, ErrorCode::key_reused);
  EXPECT_EQ(publish(call("a", "")).error().code, ErrorCode::invalid);
  EXPECT_EQ(keys_in("orders"), "a");
}

TEST_F(IdempotencyTest, a_call_while_the_first_runs_is_a_conflict) {
  ASSERT_TRUE(publish(call("x", "k0")));
  engine->hold();
  auto first = shards.start(topics->publish(call("a", "k1")));
  auto second = shards.start(topics->publish(call("a", "k1")));
  shards.settle();
  ASSERT_TRUE(*second);
  EXPECT_EQ((*second)->error().code, ErrorCode::conflict);
  engine->release();
  shards.settle();
  EXPECT_TRUE(**first);
}

TEST_F(IdempotencyTest, a_key_whose_call_failed_may_be_used_again) {
  ASSERT_TRUE(publish(call("x", "k0")));
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "full"});
  EXPECT_FALSE(publish(call("a", "k1")));
  EXPECT_TRUE(publish(call("b", "k1")));
  EXPECT_EQ(keys_in("orders"), "xb");
}

TEST_F(IdempotencyTest, a_key_is_free_after_its_window) {
  ASSERT_TRUE(publish(call("a", "k1")));
  shards.advance(idempotency_window - 1s);
  ASSERT_TRUE(publish(call("a", "k1")));
  EXPECT_EQ(keys_in("orders"), "a");
  shards.advance(1s);
  ASSERT_TRUE(publish(call("a", "k1")));
  EXPECT_EQ(keys_in("orders"), "aa");
}

TEST_F(IdempotencyTest, the_stored_shape_reads_as_it_was_written) {
  StoredShape shape{{{PartitionIndex(0), Offset(17), 4'000'000'000u}, {PartitionIndex(2), Offset(0), 1}}, {}};
  for (int p : {0, 0, 2, 0}) shape.records.push_back(PartitionIndex(p));
  auto read = StoredShape::decode(shape.encode());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, shape);
  for (std::string text : {"", "x", "0@1#", "|0+", "|0+99999999", "|x"})
    EXPECT_FALSE(StoredShape::decode(text)) << text;
}

// -- waiting
// ----------------------------------------------------------------------------------------------------------

TEST_F(TopicsTest, a_wait_ends_with_news_with_its_deadline_or_with_the_server) {
  ASSERT_TRUE(publish(publish_of("orders", "a")));
  std::vector<PartitionOffset> seen = {{PartitionIndex(0), Offset(1)}};
  auto wait = [&] {
    return shards.start(topics->wait_for_records("orders", seen, Deadline::after(shards.clock(), 10s)));
  };
  auto news = wait();
  shards.advance(1s);
  EXPECT_FALSE(*news);
  ASSERT_TRUE(publish(publish_of("orders", "b")));
  shards.settle();
  ASSERT_TRUE(*news);
  EXPECT_TRUE(**news);
  seen[0].offset = Offset(2);
  auto late = wait();
  shards.advance(10s);
  ASSERT_TRUE(*late);
  EXPECT_TRUE(**late);
  auto stopped = wait();
  shards.settle();
  shards.run(topics->stop());
  shards.settle();
  ASSERT_TRUE(*stopped);
  EXPECT_EQ((*stopped)->error().code, ErrorCode::unavailable);
}

TEST_F(TopicsTest, find_answers_ends_and_times) {
  ASSERT_TRUE(publish(publish_of("orders", "a")));
  WallTime between = shards.clock().wall_now() + 1s;
  shards.advance(2s);
  ASSERT_TRUE(publish(publish_of("orders", "b")));
  auto find = [&](StartPoint at) { return *shards.run(topics->find("orders", PartitionIndex(0), at)); };
  EXPECT_EQ(find(StartAt::earliest), Offset(0));
  EXPECT_EQ(find(StartAt::latest), Offset(2));
  EXPECT_EQ(find(between), Offset(1));
}

}  // namespace
}  // namespace pabal::broker
