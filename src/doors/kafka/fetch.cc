#include <algorithm>

#include "broker/topic_table.h"
#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"
#include "log/record_batch.h"

namespace pabal::doors {
namespace {

using kafka::KafkaError;
using TopicIn = kafka::FetchRequest::Topic;
using PartitionIn = TopicIn::Partition;
using TopicOut = kafka::FetchResponse::Topic;
using PartitionOut = TopicOut::Partition;

constexpr size_t fetch_bytes_max = 16_MiB;  // of one answer, whatever the client asks for
constexpr Duration fetch_wait_max = std::chrono::seconds(60);

size_t bytes_of(int32_t asked) { return static_cast<size_t>(std::clamp<int32_t>(asked, 0, fetch_bytes_max)); }

// What the heads of the batches say.
int64_t records_in(const kafka::Records& records) {
  int64_t count = 0;
  for (const SharedBytes& piece : records.pieces) {
    auto batch = log::BatchView::parse(piece.view());
    if (batch) count += batch->record_count();
  }
  return count;
}

// One fetch: reads, and waits for more, until there is enough or time is up.
class Fetch {
 public:
  Fetch(KafkaCall& call, const kafka::FetchRequest& request) : call_(call), request_(request) {}

  runtime::Task<kafka::FetchResponse> run() {
    Duration wait = std::clamp<Duration>(request_.max_wait, Duration(0), fetch_wait_max);
    Deadline deadline = Deadline::after(call_.shard.timers().clock(), wait);
    size_t enough = std::min(bytes_of(request_.min_bytes), bytes_of(request_.max_bytes));
    co_await find_topics();
    for (bool watches = false;; watches = true) {
      kafka::FetchResponse response = co_await read();
      bool done = bytes_ >= enough || failed_ || call_.stopping;
      if (done || deadline.passed(call_.shard.timers().clock())) {
        tell(response);
        co_return response;
      }
      // Watching costs more than reading, and most fetches need none. What came in between is read now.
      if (!watches) {
        watch();
        continue;
      }
      (void)co_await call_.wakeup.wait(call_.shard.timers(), deadline);
    }
  }

 private:
  runtime::Task<> find_topics() {
    for (const TopicIn& topic : request_.topics) {
      auto info = co_await call_.parts.broker.topic(topic.topic);
      if (info && !info->internal) {
        topics_.emplace_back(info->id);
      } else {
        topics_.emplace_back(error(ErrorCode::not_found, "there is no topic {}", topic.topic));
      }
    }
  }

  void watch() {
    for (size_t i = 0; i < topics_.size(); ++i) {
      if (!topics_[i]) continue;
      for (const PartitionIn& partition : request_.topics[i].partitions) {
        watches_.push_back(call_.parts.engine.watch(broker::partition_log(*topics_[i], partition.partition),
                                                    call_.shard.executor(),
                                                    [wakeup = &call_.wakeup] { wakeup->wake(); }));
      }
    }
  }

  // For the flow graph: who reads, and how much; also when there is nothing to read.
  void tell(const kafka::FetchResponse& response) const {
    std::string service = call_.service();
    std::string user = call_.session.user();
    for (const TopicOut& topic : response.responses) {
      int64_t records = 0;
      bool served = false;
      for (const PartitionOut& partition : topic.partitions) {
        served = served || partition.error_code == KafkaError::none;
        if (partition.records) records += records_in(*partition.records);
      }
      if (!served) continue;
      call_.parts.observatory.client({.topic = topic.topic,
                                      .service = service,
                                      .address = call_.address(),
                                      .user = user,
                                      .records = records});
    }
  }

  runtime::Task<kafka::FetchResponse> read() {
    kafka::FetchResponse response;
    bytes_ = 0;
    failed_ = false;
    for (size_t i = 0; i < topics_.size(); ++i) {
      const TopicIn& topic = request_.topics[i];
      TopicOut& out = response.responses.emplace_back(TopicOut{.topic = topic.topic});
      for (const PartitionIn& partition : topic.partitions) {
        out.partitions.push_back(co_await read_partition(topic.topic, topics_[i], partition));
        failed_ = failed_ || out.partitions.back().error_code != KafkaError::none;
      }
    }
    co_return response;
  }

  runtime::Task<PartitionOut> read_partition(const std::string& topic, const Result<TopicId>& id,
                                             const PartitionIn& wanted) {
    PartitionOut out{.partition_index = wanted.partition,
                     .high_watermark = Offset(-1),
                     .aborted_transactions = std::nullopt,
                     .records = kafka::Records()};
    // A batch larger than what is asked for is given all the same, when it is the first: else a client would
    // never get past it.
    size_t left = bytes_of(request_.max_bytes) - std::min(bytes_, bytes_of(request_.max_bytes));
    size_t bytes = std::min(bytes_of(wanted.partition_max_bytes), left);
    bool may_give = bytes_ == 0 || bytes > 0;
    Result<engine::ReadResult> read = std::unexpected(id ? Error() : id.error());
    if (id) {
      auto log = broker::partition_log(*id, wanted.partition);
      read = co_await call_.parts.engine.read(log, wanted.fetch_offset, std::max<size_t>(bytes, 1));
    }
    if (!read) {
      co_await explain(topic, wanted, read.error(), out);
      co_return out;
    }
    out.high_watermark = out.last_stable_offset = read->range.next;
    out.log_start_offset = read->range.first;
    for (SharedBytes& batch : read->batches) {
      bool fits = batch.size() <= bytes;
      if (!may_give || (!fits && bytes_ > 0)) break;
      bytes -= std::min(bytes, batch.size());
      bytes_ += batch.size();
      out.records->pieces.push_back(std::move(batch));
    }
    co_return out;
  }

  // not_found is what the engine says of an offset, and of a topic or partition.
  runtime::Task<> explain(const std::string& topic, const PartitionIn& wanted, const Error& problem,
                          PartitionOut& out) {
    out.error_code = kafka_error_of(problem.code);
    if (problem.code != ErrorCode::not_found) co_return;
    auto info = co_await call_.parts.broker.topic(topic);
    if (!info) co_return;
    for (const broker::PartitionInfo& partition : info->partitions) {
      if (partition.partition != wanted.partition) continue;
      out.error_code = KafkaError::offset_out_of_range;
      out.high_watermark = out.last_stable_offset = partition.range.next;
      out.log_start_offset = partition.range.first;
    }
  }

  KafkaCall& call_;
  const kafka::FetchRequest& request_;
  std::vector<Result<TopicId>> topics_;  // by the request's
  std::vector<engine::Engine::Watch> watches_;
  size_t bytes_ = 0;
  bool failed_ = false;
};

}  // namespace

// Session id 0 turns fetch sessions off: every request names its partitions.
Answer<kafka::FetchResponse> fetch(KafkaCall& call, kafka::FetchRequest request) {
  bool continues = request.session_id != kafka::FetchSessionId(0);
  if (continues) co_return kafka::FetchResponse{.error_code = KafkaError::fetch_session_id_not_found};
  Fetch one(call, request);
  co_return co_await one.run();
}

}  // namespace pabal::doors
