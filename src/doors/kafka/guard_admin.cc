#include <map>

#include "doors/kafka/guard_parts.h"

// Topics, settings and the server itself.
namespace pabal::doors {
namespace {

constexpr KafkaError topic_refused = KafkaError::topic_authorization_failed;

bool may_config(const KafkaCall& call, AclOperation operation, kafka::ConfigResource kind,
                const std::string& name) {
  if (kind == kafka::ConfigResource::topic) return may_topic(call, operation, name);
  if (kind == kafka::ConfigResource::group) return may_group(call, operation, name);
  return may_cluster(call, operation);
}

KafkaError config_refusal(kafka::ConfigResource kind) {
  if (kind == kafka::ConfigResource::topic) return topic_refused;
  return kind == kafka::ConfigResource::group ? KafkaError::group_authorization_failed
                                              : KafkaError::cluster_authorization_failed;
}

// The three calls about settings, whose answers name their list differently.
template <class Request, class Results>
AnswerTo<Request> for_configs(KafkaCall& call, Request request, Next<Request> next, AclOperation operation,
                              Results kafka::ResponseTo<Request>::* results) {
  auto refused = take_refused(request.resources, [&](const auto& resource) {
    return may_config(call, operation, resource.resource_type, resource.resource_name);
  });
  auto response = co_await next(call, std::move(request));
  for (const auto& resource : refused) {
    auto& out = ((*response).*results).emplace_back();
    out.error_code = config_refusal(resource.resource_type);
    out.error_message = std::string(not_allowed);
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
  }
  co_return response;
}

}  // namespace

PABAL_GUARD(CreateTopicsRequest) {
  bool all = may_cluster(call, AclOperation::create);
  auto refused = take_refused(request.topics, [&](const auto& topic) {
    return all || may_topic(call, AclOperation::create, topic.name);
  });
  auto response = co_await next(call, std::move(request));
  for (const auto& topic : refused) {
    auto& out = response->topics.emplace_back();
    out.name = topic.name;
    out.error_code = topic_refused;
    out.error_message = std::string(not_allowed);
  }
  co_return response;
}

// By id too: the name that belongs to one is looked up, and an id without is left to the call.
PABAL_GUARD(DeleteTopicsRequest) {
  std::map<TopicId, std::string> names;
  bool by_id = std::ranges::any_of(request.topics, [](const auto& topic) { return !topic.name; });
  if (by_id) {
    auto all = co_await call.parts.broker.topics();
    if (!all) all.emplace();
    for (const broker::TopicInfo& info : *all) names.emplace(info.id, info.name);
  }
  auto refused = take_refused(request.topics, [&](const auto& topic) {
    if (topic.name) return may_topic(call, AclOperation::remove, *topic.name);
    auto name = names.find(topic.topic_id);
    return name == names.end() || may_topic(call, AclOperation::remove, name->second);
  });
  auto refused_names = take_refused(request.topic_names, [&](const std::string& topic) {
    return may_topic(call, AclOperation::remove, topic);
  });
  auto response = co_await next(call, std::move(request));
  for (auto& topic : refused) {
    response->responses.push_back({.name = topic.name,
                                   .topic_id = topic.topic_id,
                                   .error_code = topic_refused,
                                   .error_message = std::string(not_allowed)});
  }
  for (const std::string& topic : refused_names) {
    response->responses.push_back({.name = topic, .error_code = topic_refused});
  }
  co_return response;
}

PABAL_GUARD(DeleteRecordsRequest) {
  auto refused = take_refused(
      request.topics, [&](const auto& topic) { return may_topic(call, AclOperation::remove, topic.name); });
  auto response = co_await next(call, std::move(request));
  for (const auto& topic : refused) {
    auto& out = response->topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      out.partitions.push_back({.partition_index = partition.partition_index,
                                .low_watermark = Offset(-1),
                                .error_code = topic_refused});
    }
  }
  co_return response;
}

PABAL_GUARD(CreatePartitionsRequest) {
  auto refused = take_refused(
      request.topics, [&](const auto& topic) { return may_topic(call, AclOperation::alter, topic.name); });
  auto response = co_await next(call, std::move(request));
  for (const auto& topic : refused) {
    response->results.push_back(
        {.name = topic.name, .error_code = topic_refused, .error_message = std::string(not_allowed)});
  }
  co_return response;
}

PABAL_GUARD(DescribeConfigsRequest) {
  return for_configs(call, std::move(request), next, AclOperation::describe_configs,
                     &kafka::DescribeConfigsResponse::results);
}
PABAL_GUARD(AlterConfigsRequest) {
  return for_configs(call, std::move(request), next, AclOperation::alter_configs,
                     &kafka::AlterConfigsResponse::responses);
}
PABAL_GUARD(IncrementalAlterConfigsRequest) {
  return for_configs(call, std::move(request), next, AclOperation::alter_configs,
                     &kafka::IncrementalAlterConfigsResponse::responses);
}

PABAL_GUARD(DescribeLogDirsRequest) {
  bool allowed = may_cluster(call, AclOperation::describe);
  return all_or_nothing(call, std::move(request), next, allowed, KafkaError::cluster_authorization_failed);
}

PABAL_GUARD(DescribeClientQuotasRequest) {
  bool allowed = may_cluster(call, AclOperation::describe_configs);
  return all_or_nothing(call, std::move(request), next, allowed, KafkaError::cluster_authorization_failed);
}

// Which servers there are is told to everybody, as in the answer to Metadata.
PABAL_GUARD(DescribeClusterRequest) { return next(call, request); }

}  // namespace pabal::doors
