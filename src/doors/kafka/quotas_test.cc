#include <gmock/gmock.h>

#include "doors/kafka/guard.h"
#include "doors/kafka/kafka_fixture.h"

namespace pabal::doors {
namespace {

using broker::AclOperation;
using kafka::KafkaError;
using testing::IsEmpty;
using testing::Optional;

using Request = kafka::DescribeClientQuotasRequest;

// What `kafka-configs --describe --entity-type users` asks.
Request all_users() { return {.components = {{"user", kafka::QuotaMatch::any, std::nullopt}}}; }

AnswerTo<Request> guarded(KafkaCall& call, Request request) {
  return guard(call, std::move(request), describe_client_quotas);
}

class QuotasTest : public KafkaFixture {};

TEST_F(QuotasTest, ThereAreNone) {
  for (int16_t version : {0, 1}) {
    auto response = ask(describe_client_quotas, all_users(), version);
    EXPECT_EQ(response.error_code, KafkaError::none);
    EXPECT_THAT(response.entries, Optional(IsEmpty()));
  }
}

TEST_F(QuotasTest, WhoMayDescribeTheSettingsOfTheClusterMayAsk) {
  auto security = std::move(*shards.run(broker::Security::open(shards, *engine)));
  KafkaAccess access{.required = true, .security = security.get()};
  Session bob(access, shards.at(0));
  bob.meet({.host = "127.0.0.1", .certificate_name = "bob"});
  ask_as(&bob);
  auto allow = [&](AclOperation operation) {
    broker::Acl acl{.resource = broker::AclResource::cluster,
                    .name = std::string(broker::cluster_resource),
                    .principal = "User:bob",
                    .operation = operation};
    ASSERT_TRUE(shards.run(security->add_acls({acl})));
  };
  allow(AclOperation::describe);
  auto refused = ask(guarded, all_users(), 1);
  EXPECT_EQ(refused.error_code, KafkaError::cluster_authorization_failed);
  EXPECT_EQ(refused.entries, std::nullopt);
  allow(AclOperation::describe_configs);
  EXPECT_THAT(ask(guarded, all_users(), 1).entries, Optional(IsEmpty()));
  ask_as(nullptr);
  shards.run(security->stop());
}

}  // namespace
}  // namespace pabal::doors
