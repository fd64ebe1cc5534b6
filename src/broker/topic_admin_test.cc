#include <gtest/gtest.h>

#include "broker/broker_fixture.h"

// What administration asks of topics: made or changed and never the other, ids, settings without effect.
namespace pabal::broker {
namespace {

using namespace std::chrono_literals;
using Must = TopicChange::Must;

class TopicAdminTest : public BrokerFixture {
 protected:
  Result<Broker::Put> put(const std::string& name, TopicChange change) {
    return shards.run(broker->put_topic(name, std::move(change)));
  }
  TopicInfo info(const std::string& name) { return shards.run(broker->topic(name)).value(); }
  std::optional<std::string> name_of(TopicId id) { return broker->topic_name(id, shards.at(0)); }
  // nullopt: it was stored.
  std::optional<ErrorCode> publish_bytes(const std::string& topic, size_t bytes) {
    std::string value(bytes, 'v');
    auto done =
        shards.run(broker->publish({.topic = topic, .records = {{.record = {.value = as_bytes(value)}}}}));
    return done ? std::nullopt : std::optional(done.error().code);
  }
  Result<AppendResult> append(const std::string& topic, size_t bytes, std::optional<TopicId> id = {}) {
    std::string value(bytes, 'v');
    log::BatchBuilder batch;
    batch.add({.value = as_bytes(value)});
    AppendBatches call{.topic = topic, .id = id};
    call.parts.push_back({PartitionIndex(0), batch.finish()});
    return shards.run(broker->append(std::move(call)));
  }
};

TEST_F(TopicAdminTest, a_topic_is_made_or_changed_as_it_must_be) {
  EXPECT_EQ(put("orders", {.must = Must::change}).error().code, ErrorCode::not_found);
  EXPECT_TRUE(put("orders", {.must = Must::make}).value().created);
  EXPECT_EQ(put("orders", {.must = Must::make}).error().code, ErrorCode::conflict);
  EXPECT_FALSE(put("orders", {.partitions = 3, .must = Must::change}).value().created);
  EXPECT_EQ(info("orders").partitions.size(), 3U);
}

TEST_F(TopicAdminTest, what_is_only_validated_is_judged_and_changes_nothing) {
  EXPECT_TRUE(put("orders", {.validate_only = true}).value().created);
  EXPECT_FALSE(shards.run(broker->topic("orders")));
  ASSERT_TRUE(put("orders", {.partitions = 2}));
  EXPECT_TRUE(put("orders", {.partitions = 4, .retention_time = 1h, .validate_only = true}));
  EXPECT_EQ(info("orders").settings.partitions, 2);
  EXPECT_EQ(info("orders").settings.retention_time, TopicSettings().retention_time);
  EXPECT_EQ(put("orders", {.partitions = 1, .validate_only = true}).error().code, ErrorCode::conflict);
  EXPECT_TRUE(put("orders", {.partitions = partitions_max, .validate_only = true}));
  EXPECT_EQ(put("more", {.partitions = partitions_max, .validate_only = true}).error().code,
            ErrorCode::over_limit);
}

TEST_F(TopicAdminTest, an_id_finds_its_topic_until_that_is_deleted_also_after_a_restart) {
  ASSERT_TRUE(put("orders", {}));
  TopicId first = info("orders").id;
  EXPECT_EQ(name_of(first), "orders");
  restart();
  EXPECT_EQ(info("orders").id, first);
  EXPECT_EQ(name_of(first), "orders");
  ASSERT_TRUE(shards.run(broker->delete_topic("orders")));
  EXPECT_EQ(name_of(first), std::nullopt);
  ASSERT_TRUE(put("orders", {}));
  EXPECT_NE(info("orders").id, first);
  EXPECT_EQ(name_of(info("orders").id), "orders");
}

TEST_F(TopicAdminTest, who_means_a_deleted_topic_does_not_reach_the_next_of_its_name) {
  ASSERT_TRUE(put("orders", {}));
  TopicId first = info("orders").id;
  ASSERT_TRUE(append("orders", 1, first));
  ASSERT_TRUE(shards.run(broker->delete_topic("orders")));
  ASSERT_TRUE(put("orders", {}));
  EXPECT_EQ(append("orders", 1, first).error().code, ErrorCode::not_found);
  ReadRequest read{.topic = "orders", .partition = PartitionIndex(0), .from = Offset(0), .id = first};
  EXPECT_EQ(shards.run(broker->read(read)).error().code, ErrorCode::not_found);
  EXPECT_EQ(shards.run(broker->delete_topic("orders", first)).error().code, ErrorCode::not_found);
  read.id = info("orders").id;
  EXPECT_TRUE(shards.run(broker->read(read)));
}

TEST_F(TopicAdminTest, settings_without_effect_are_kept_and_forgotten_one_by_one) {
  ASSERT_TRUE(put("orders", {.kept = {{"segment.ms", "1000"}, {"flush.ms", "5"}}}));
  restart();
  ASSERT_TRUE(put("orders", {.kept = {{"flush.ms", std::nullopt}, {"preallocate", "true"}}}));
  restart();
  EXPECT_EQ(info("orders").settings.kept,
            (std::map<std::string, std::string>{{"segment.ms", "1000"}, {"preallocate", "true"}}));
  auto refused = [&](const std::string& name, const std::string& value) {
    return put("orders", {.kept = {{name, value}}}).error().code;
  };
  EXPECT_EQ(refused(std::string(kept_name_bytes_max + 1, 'n'), ""), ErrorCode::invalid);
  EXPECT_EQ(refused("n", std::string(kept_value_bytes_max + 1, 'v')), ErrorCode::invalid);
  EXPECT_EQ(refused("n", "\xff"), ErrorCode::invalid);
  TopicChange many;
  for (size_t i = 0; i < kept_settings_max; ++i) many.kept.emplace(std::to_string(i), "");
  EXPECT_EQ(put("orders", many).error().code, ErrorCode::invalid);
}

TEST_F(TopicAdminTest, retention_may_rest_while_a_topic_is_compacted) {
  TopicChange both{.retention_time = 1h, .cleanup = Cleanup::compact};
  EXPECT_EQ(put("prices", both).error().code, ErrorCode::invalid);
  both.retention_may_rest = true;
  ASSERT_TRUE(put("prices", both));
  ASSERT_TRUE(put("prices", {.cleanup = Cleanup::delete_old}));
  EXPECT_EQ(info("prices").settings.retention_time, 1h);
}

TEST_F(TopicAdminTest, a_topic_takes_no_message_above_its_limit) {
  ASSERT_TRUE(put("orders", {.message_bytes_max = 1000}));
  restart();
  EXPECT_EQ(publish_bytes("orders", 1001), ErrorCode::too_large);
  EXPECT_EQ(publish_bytes("orders", 1000), std::nullopt);
  EXPECT_EQ(append("orders", 1000).value().front().error().code, ErrorCode::too_large);
  EXPECT_TRUE(append("orders", 900).value().front());
  EXPECT_EQ(put("orders", {.message_bytes_max = 0}).error().code, ErrorCode::invalid);
  EXPECT_EQ(put("orders", {.message_bytes_max = batch_bytes_max + 1}).error().code, ErrorCode::invalid);
}

TEST_F(TopicAdminTest, partitions_are_added_while_others_publish) {
  ASSERT_TRUE(put("orders", {.partitions = 2}));
  engine->hold();
  std::string value = "v";
  std::vector<std::shared_ptr<std::optional<Result<PublishResult>>>> published;
  for (int i = 0; i < 50; ++i) {
    published.push_back(shards.start(
        broker->publish({.topic = "orders", .records = {{.record = {.value = as_bytes(value)}}}})));
  }
  auto grown = shards.start(broker->put_topic("orders", {.partitions = 40}));
  shards.settle();
  EXPECT_FALSE(*grown);
  engine->release();
  shards.settle();
  ASSERT_TRUE(*grown && **grown);
  for (const auto& one : published) EXPECT_TRUE(*one && **one);
  EXPECT_EQ(info("orders").partitions.size(), 40U);
  ASSERT_TRUE(append("orders", 1));
}

}  // namespace
}  // namespace pabal::broker
