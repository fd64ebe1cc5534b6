#include <gmock/gmock.h>

#include "doors/kafka/guard.h"
#include "doors/kafka/kafka_fixture.h"
#include "log/record_batch.h"

// Who may use a topic that is named by its id, and what others hear of it.
namespace pabal::doors {
namespace {

using broker::AclOperation;
using kafka::KafkaError;

template <class Request, Next<Request> handle>
AnswerTo<Request> guarded(KafkaCall& call, Request request) {
  return guard(call, std::move(request), handle);
}

class TopicIdsGuardTest : public KafkaFixture {
 protected:
  TopicId orders;
  TopicId none = TopicId::parse("01234567-89ab-7def-8123-456789abcdef").value();
  std::unique_ptr<broker::Security> security;
  KafkaAccess access;
  std::unique_ptr<Session> bob;

  void SetUp() override {
    KafkaFixture::SetUp();
    make("orders");
    publish("orders", {"k"});
    orders = info("orders").id;
    security = std::move(*shards.run(broker::Security::open(shards, *engine)));
    access = {.required = true, .security = security.get()};
    bob = std::make_unique<Session>(access, shards.at(0));
    bob->meet({.host = "127.0.0.1", .certificate_name = "bob"});
    ask_as(bob.get());
    allow(AclOperation::all, broker::AclResource::group, "readers");
  }
  void TearDown() override {
    ask_as(nullptr);
    bob.reset();
    shards.run(security->stop());
    KafkaFixture::TearDown();
  }
  void allow(AclOperation operation, broker::AclResource resource, const std::string& name) {
    add({.resource = resource, .name = name, .operation = operation});
  }
  void allow(AclOperation operation) { add({.name = "orders", .operation = operation}); }
  void deny(AclOperation operation) {
    add({.name = "orders", .operation = operation, .permission = broker::AclPermission::deny});
  }
  void add(broker::Acl acl) {
    acl.principal = "User:bob";
    ASSERT_TRUE(shards.run(security->add_acls({acl})));
  }

