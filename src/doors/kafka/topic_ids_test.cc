#include <gmock/gmock.h>

#include "doors/kafka/kafka_fixture.h"
#include "log/record_batch.h"

// Newer versions name topics by id alone.
namespace pabal::doors {
namespace {

using kafka::KafkaError;

constexpr int16_t produce_version = 13, fetch_version = 18, offsets_version = 10;

class KafkaTopicIdsTest : public KafkaFixture {
 protected:
  static constexpr PartitionIndex first{0};
  TopicId orders;
  TopicId other = TopicId::parse("01234567-89ab-7def-8123-456789abcdef").value();

  void SetUp() override {
    KafkaFixture::SetUp();
    make("orders");
    orders = info("orders").id;
  }
  // The topic is another from here on.
  void remake() {
    ASSERT_TRUE(shards.run(broker->delete_topic("orders")));
    make("orders");
  }
  KafkaError produce_to(TopicId id, int partition = 0) {
    log::BatchBuilder batch;
    batch.add({.value = as_bytes("v")});
    kafka::Records records{{SharedBytes(batch.finish())}};
    kafka::ProduceRequest request{
        .acks = kafka::Acks::all,
        .topic_data = {{.topic_id = id, .partition_data = {{PartitionIndex(partition), records}}}}};
    auto topic = ask(produce, request, produce_version).responses.at(0);
    EXPECT_EQ(topic.topic_id, id);
    return topic.partition_responses.at(0).error_code;
  }
  kafka::FetchResponse::Topic fetch_from(TopicId id, int64_t offset = 0, PartitionIndex partition = first) {
    kafka::FetchRequest request{.max_bytes = 1'000'000};
    request.topics.push_back({.topic_id = id});
    request.topics.back().partitions.push_back(
        {.partition = partition, .fetch_offset = Offset(offset), .partition_max_bytes = 1'000'000});
    auto response = ask(fetch, request, fetch_version).responses.at(0);
    EXPECT_EQ(response.topic_id, id);
    return response;
  }
  KafkaError commit_to(TopicId id, int64_t offset) {
    kafka::OffsetCommitRequest request{.group_id = "readers"};
    request.topics.push_back({.topic_id = id});
    request.topics.back().partitions.push_back(
        {.partition_index = first, .committed_offset = Offset(offset)});
    auto topic = ask(offset_commit, request, offsets_version).topics.at(0);
    EXPECT_EQ(topic.topic_id, id);
    return topic.partitions.at(0).error_code;
  }
  // As "id offset error" of each partition; no ids ask for all.
  std::vector<std::string> committed(const std::vector<TopicId>& ids) {
    kafka::OffsetFetchRequest request{.groups = {{.group_id = "readers"}}};
    request.groups[0].topics.reset();
    for (TopicId id : ids) {
      if (!request.groups[0].topics) request.groups[0].topics.emplace();
      request.groups[0].topics->push_back({.topic_id = id, .partition_indexes = {first}});
    }
    std::vector<std::string> all;
    for (const auto& topic : ask(offset_fetch, request, offsets_version).groups.at(0).topics) {
      for (const auto& one : topic.partitions) {
        all.push_back(fmt::format("{} {} {}", topic.topic_id.to_string(), one.committed_offset,
                                  kafka::name_of(one.error_code)));
      }
    }
    return all;
  }
};

TEST_F(KafkaTopicIdsTest, metadata_tells_ids_and_finds_by_them) {
  kafka::MetadataRequest request{.topics = {{{.topic_id = orders, .name = std::nullopt}}}};
  auto topic = ask(metadata, request, 12).topics.at(0);
  EXPECT_EQ(topic.name, "orders");
  EXPECT_EQ(topic.topic_id, orders);
  remake();
  topic = ask(metadata, request, 12).topics.at(0);
  EXPECT_EQ(topic.error_code, KafkaError::unknown_topic_id);
  EXPECT_EQ(topic.name, std::nullopt);
}

TEST_F(KafkaTopicIdsTest, records_are_produced_and_fetched_by_id) {
  EXPECT_EQ(produce_to(orders), KafkaError::none);
  EXPECT_EQ(produce_to(orders, 1), KafkaError::unknown_topic_or_partition);
  EXPECT_EQ(produce_to(other), KafkaError::unknown_topic_id);
  auto fetched = fetch_from(orders).partitions.at(0);
  EXPECT_EQ(fetched.error_code, KafkaError::none);
  EXPECT_GT(fetched.records->bytes(), 0U);
  auto beyond = fetch_from(orders, 7).partitions.at(0);
  EXPECT_EQ(beyond.error_code, KafkaError::offset_out_of_range);
  EXPECT_EQ(beyond.high_watermark, Offset(1));
  EXPECT_EQ(beyond.log_start_offset, Offset(0));
  auto missing = fetch_from(orders, 0, PartitionIndex(1)).partitions.at(0);
  EXPECT_EQ(missing.error_code, KafkaError::unknown_topic_or_partition);
  EXPECT_EQ(fetch_from(other).partitions.at(0).error_code, KafkaError::unknown_topic_id);
}

TEST_F(KafkaTopicIdsTest, who_means_a_deleted_topic_does_not_reach_the_next_of_its_name) {
  remake();
  EXPECT_EQ(produce_to(orders), KafkaError::unknown_topic_id);
  EXPECT_EQ(fetch_from(orders).partitions.at(0).error_code, KafkaError::unknown_topic_id);
  EXPECT_EQ(commit_to(orders, 1), KafkaError::unknown_topic_id);
  EXPECT_EQ(info("orders").partitions.at(0).range.next, Offset(0));
}

TEST_F(KafkaTopicIdsTest, offsets_are_committed_and_fetched_by_id) {
  EXPECT_EQ(commit_to(orders, 5), KafkaError::none);
  std::string five = orders.to_string() + " 5 NONE";
  EXPECT_THAT(committed({orders}), testing::ElementsAre(five));
  EXPECT_THAT(committed({}), testing::ElementsAre(five));
  EXPECT_THAT(committed({other}), testing::ElementsAre(other.to_string() + " -1 UNKNOWN_TOPIC_ID"));
  EXPECT_THAT(committed({other, orders}),
              testing::UnorderedElementsAre(five, other.to_string() + " -1 UNKNOWN_TOPIC_ID"));
}

}  // namespace
}  // namespace pabal::doors
