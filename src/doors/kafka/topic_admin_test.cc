#include <gmock/gmock.h>

#include "doors/kafka/kafka_fixture.h"

namespace pabal::doors {
namespace {

using kafka::KafkaError;
using testing::ElementsAre;
using testing::HasSubstr;
using Creatable = kafka::CreateTopicsRequest::CreatableTopic;
using Created = kafka::CreateTopicsResponse::CreatableTopicResult;
using Growing = kafka::CreatePartitionsRequest::Topic;

class KafkaTopicAdminTest : public KafkaFixture {
 protected:
  Created create(Creatable topic, bool validate_only = false) {
    kafka::CreateTopicsRequest request{.topics = {std::move(topic)}, .validate_only = validate_only};
    return ask(create_topics, request, 7).topics.at(0);
  }
  KafkaError refused(Creatable topic) {
    Created out = create(topic);
    EXPECT_FALSE(out.error_message.value_or("").empty());
    EXPECT_FALSE(exists(topic.name));
    return out.error_code;
  }
  kafka::CreatePartitionsResponse::TopicResult grow(Growing topic, bool validate_only = false) {
    kafka::CreatePartitionsRequest request{.topics = {std::move(topic)}, .validate_only = validate_only};
    return ask(create_partitions, request, 3).results.at(0);
  }
  kafka::DeleteTopicsResponse::DeletableTopicResult remove(std::optional<std::string> name, TopicId id = {}) {
    return ask(delete_topics, kafka::DeleteTopicsRequest{.topics = {{std::move(name), id}}}, 6)
        .responses.at(0);
  }
};

TEST_F(KafkaTopicAdminTest, a_topic_is_made_as_it_was_asked_for) {
  Created out = create({.name = "orders",
                        .num_partitions = 3,
                        .replication_factor = 1,
                        .configs = {{"retention.ms", "3600000"}, {"segment.ms", "5000"}}});
  EXPECT_EQ(out.error_code, KafkaError::none);
  EXPECT_EQ(out.error_message, std::nullopt);
  EXPECT_EQ(out.topic_id, info("orders").id);
  EXPECT_EQ(out.num_partitions, 3);
  EXPECT_EQ(out.replication_factor, 1);
  EXPECT_EQ(info("orders").partitions.size(), 3U);
  EXPECT_EQ(info("orders").settings.retention_time, std::chrono::hours(1));
  EXPECT_EQ(info("orders").settings.kept.at("segment.ms"), "5000");
  auto shown = std::ranges::find(*out.configs, "retention.ms", &Created::CreatableTopicConfigs::name);
  ASSERT_NE(shown, out.configs->end());
  EXPECT_EQ(shown->value, "3600000");
  EXPECT_EQ(shown->config_source, kafka::ConfigSource::topic);
}

TEST_F(KafkaTopicAdminTest, counts_that_are_left_to_the_server_are_its_defaults) {
  Created out = create({.name = "orders", .num_partitions = -1, .replication_factor = -1});
  EXPECT_EQ(out.error_code, KafkaError::none);
  EXPECT_EQ(info("orders").settings, options.topic_defaults);
}

TEST_F(KafkaTopicAdminTest, a_topic_that_cannot_be_is_refused_and_says_why) {
  EXPECT_EQ(refused({.name = "a/b", .num_partitions = 1, .replication_factor = 1}),
            KafkaError::invalid_topic);
  EXPECT_EQ(refused({.name = "__pabal.x", .num_partitions = 1, .replication_factor = 1}),
            KafkaError::invalid_topic);
  EXPECT_EQ(refused({.name = "t", .num_partitions = 0, .replication_factor = 1}),
            KafkaError::invalid_partitions);
  EXPECT_EQ(refused({.name = "t", .num_partitions = 200'000, .replication_factor = 1}),
            KafkaError::invalid_partitions);
  EXPECT_EQ(refused({.name = "t", .num_partitions = 1, .replication_factor = 3}),
            KafkaError::invalid_replication_factor);
  Creatable bad{.name = "t", .num_partitions = 1, .replication_factor = 1, .configs = {{"retention", "1"}}};
  EXPECT_EQ(refused(bad), KafkaError::invalid_config);
  EXPECT_THAT(*create(bad).error_message, HasSubstr("\"retention\" is no setting of a topic"));
  bad.configs = {{"retention.ms", std::nullopt}};
  EXPECT_EQ(refused(bad), KafkaError::invalid_config);
  make("one");
  EXPECT_EQ(refused({.name = "t", .num_partitions = broker::partitions_max, .replication_factor = 1}),
            KafkaError::policy_violation);
  EXPECT_EQ(create({.name = "one", .num_partitions = 1, .replication_factor = 1}).error_code,
            KafkaError::topic_already_exists);
}

TEST_F(KafkaTopicAdminTest, partitions_may_be_assigned_to_the_one_broker) {
  Creatable topic{.name = "t", .num_partitions = -1, .replication_factor = -1};
  auto assign = [&](int partition, std::vector<kafka::BrokerId> to) {
    topic.assignments.push_back({PartitionIndex(partition), std::move(to)});
  };
  assign(1, {only_broker}), assign(0, {only_broker});
  topic.num_partitions = 2;
  EXPECT_EQ(refused(topic), KafkaError::invalid_request);
  topic.num_partitions = -1;
  EXPECT_EQ(create(topic).error_code, KafkaError::none);
  EXPECT_EQ(info("t").partitions.size(), 2U);
  topic.name = "u";
  assign(1, {only_broker});
  EXPECT_EQ(refused(topic), KafkaError::invalid_replica_assignment);
  topic.assignments.pop_back();
  assign(3, {only_broker});
  EXPECT_EQ(refused(topic), KafkaError::invalid_replica_assignment);
  topic.assignments.pop_back();
  assign(2, {only_broker, kafka::BrokerId(2)});
  EXPECT_EQ(refused(topic), KafkaError::invalid_replica_assignment);
}

TEST_F(KafkaTopicAdminTest, what_is_only_validated_is_answered_and_not_made) {
  Created out = create({.name = "t", .num_partitions = 4, .replication_factor = 1}, true);
  EXPECT_EQ(out.error_code, KafkaError::none);
  EXPECT_EQ(out.num_partitions, 4);
  EXPECT_FALSE(exists("t"));
  make("t");
  EXPECT_EQ(grow({.name = "t", .count = 3}, true).error_code, KafkaError::none);
  EXPECT_EQ(info("t").partitions.size(), 1U);
}

TEST_F(KafkaTopicAdminTest, a_topic_named_twice_in_a_call_is_refused_twice) {
  Creatable topic{.name = "t", .num_partitions = 1, .replication_factor = 1};
  auto made = ask(create_topics, kafka::CreateTopicsRequest{.topics = {topic, topic}}, 7);
  EXPECT_EQ(made.topics.at(0).error_code, KafkaError::invalid_request);
  EXPECT_EQ(made.topics.at(1).error_code, KafkaError::invalid_request);
  EXPECT_FALSE(exists("t"));
}

TEST_F(KafkaTopicAdminTest, partitions_only_grow) {
  make("t", {.partitions = 2});
  EXPECT_EQ(grow({.name = "t", .count = 5}).error_code, KafkaError::none);
  EXPECT_EQ(info("t").partitions.size(), 5U);
  auto fewer = grow({.name = "t", .count = 5});
  EXPECT_EQ(fewer.error_code, KafkaError::invalid_partitions);
  EXPECT_THAT(*fewer.error_message, HasSubstr("5 partitions were asked for; there are 5"));
  EXPECT_EQ(grow({.name = "t", .count = 200'000}).error_code, KafkaError::invalid_partitions);
  EXPECT_EQ(grow({.name = "u", .count = 5}).error_code, KafkaError::unknown_topic_or_partition);
  EXPECT_EQ(grow({.name = "__pabal.topics", .count = 5}).error_code, KafkaError::unknown_topic_or_partition);
  Growing::Assignment here{{only_broker}}, elsewhere{{kafka::BrokerId(2)}};
  EXPECT_EQ(grow({"t", 7, std::vector{here}}).error_code, KafkaError::invalid_replica_assignment);
  EXPECT_EQ(grow({"t", 7, std::vector{here, elsewhere}}).error_code, KafkaError::invalid_replica_assignment);
  EXPECT_EQ(grow({"t", 7, std::vector{here, here}}).error_code, KafkaError::none);
}

TEST_F(KafkaTopicAdminTest, growth_that_would_move_keys_is_refused_with_the_way_to_do_it) {
  make("prices", {.cleanup = broker::Cleanup::compact});
  auto refused = grow({.name = "prices", .count = 2});
  EXPECT_EQ(refused.error_code, KafkaError::policy_violation);
  EXPECT_THAT(*refused.error_message, HasSubstr("pabal topic set prices --partitions 2 --rekey"));
}

TEST_F(KafkaTopicAdminTest, a_topic_is_deleted_by_its_name_or_its_id) {
  make("one"), make("two"), make("three");
  TopicId one = info("one").id, two = info("two").id;
  auto removed = remove("one");
  EXPECT_EQ(removed.error_code, KafkaError::none);
  EXPECT_EQ(removed.topic_id, one);
  removed = remove(std::nullopt, two);
  EXPECT_EQ(removed.error_code, KafkaError::none);
  EXPECT_EQ(removed.name, "two");
  EXPECT_EQ(remove(std::nullopt, two).error_code, KafkaError::unknown_topic_id);
  EXPECT_EQ(remove("two").error_code, KafkaError::unknown_topic_or_partition);
  EXPECT_EQ(remove("three", info("three").id).error_code, KafkaError::invalid_request);
  EXPECT_EQ(remove("__pabal.topics").error_code, KafkaError::unknown_topic_or_partition);
  auto old = ask(delete_topics, kafka::DeleteTopicsRequest{.topic_names = {"three"}}, 1);
  EXPECT_EQ(old.responses.at(0).error_code, KafkaError::none);
  EXPECT_FALSE(exists("one") || exists("two") || exists("three"));
}

TEST_F(KafkaTopicAdminTest, a_topic_that_a_queue_reads_stays) {
  put_queue("mails");
  auto refused = remove("mails");
  EXPECT_EQ(refused.error_code, KafkaError::policy_violation);
  EXPECT_THAT(*refused.error_message, HasSubstr("delete the queue first"));
  EXPECT_TRUE(exists("mails"));
}

TEST_F(KafkaTopicAdminTest, records_are_deleted_below_an_offset_or_all_of_them) {
  publish("t", {"a", "b", "c"});
  auto cut = [&](int64_t offset, int partition = 0) {
    kafka::DeleteRecordsRequest request{
        .topics = {{.name = "t", .partitions = {{PartitionIndex(partition), Offset(offset)}}}}};
    return ask(delete_records, request, 2).topics.at(0).partitions.at(0);
  };
  EXPECT_EQ(cut(2).low_watermark, Offset(2));
  EXPECT_EQ(cut(1).low_watermark, Offset(2));
  EXPECT_EQ(cut(4).error_code, KafkaError::offset_out_of_range);
  EXPECT_EQ(cut(4).low_watermark, Offset(-1));
  EXPECT_EQ(cut(-2).error_code, KafkaError::offset_out_of_range);
  EXPECT_EQ(cut(0, 1).error_code, KafkaError::unknown_topic_or_partition);
  EXPECT_EQ(cut(-1).low_watermark, Offset(3));
  EXPECT_EQ(info("t").partitions.at(0).range.first, Offset(3));
}

TEST_F(KafkaTopicAdminTest, the_cluster_is_this_server) {
  auto cluster = ask(describe_cluster, kafka::DescribeClusterRequest{}, 2);
  EXPECT_EQ(cluster.controller_id, only_broker);
  ASSERT_EQ(cluster.brokers.size(), 1U);
  EXPECT_EQ(cluster.brokers.at(0).port, 9092);
  kafka::DescribeClusterRequest controllers{.endpoint_type = kafka::EndpointType::controllers};
  EXPECT_EQ(ask(describe_cluster, controllers, 2).error_code, KafkaError::mismatched_endpoint_type);
}

TEST_F(KafkaTopicAdminTest, the_log_directory_shows_the_partitions_asked_for) {
  make("one", {.partitions = 2}), make("two");
  publish("two", {"a"});
  auto names = [](const kafka::DescribeLogDirsResponse& response) {
    std::vector<std::string> all;
    for (const auto& topic : response.results.at(0).topics) {
      all.push_back(fmt::format("{} {}", topic.name, topic.partitions.size()));
    }
    return all;
  };
  auto all = ask(describe_log_dirs, kafka::DescribeLogDirsRequest{.topics = std::nullopt}, 4);
  EXPECT_EQ(all.results.at(0).log_dir, "/data/pabal");
  EXPECT_THAT(names(all), ElementsAre("one 2", "two 1"));
  EXPECT_GT(all.results.at(0).topics.at(1).partitions.at(0).partition_size, 0);
  kafka::DescribeLogDirsRequest some;
  some.topics->push_back({.topic = "one", .partitions = {PartitionIndex(1), PartitionIndex(7)}});
  some.topics->push_back({.topic = "none", .partitions = {PartitionIndex(0)}});
  EXPECT_THAT(names(ask(describe_log_dirs, some, 4)), ElementsAre("one 1"));
}

}  // namespace
}  // namespace pabal::doors
