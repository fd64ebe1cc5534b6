#include "doors/kafka/guard.h"

#include "base/logging.h"
#include "doors/kafka/guard_parts.h"
#include "doors/kafka/topic_ids.h"

// Records, security, and what is open to all.
namespace pabal::doors {

using kafka::ApiVersion;

PABAL_GUARD(ProduceRequest) {
  name_topics(call, request.topic_data, AclOperation::write);
  auto refused = take_refused(request.topic_data, [&](const auto& topic) {
    return may_named(call, AclOperation::write, topic.name);
  });
  auto response = co_await next(call, std::move(request));
  if (!response && !refused.empty()) {
    SPDLOG_WARN("kafka: {}: '{}' may not write to {:?}, and did not want an answer", call.peer,
                call.session.user(), refused.front().name);
  }
  if (!response) co_return std::nullopt;
  for (const auto& topic : refused) {
    auto& out = response->responses.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    for (const auto& partition : topic.partition_data) {
      out.partition_responses.push_back({.index = partition.index,
                                         .error_code = KafkaError::topic_authorization_failed,
                                         .base_offset = Offset(-1),
                                         .error_message = std::string(not_allowed)});
    }
  }
  co_return response;
}

bool may_fetch(const KafkaCall& call, std::string_view topic) {
  return may_named(call, AclOperation::read, topic);
}
PABAL_GUARD(FetchRequest) { return next(call, std::move(request)); }

PABAL_GUARD(ListOffsetsRequest) {
  auto refused = take_refused(
      request.topics, [&](const auto& topic) { return may_topic(call, AclOperation::describe, topic.name); });
  auto response = co_await next(call, std::move(request));
  for (const auto& topic : refused) {
    auto& out = response->topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      out.partitions.push_back({.partition_index = partition.partition_index,
                                .error_code = KafkaError::topic_authorization_failed});
    }
  }
  co_return response;
}

// A topic that the user may not see is refused whether it exists or not; among all topics it is not there.
PABAL_GUARD(MetadataRequest) {
  using Topic = kafka::MetadataResponse::Topic;
  bool all = !request.topics || (call.version() == ApiVersion(0) && request.topics->empty());
  std::vector<kafka::MetadataRequest::Topic> refused;
  if (!all) {
    refused = take_refused(*request.topics, [&](const auto& topic) {
      bool by_id = !topic.name || topic.topic_id != TopicId{};
      return by_id || may_topic(call, AclOperation::describe, *topic.name);
    });
  }
  bool none_left = !all && request.topics->empty();
  auto response = co_await next(call, std::move(request));
  auto hidden = [&](const Topic& topic) {
    return topic.error_code == KafkaError::none &&
           !may_topic(call, AclOperation::describe, topic.name.value_or(""));
  };
  if (all || none_left)
    std::erase_if(response->topics, [&](const Topic& t) { return none_left || hidden(t); });
  for (Topic& topic : response->topics) {  // asked for by id
    if (hidden(topic)) topic = {.error_code = KafkaError::unknown_topic_id, .topic_id = topic.topic_id};
    if (!topic.name && call.version() >= ApiVersion(12)) topic.name = std::nullopt;
  }
  for (auto& topic : refused) {
    response->topics.push_back({.error_code = KafkaError::topic_authorization_failed,
                                .name = topic.name,
                                .topic_id = topic.topic_id});
  }
  co_return response;
}

PABAL_GUARD(InitProducerIdRequest) {
  bool allowed = may_cluster(call, AclOperation::idempotent_write) ||
                 call.session.may_any(AclOperation::write, AclResource::topic);
  if (request.transactional_id) {
    allowed = call.session.may(AclOperation::write, AclResource::transactional_id, *request.transactional_id);
  }
  KafkaError refusal = request.transactional_id ? KafkaError::transactional_id_authorization_failed
                                                : KafkaError::cluster_authorization_failed;
  return all_or_nothing(call, std::move(request), next, allowed, refusal);
}

PABAL_GUARD(OffsetForLeaderEpochRequest) {
  auto refused = take_refused(request.topics, [&](const auto& topic) {
    return may_topic(call, AclOperation::describe, topic.topic);
  });
  auto response = co_await next(call, std::move(request));
  for (const auto& topic : refused) {
    auto& out = response->topics.emplace_back();
    out.topic = topic.topic;
    for (const auto& partition : topic.partitions) {
      out.partitions.push_back(
          {.error_code = KafkaError::topic_authorization_failed, .partition = partition.partition});
    }
  }
  co_return response;
}

PABAL_GUARD(ApiVersionsRequest) { return next(call, std::move(request)); }
PABAL_GUARD(SaslHandshakeRequest) { return next(call, std::move(request)); }
PABAL_GUARD(SaslAuthenticateRequest) { return next(call, std::move(request)); }

PABAL_GUARD(DescribeUserScramCredentialsRequest) {
  bool allowed = may_cluster(call, AclOperation::describe);
  return all_or_nothing(call, std::move(request), next, allowed, KafkaError::cluster_authorization_failed);
}

PABAL_GUARD(AlterUserScramCredentialsRequest) {
  if (may_cluster(call, AclOperation::alter)) co_return co_await next(call, std::move(request));
  kafka::AlterUserScramCredentialsResponse response;
  auto refuse = [&](const std::string& user) {
    response.results.push_back({.user = user,
                                .error_code = KafkaError::cluster_authorization_failed,
                                .error_message = std::string(not_allowed)});
  };
  for (const auto& one : request.deletions) refuse(one.name);
  for (const auto& one : request.upsertions) refuse(one.name);
  co_return response;
}

PABAL_GUARD(DescribeAclsRequest) {
  bool allowed = may_cluster(call, AclOperation::describe);
  return all_or_nothing(call, std::move(request), next, allowed, KafkaError::cluster_authorization_failed);
}

PABAL_GUARD(CreateAclsRequest) {
  if (may_cluster(call, AclOperation::alter)) co_return co_await next(call, std::move(request));
  kafka::CreateAclsResponse response;
  response.results.assign(request.creations.size(),
                          {KafkaError::cluster_authorization_failed, std::string(not_allowed)});
  co_return response;
}

PABAL_GUARD(DeleteAclsRequest) {
  if (may_cluster(call, AclOperation::alter)) co_return co_await next(call, std::move(request));
  kafka::DeleteAclsResponse response;
  response.filter_results.assign(
      request.filters.size(),
      {.error_code = KafkaError::cluster_authorization_failed, .error_message = std::string(not_allowed)});
  co_return response;
}

}  // namespace pabal::doors
