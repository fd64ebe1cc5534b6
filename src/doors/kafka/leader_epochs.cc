#include "broker/leader_epochs.h"

#include "broker/topic_table.h"
#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"

namespace pabal::doors {
namespace {

using kafka::KafkaError;
using PartitionIn = kafka::OffsetForLeaderEpochRequest::Topic::Partition;
using PartitionOut = kafka::OffsetForLeaderEpochResponse::TopicResult::EpochEndOffset;

// What the client takes for the partition's epoch. -1: it does not say.
KafkaError judge(LeaderEpoch current, LeaderEpoch standing) {
  if (current == LeaderEpoch(-1) || current == standing) return KafkaError::none;
  return current < standing ? KafkaError::fenced_leader_epoch : KafkaError::unknown_leader_epoch;
}

runtime::Task<PartitionOut> epoch_end(KafkaCall& call, const broker::TopicInfo& topic, PartitionIn wanted) {
  PartitionOut answer{.partition = wanted.partition};
  engine::LogId log = broker::partition_log(topic.id, wanted.partition);
  auto range = call.parts.engine.range(log);
  if (!range) {
    answer.error_code = kafka_error_of(range.error().code);
    co_return answer;
  }
  answer.error_code = judge(wanted.current_leader_epoch, range->epoch);
  if (answer.error_code != KafkaError::none) co_return answer;
  auto end = co_await broker::find_epoch_end(call.parts.engine, log, wanted.leader_epoch);
  if (!end) {
    answer.error_code = kafka_error_of(end.error().code);
    co_return answer;
  }
  answer.leader_epoch = end->epoch;
  answer.end_offset = end->end;
  co_return answer;
}

}  // namespace

Answer<kafka::OffsetForLeaderEpochResponse> offset_for_leader_epoch(
    KafkaCall& call, kafka::OffsetForLeaderEpochRequest request) {
  kafka::OffsetForLeaderEpochResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.topic = topic.topic;
    auto info = co_await call.parts.broker.topic(topic.topic);
    for (const PartitionIn& wanted : topic.partitions) {
      if (info && !info->internal) {
        out.partitions.push_back(co_await epoch_end(call, *info, wanted));
      } else {
        out.partitions.push_back(
            {.error_code = KafkaError::unknown_topic_or_partition, .partition = wanted.partition});
      }
    }
  }
  co_return response;
}

}  // namespace pabal::doors
