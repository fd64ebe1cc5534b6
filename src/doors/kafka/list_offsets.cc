#include <limits>

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

// The first of the records with the highest timestamp: halves the span of times that may still hold it, each
// step with a look-up in the index. There is a record at `found`, and none at `none` or later.
runtime::Task<Result<Found>> find_highest_time(KafkaCall& call, const std::string& topic,
                                               PartitionIndex partition) {
  constexpr int64_t last = std::numeric_limits<int64_t>::max();
  auto at = [&](int64_t time) {
    return find_time(call, topic, partition, WallTime(std::chrono::milliseconds(time)));
  };
  auto found = co_await at(0);
  if (!found || found->offset < Offset(0)) co_return found;
  int64_t none =
      std::max(timestamp_of(call.shard.timers().clock().wall_now()).value(), found->timestamp.value());
  for (bool bounded = false; !bounded;) {
    if (found->timestamp.value() == last) co_return found;
    none = none > last / 2 ? last : none * 2 + 1;  // a client may send times to come
    auto later = co_await at(none);
    if (!later) co_return later;
    bounded = later->offset < Offset(0);
    if (!bounded) found = later;
  }
  while (none - found->timestamp.value() > 1) {
    int64_t middle = found->timestamp.value() + (none - found->timestamp.value()) / 2;
    auto later = co_await at(middle);
    if (!later) co_return later;
    if (later->offset < Offset(0)) {
      none = middle;
    } else {
      found = later;
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
