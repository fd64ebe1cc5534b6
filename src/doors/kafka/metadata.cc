#include "broker/names.h"
#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"
#include "doors/kafka/visible_topics.h"

namespace pabal::doors {
namespace {

using kafka::KafkaError;
using Topic = kafka::MetadataResponse::Topic;
using Wanted = kafka::MetadataRequest::Topic;

Topic known_topic(const broker::TopicInfo& info) {
  Topic topic{.name = info.name, .topic_id = info.id, .is_internal = info.internal};
  for (const broker::PartitionInfo& partition : info.partitions) {
    topic.partitions.push_back({.partition_index = partition.partition,
                                .leader_id = only_broker,
                                .leader_epoch = partition.range.epoch,
                                .replica_nodes = {only_broker},
                                .isr_nodes = {only_broker}});
  }
  return topic;
}

// By name, and made when it is missing and may be.
runtime::Task<Topic> named_topic(KafkaCall& call, std::string name, bool may_create) {
  Topic answer{.name = name};
  if (!broker::is_topic_name(name) || broker::is_internal_name(name)) {
    answer.error_code = KafkaError::invalid_topic;
    co_return answer;
  }
  auto info = co_await call.parts.broker.topic(name);
  if (!info && info.error().code == ErrorCode::not_found && may_create && call.may_make(name)) {
    auto made = co_await call.parts.broker.put_topic(name, {});
    info = made ? co_await call.parts.broker.topic(name) : std::unexpected(made.error());
  }
  if (info) co_return known_topic(*info);
  answer.error_code = kafka_error_of(info.error().code);
  co_return answer;
}

// An id counts more than a name: Apache's client asks by id with an empty name beside it.
runtime::Task<std::vector<Topic>> wanted_topics(KafkaCall& call, const std::vector<Wanted>& wanted,
                                                bool may_create) {
  std::vector<Topic> answer;
  for (const Wanted& one : wanted) {
    if (one.name && one.topic_id == TopicId{}) {
      answer.push_back(co_await named_topic(call, *one.name, may_create));
      continue;
    }
    auto name = call.parts.broker.topic_name(one.topic_id, call.shard);
    auto info = co_await visible_topic(call, name.value_or(""));
    bool found = info && info->id == one.topic_id;
    answer.push_back(found ? known_topic(*info)
                           : Topic{.error_code = KafkaError::unknown_topic_id,
                                   .name = std::nullopt,
                                   .topic_id = one.topic_id});
    // Before version 12 a name could not be null.
    if (!answer.back().name && call.version() < kafka::ApiVersion(12)) answer.back().name = "";
  }
  co_return answer;
}

}  // namespace

Answer<kafka::MetadataResponse> metadata(KafkaCall& call, kafka::MetadataRequest request) {
  kafka::MetadataResponse response;
  response.brokers.push_back(
      {.node_id = only_broker, .host = call.advertised_host, .port = call.advertised_port});
  response.cluster_id = std::string(cluster_id);
  response.controller_id = only_broker;
  // Version 0 asks for all topics with an empty list, later ones with none.
  bool all = !request.topics || (call.version() == kafka::ApiVersion(0) && request.topics->empty());
  if (!all) {
    bool may_create = request.allow_auto_topic_creation;
    response.topics = co_await wanted_topics(call, *request.topics, may_create);
    co_return response;
  }
  auto topics = co_await visible_topics(call);
  if (!topics) {
    response.error_code = kafka_error_of(topics.error().code);
    co_return response;
  }
  for (const broker::TopicInfo& info : *topics) response.topics.push_back(known_topic(info));
  co_return response;
}

}  // namespace pabal::doors
