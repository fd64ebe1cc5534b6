#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"
#include "log/record_batch.h"

namespace pabal::doors {
namespace {

using kafka::KafkaError;
using kafka::Timestamp;
using PartitionIn = kafka::ListOffsetsRequest::Topic::Partition;
using PartitionOut = kafka::ListOffsetsResponse::Topic::Partition;

// What stands for a time below zero.
constexpr Timestamp latest{-1};
constexpr Timestamp earliest{-2};
constexpr Timestamp of_highest_time{-3};
constexpr Timestamp earliest_local{-4};  // on this machine's disk, where everything is
constexpr Timestamp latest_tiered{-5};   // elsewhere, where nothing is

constexpr size_t scan_bytes = 1_MiB;

struct Found {
  Offset offset{-1};
  Timestamp timestamp = kafka::no_timestamp;
};

Timestamp timestamp_of(WallTime time) { return Timestamp(time.time_since_epoch().count()); }

// The first record at or after the time; none: offset -1.
runtime::Task<Result<Found>> find_time(KafkaCall& call, const std::string& topic, PartitionIndex partition,
                                       WallTime time) {
  auto offset = co_await call.parts.broker.find(topic, partition, time);
  if (!offset) co_return std::unexpected(offset.error());
  auto read = co_await call.parts.broker.read({topic, partition, *offset, 1});
  if (!read) co_return std::unexpected(read.error());
  Found found;
  for (const SharedBytes& bytes : read->batches) {
    auto batch = log::BatchView::parse(bytes.view());
    if (!batch) co_return std::unexpected(batch.error());
    auto each = batch->for_each([&](const log::StoredRecord& record) {
      if (record.offset >= *offset) found = {record.offset, timestamp_of(record.timestamp)};
      return record.offset < *offset;
    });
    if (!each) co_return std::unexpected(each.error());
    break;
  }
  co_return found;
}

// The first of the records with the highest timestamp. Looks at every batch: there is no index for it.
runtime::Task<Result<Found>> find_highest_time(KafkaCall& call, const std::string& topic,
                                               PartitionIndex partition) {
  auto next = co_await call.parts.broker.find(topic, partition, broker::StartAt::earliest);
  if (!next) co_return std::unexpected(next.error());
  Found found;
  while (!call.stopping) {
    auto read = co_await call.parts.broker.read({topic, partition, *next, scan_bytes});
    if (!read) co_return std::unexpected(read.error());
    if (read->batches.empty()) break;
    for (const SharedBytes& bytes : read->batches) {
      auto batch = log::BatchView::parse(bytes.view());
      if (!batch) co_return std::unexpected(batch.error());
      *next = batch->next_offset();
      if (timestamp_of(batch->max_timestamp()) <= found.timestamp) continue;
      auto each = batch->for_each([&](const log::StoredRecord& record) {
        Timestamp time = timestamp_of(record.timestamp);
        if (time > found.timestamp) found = {record.offset, time};
        return true;
      });
      if (!each) co_return std::unexpected(each.error());
    }
  }
  co_return found;
}

runtime::Task<Result<Found>> find(KafkaCall& call, const std::string& topic, const PartitionIn& wanted) {
  PartitionIndex partition = wanted.partition_index;
  if (wanted.timestamp == of_highest_time) co_return co_await find_highest_time(call, topic, partition);
  if (wanted.timestamp >= Timestamp(0)) {
    WallTime time{std::chrono::milliseconds(wanted.timestamp.value())};
    co_return co_await find_time(call, topic, partition, time);
  }
  if (wanted.timestamp == latest_tiered) co_return Found{};
  bool at_end = wanted.timestamp == latest;
  if (!at_end && wanted.timestamp != earliest && wanted.timestamp != earliest_local) {
    co_return error(ErrorCode::conflict, "timestamp {} stands for nothing known", wanted.timestamp);
  }
  auto offset = co_await call.parts.broker.find(topic, partition,
                                                at_end ? broker::StartAt::latest : broker::StartAt::earliest);
  if (!offset) co_return std::unexpected(offset.error());
  co_return Found{.offset = *offset};
}

// The epoch of the record at an offset, or of the log's end. -1: there is none.
runtime::Task<LeaderEpoch> epoch_at(KafkaCall& call, const std::string& topic, PartitionIndex partition,
                                    Offset offset) {
  if (offset < Offset(0)) co_return LeaderEpoch(-1);
  auto read = co_await call.parts.broker.read({topic, partition, offset, 1});
  if (!read) co_return LeaderEpoch(-1);
  if (read->batches.empty()) co_return read->range.epoch;
  auto batch = log::BatchView::parse(read->batches.front().view());
  co_return batch ? batch->leader_epoch() : LeaderEpoch(-1);
}

}  // namespace

Answer<kafka::ListOffsetsResponse> list_offsets(KafkaCall& call, kafka::ListOffsetsRequest request) {
  kafka::ListOffsetsResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back(kafka::ListOffsetsResponse::Topic{.name = topic.name});
    for (const PartitionIn& wanted : topic.partitions) {
      PartitionOut answer{.partition_index = wanted.partition_index};
      if (auto found = co_await find(call, topic.name, wanted)) {
        answer.offset = found->offset;
        answer.timestamp = found->timestamp;
        if (call.version() >= kafka::ApiVersion(4)) {
          answer.leader_epoch = co_await epoch_at(call, topic.name, wanted.partition_index, found->offset);
        }
      } else {
        answer.error_code = kafka_error_of(found.error().code);
      }
      out.partitions.push_back(answer);
    }
  }
  co_return response;
}

}  // namespace pabal::doors
