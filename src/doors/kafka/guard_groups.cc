#include <map>
#include <set>

#include "doors/kafka/guard_parts.h"
#include "doors/kafka/topic_ids.h"

// Consumer groups and their offsets.
namespace pabal::doors {
namespace {

using kafka::ApiVersion;

constexpr KafkaError group_refused = KafkaError::group_authorization_failed;
constexpr KafkaError topic_refused = KafkaError::topic_authorization_failed;

template <class Request>
AnswerTo<Request> for_member(KafkaCall& call, Request request, Next<Request> next) {
  bool allowed = may_group(call, AclOperation::read, request.group_id);
  return all_or_nothing(call, std::move(request), next, allowed, group_refused);
}

// Topics of an answer in which every partition asked for has the error.
template <class Out, class Topics>
std::vector<Out> refused_commits(const Topics& topics, KafkaError error) {
  std::vector<Out> all;
  for (const auto& topic : topics) {
    Out& out = all.emplace_back();
    out.name = topic.name;
    if constexpr (requires { out.topic_id = topic.topic_id; }) out.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      out.partitions.push_back({.partition_index = partition.partition_index, .error_code = error});
    }
  }
  return all;
}

template <class Out, class Topics>
std::vector<Out> refused_fetches(const Topics& topics, KafkaError error) {
  std::vector<Out> all;
  for (const auto& topic : topics) {
    Out& out = all.emplace_back();
    out.name = topic.name;
    if constexpr (requires { out.topic_id = topic.topic_id; }) out.topic_id = topic.topic_id;
    for (PartitionIndex partition : topic.partition_indexes) {
      out.partitions.push_back(
          {.partition_index = partition, .committed_offset = Offset(-1), .error_code = error});
    }
  }
  return all;
}

template <class Items>
void append(Items& to, Items from) {
  std::ranges::move(from, std::back_inserter(to));
}

// Offsets of topics that the user may not see are not there when all are asked for.
template <class Topics>
void hide(const KafkaCall& call, Topics& topics) {
  std::erase_if(topics,
                [&](const auto& topic) { return !may_topic(call, AclOperation::describe, topic.name); });
}

AnswerTo<kafka::OffsetFetchRequest> fetch_one(KafkaCall& call, kafka::OffsetFetchRequest request,
                                              Next<kafka::OffsetFetchRequest> next) {
  using Out = kafka::OffsetFetchResponse::Topic;
  kafka::OffsetFetchResponse denied;
  if (!may_group(call, AclOperation::describe, request.group_id)) {
    denied.error_code = group_refused;
    if (request.topics) denied.topics = refused_fetches<Out>(*request.topics, group_refused);
    co_return denied;
  }
  bool all = !request.topics;
  if (!all) {
    auto refused = take_refused(*request.topics, [&](const auto& topic) {
      return may_topic(call, AclOperation::describe, topic.name);
    });
    denied.topics = refused_fetches<Out>(refused, topic_refused);
  }
  auto response = co_await next(call, std::move(request));
  if (all) hide(call, response->topics);
  append(response->topics, std::move(denied.topics));
  co_return response;
}

}  // namespace

PABAL_GUARD(FindCoordinatorRequest) {
  bool groups = call.version() == ApiVersion(0) || request.key_type == kafka::CoordinatorType::group;
  auto allowed = [&](const std::string& key) {
    return call.session.may(AclOperation::describe,
                            groups ? AclResource::group : AclResource::transactional_id, key);
  };
  KafkaError refusal = groups ? group_refused : KafkaError::transactional_id_authorization_failed;
  if (call.version() < ApiVersion(4)) {
    bool fine = allowed(request.key);
    co_return co_await all_or_nothing(call, std::move(request), next, fine, refusal);
  }
  auto refused = take_refused(request.coordinator_keys, allowed);
  auto response = co_await next(call, std::move(request));
  for (std::string& key : refused) {
    response->coordinators.push_back({.key = std::move(key),
                                      .node_id = kafka::BrokerId(-1),
                                      .port = -1,
                                      .error_code = refusal,
                                      .error_message = std::string(not_allowed)});
  }
  co_return response;
}