  kafka::ProduceResponse::Topic::Partition produced(TopicId id) {
    log::BatchBuilder batch;
    batch.add({.value = as_bytes("v")});
    kafka::Records records{{SharedBytes(batch.finish())}};
    kafka::ProduceRequest request{
        .acks = kafka::Acks::all,
        .topic_data = {{.topic_id = id, .partition_data = {{PartitionIndex(0), records}}}}};
    auto topic = ask(guarded<kafka::ProduceRequest, produce>, request, 13).responses.at(0);
    EXPECT_EQ(topic.topic_id, id);
    return topic.partition_responses.at(0);
  }
  static kafka::FetchRequest fetch_of(TopicId id) {
    kafka::FetchRequest request{.max_wait = std::chrono::seconds(60), .min_bytes = 1};
    request.topics.push_back({.topic_id = id});
    request.topics.back().partitions.push_back(
        {.partition = PartitionIndex(0), .partition_max_bytes = 1'000'000});
    return request;
  }
  kafka::FetchResponse::Topic::Partition fetched(TopicId id) {
    auto response = ask(guarded<kafka::FetchRequest, fetch>, fetch_of(id), 17).responses.at(0);
    EXPECT_EQ(response.topic_id, id);
    return response.partitions.at(0);
  }
  KafkaError committed(TopicId id) {
    kafka::OffsetCommitRequest request{.group_id = "readers"};
    request.topics.push_back({.topic_id = id});
    request.topics.back().partitions.push_back({.committed_offset = Offset(1)});
    auto topic = ask(guarded<kafka::OffsetCommitRequest, offset_commit>, request, 10).topics.at(0);
    EXPECT_EQ(topic.topic_id, id);
    return topic.partitions.at(0).error_code;
  }
  // Of the topic; without one: "" when nothing of it is told among all.
  std::string offset_of(std::optional<TopicId> id) {
    kafka::OffsetFetchRequest request{.groups = {{.group_id = "readers"}}};
    request.groups[0].topics.reset();
    if (id) request.groups[0].topics = {{.topic_id = *id, .partition_indexes = {PartitionIndex(0)}}};
    auto topics = ask(guarded<kafka::OffsetFetchRequest, offset_fetch>, request, 10).groups.at(0).topics;
    if (topics.empty()) return "";
    auto one = topics.at(0).partitions.at(0);
    return fmt::format("{} {}", one.committed_offset, kafka::name_of(one.error_code));
  }
};

TEST_F(TopicIdsGuardTest, a_topic_the_user_may_not_see_is_like_one_that_is_not) {
  for (TopicId id : {orders, none}) {
    EXPECT_EQ(produced(id).error_code, KafkaError::unknown_topic_id);
    EXPECT_EQ(fetched(id).error_code, KafkaError::unknown_topic_id);
    EXPECT_EQ(committed(id), KafkaError::unknown_topic_id);
    EXPECT_EQ(offset_of(id), "-1 UNKNOWN_TOPIC_ID");
  }
  EXPECT_EQ(produced(orders).error_message, produced(none).error_message);
  EXPECT_EQ(fetched(orders).high_watermark, fetched(none).high_watermark);
  EXPECT_EQ(info("orders").partitions.at(0).range.next, Offset(1));
}

TEST_F(TopicIdsGuardTest, who_sees_a_topic_hears_that_it_may_not_use_it) {
  allow(AclOperation::describe);
  EXPECT_EQ(produced(orders).error_code, KafkaError::topic_authorization_failed);
  auto refused = fetched(orders);
  EXPECT_EQ(refused.error_code, KafkaError::topic_authorization_failed);
  EXPECT_EQ(refused.high_watermark, Offset(-1));
  EXPECT_EQ(committed(orders), KafkaError::topic_authorization_failed);
  EXPECT_EQ(offset_of(orders), "-1 NONE");
  EXPECT_EQ(produced(none).error_code, KafkaError::unknown_topic_id);
  EXPECT_EQ(info("orders").partitions.at(0).range.next, Offset(1));
}

TEST_F(TopicIdsGuardTest, who_may_use_a_topic_does_by_its_id) {
  allow(AclOperation::write);
  EXPECT_EQ(produced(orders).error_code, KafkaError::none);
  EXPECT_EQ(fetched(orders).error_code, KafkaError::topic_authorization_failed);
  allow(AclOperation::read);
  EXPECT_EQ(fetched(orders).error_code, KafkaError::none);
  EXPECT_EQ(committed(orders), KafkaError::none);
  EXPECT_EQ(offset_of(orders), "1 NONE");
  EXPECT_EQ(offset_of(std::nullopt), "1 NONE");
}

TEST_F(TopicIdsGuardTest, who_may_use_a_topic_does_by_its_id_also_where_it_may_not_see_it) {
  deny(AclOperation::describe);
  allow(AclOperation::read);
  EXPECT_EQ(fetched(orders).error_code, KafkaError::none);
  EXPECT_EQ(committed(orders), KafkaError::none);
  EXPECT_EQ(offset_of(orders), "-1 UNKNOWN_TOPIC_ID");  // needs the right to see
  EXPECT_EQ(offset_of(std::nullopt), "");
  EXPECT_EQ(produced(orders).error_code, KafkaError::unknown_topic_id);
  allow(AclOperation::write);
  EXPECT_EQ(produced(orders).error_code, KafkaError::none);
  deny(AclOperation::read);
  EXPECT_EQ(fetched(orders).error_code, KafkaError::unknown_topic_id);
}

// The session knows the topic from a time when the user might read it.
TEST_F(TopicIdsGuardTest, a_fetch_session_gives_nothing_that_was_forbidden_since) {
  allow(AclOperation::read);
  kafka::FetchRequest first = fetch_of(orders);
  first.session_epoch = kafka::FetchSessionEpoch(0);
  auto begun = ask(guarded<kafka::FetchRequest, fetch>, first, 17);
  ASSERT_NE(begun.session_id, kafka::FetchSessionId(0));
  ASSERT_TRUE(shards.run(security->remove_acls({.resource = broker::AclResource::topic})));
  kafka::FetchRequest next{.session_id = begun.session_id};
  next.session_epoch = kafka::FetchSessionEpoch(1);
  auto partition = ask(guarded<kafka::FetchRequest, fetch>, next, 17).responses.at(0).partitions.at(0);
  EXPECT_EQ(partition.error_code, KafkaError::unknown_topic_id);
  EXPECT_EQ(partition.records->bytes(), 0U);
}

}  // namespace
}  // namespace pabal::doors
