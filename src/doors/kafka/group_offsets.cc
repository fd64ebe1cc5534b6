#include <algorithm>
#include <iterator>

#include "broker/groups.h"
#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"
#include "doors/kafka/topic_ids.h"

// Committed offsets of consumer groups.
namespace pabal::doors {
namespace {

using broker::GroupError;
using broker::GroupOffset;
using broker::TopicPartition;
using kafka::ApiVersion;
using kafka::KafkaError;

constexpr ApiVersion first_by_id{10};  // topics have no names from there on

template <class Topics>
std::vector<TopicPartition> flat(const Topics& topics) {
  std::vector<TopicPartition> all;
  for (const auto& topic : topics) {
    for (PartitionIndex partition : topic.partition_indexes) all.push_back({topic.name, partition});
  }
  return all;
}

template <class Topic>
Topic& topic_of(std::vector<Topic>& topics, const std::string& name) {
  if (topics.empty() || topics.back().name != name) topics.emplace_back().name = name;
  return topics.back();
}

// Topics of an answer, from offsets that are in order of topics.
template <class Topic>
std::vector<Topic> nested(std::vector<GroupOffset> offsets) {
  std::vector<Topic> topics;
  for (GroupOffset& offset : offsets) {
    topic_of(topics, offset.at.topic)
        .partitions.push_back({.partition_index = offset.at.partition,
                               .committed_offset = offset.offset,
                               .committed_leader_epoch = offset.leader_epoch,
                               .metadata = std::move(offset.metadata)});
  }
  return topics;
}

template <class Topics>
runtime::Task<std::vector<GroupOffset>> fetch_of(KafkaCall& call, const std::string& group,
                                                 const std::optional<Topics>& topics) {
  std::optional<std::vector<TopicPartition>> which;
  if (topics) which = flat(*topics);
  co_return co_await call.parts.broker.groups().offsets(group, std::move(which));
}

using GroupIn = kafka::OffsetFetchRequest::Group;
using GroupOut = kafka::OffsetFetchResponse::Group;

// Takes out the topics whose ids nobody knows, as they are answered.
std::vector<GroupOut::Topic> take_unknown(GroupIn& group) {
  std::vector<GroupOut::Topic> unknown;
  for (const GroupIn::Topic& topic : group.topics.value_or(std::vector<GroupIn::Topic>())) {
    if (!topic.name.empty()) continue;
    GroupOut::Topic& out = unknown.emplace_back(GroupOut::Topic{.topic_id = topic.topic_id});
    for (PartitionIndex partition : topic.partition_indexes) {
      out.partitions.push_back({.partition_index = partition,
                                .committed_offset = Offset(-1),
                                .error_code = KafkaError::unknown_topic_id});
    }
  }
  if (group.topics) {
    std::erase_if(*group.topics, [](const GroupIn::Topic& topic) { return topic.name.empty(); });
  }
  return unknown;
}

runtime::Task<GroupOut> fetch_group(KafkaCall& call, GroupIn group) {
  bool by_id = call.version() >= first_by_id;
  GroupOut out{.group_id = group.group_id};
  std::vector<GroupOut::Topic> unknown;
  if (group.topics) name_topics(call, *group.topics, broker::AclOperation::describe);
  if (by_id) unknown = take_unknown(group);
  out.topics = nested<GroupOut::Topic>(co_await fetch_of(call, group.group_id, group.topics));
  for (size_t i = 0; by_id && i < out.topics.size(); ++i) {
    auto info = co_await call.parts.broker.topic(out.topics[i].name);
    if (info) out.topics[i].topic_id = info->id;
  }
  // Of a topic that was deleted meanwhile.
  if (by_id) std::erase_if(out.topics, [](const auto& topic) { return topic.topic_id == TopicId{}; });
  std::ranges::move(unknown, std::back_inserter(out.topics));
  co_return out;
}

}  // namespace

Answer<kafka::OffsetCommitResponse> offset_commit(KafkaCall& call, kafka::OffsetCommitRequest request) {
  name_topics(call, request.topics, broker::AclOperation::read);
  broker::OffsetCommit commit{.claim = {request.group_id, request.member_id, request.group_instance_id,
                                        broker::Generation(request.generation_id_or_member_epoch.value())}};
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      commit.offsets.push_back({.at = {topic.name, partition.partition_index},
                                .offset = partition.committed_offset,
                                .leader_epoch = partition.committed_leader_epoch,
                                .metadata = partition.committed_metadata.value_or("")});
    }
  }
  broker::GroupErrors errors = co_await call.parts.broker.groups().commit(std::move(commit));
  // Version 9 brought a code of its own for a group that does not exist.
  bool old = call.version() < ApiVersion(9);
  if (old && errors.error == GroupError::group_not_found) errors.error = GroupError::illegal_generation;
  kafka::OffsetCommitResponse response;
  size_t next = 0;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      GroupError error = errors.error == GroupError::none ? errors.each.at(next++) : errors.error;
      bool unknown_id = error == GroupError::unknown_topic && topic.name.empty();
      KafkaError code = unknown_id ? KafkaError::unknown_topic_id : kafka_error_of(error);
      out.partitions.push_back({.partition_index = partition.partition_index, .error_code = code});
    }
  }
  co_return response;
}

Answer<kafka::OffsetFetchResponse> offset_fetch(KafkaCall& call, kafka::OffsetFetchRequest request) {
  kafka::OffsetFetchResponse response;
  if (call.version() < ApiVersion(8)) {
    auto offsets = co_await fetch_of(call, request.group_id, request.topics);
    response.topics = nested<kafka::OffsetFetchResponse::Topic>(std::move(offsets));
    co_return response;
  }
  for (GroupIn& group : request.groups) {
    response.groups.push_back(co_await fetch_group(call, std::move(group)));
  }
  co_return response;
}

Answer<kafka::OffsetDeleteResponse> offset_delete(KafkaCall& call, kafka::OffsetDeleteRequest request) {
  std::vector<TopicPartition> which;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) which.push_back({topic.name, partition.partition_index});
  }
  broker::GroupErrors errors =
      co_await call.parts.broker.groups().remove_offsets(request.group_id, std::move(which));
  kafka::OffsetDeleteResponse response{.error_code = kafka_error_of(errors.error)};
  if (errors.error != GroupError::none) co_return response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      out.partitions.push_back({.partition_index = partition.partition_index});
    }
  }
  co_return response;
}

}  // namespace pabal::doors