PABAL_GUARD(JoinGroupRequest) { return for_member(call, std::move(request), next); }
PABAL_GUARD(SyncGroupRequest) { return for_member(call, std::move(request), next); }
PABAL_GUARD(HeartbeatRequest) { return for_member(call, std::move(request), next); }
PABAL_GUARD(LeaveGroupRequest) { return for_member(call, std::move(request), next); }

PABAL_GUARD(OffsetCommitRequest) {
  using Out = kafka::OffsetCommitResponse::Topic;
  kafka::OffsetCommitResponse denied;
  if (!may_group(call, AclOperation::read, request.group_id)) {
    denied.topics = refused_commits<Out>(request.topics, group_refused);
    co_return denied;
  }
  name_topics(call, request.topics, AclOperation::read);
  auto refused = take_refused(
      request.topics, [&](const auto& topic) { return may_named(call, AclOperation::read, topic.name); });
  auto response = co_await next(call, std::move(request));
  append(response->topics, refused_commits<Out>(refused, topic_refused));
  co_return response;
}

PABAL_GUARD(OffsetFetchRequest) {
  using Group = kafka::OffsetFetchResponse::Group;
  if (call.version() < ApiVersion(8)) co_return co_await fetch_one(call, std::move(request), next);
  std::vector<Group> denied;
  std::map<std::string, std::vector<Group::Topic>> denied_topics;
  std::set<std::string> all;
  auto refused = take_refused(request.groups, [&](const auto& group) {
    return may_group(call, AclOperation::describe, group.group_id);
  });
  for (auto& group : refused) denied.push_back({.group_id = group.group_id, .error_code = group_refused});
  for (auto& group : request.groups) {
    if (!group.topics) {
      all.insert(group.group_id);
      continue;
    }
    name_topics(call, *group.topics, AclOperation::describe);
    auto topics = take_refused(*group.topics, [&](const auto& topic) {
      return may_named(call, AclOperation::describe, topic.name);
    });
    denied_topics[group.group_id] = refused_fetches<Group::Topic>(topics, topic_refused);
  }
  auto response = co_await next(call, std::move(request));
  for (Group& group : response->groups) {
    if (all.contains(group.group_id)) hide(call, group.topics);
    append(group.topics, std::move(denied_topics[group.group_id]));
  }
  append(response->groups, std::move(denied));
  co_return response;
}

PABAL_GUARD(OffsetDeleteRequest) {
  using Out = kafka::OffsetDeleteResponse::Topic;
  if (!may_group(call, AclOperation::remove, request.group_id)) {
    co_return kafka::OffsetDeleteResponse{.error_code = group_refused};
  }
  auto refused = take_refused(
      request.topics, [&](const auto& topic) { return may_topic(call, AclOperation::read, topic.name); });
  auto response = co_await next(call, std::move(request));
  append(response->topics, refused_commits<Out>(refused, topic_refused));
  co_return response;
}

PABAL_GUARD(DescribeGroupsRequest) {
  auto refused = take_refused(request.groups, [&](const std::string& group) {
    return may_group(call, AclOperation::describe, group);
  });
  auto response = co_await next(call, std::move(request));
  for (const std::string& group : refused) {
    auto& out = response->groups.emplace_back();
    out.group_id = group;
    out.error_code = group_refused;
  }
  co_return response;
}

PABAL_GUARD(ListGroupsRequest) {
  auto response = co_await next(call, std::move(request));
  if (may_cluster(call, AclOperation::describe)) co_return response;
  std::erase_if(response->groups,
                [&](const auto& group) { return !may_group(call, AclOperation::describe, group.group_id); });
  co_return response;
}

PABAL_GUARD(DeleteGroupsRequest) {
  auto refused = take_refused(request.groups_names, [&](const std::string& group) {
    return may_group(call, AclOperation::remove, group);
  });
  auto response = co_await next(call, std::move(request));
  for (const std::string& group : refused) {
    response->results.push_back({.group_id = group, .error_code = group_refused});
  }
  co_return response;
}

}  // namespace pabal::doors
