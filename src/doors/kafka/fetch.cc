#include <algorithm>
#include <expected>

#include "broker/topic_table.h"
#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"
#include "doors/kafka/guard.h"
#include "doors/kafka/topic_ids.h"
#include "log/record_batch.h"

namespace pabal::doors {
namespace {

using kafka::KafkaError;
using TopicIn = kafka::FetchRequest::Topic;
using PartitionIn = TopicIn::Partition;
using TopicOut = kafka::FetchResponse::Topic;
using PartitionOut = TopicOut::Partition;

constexpr kafka::ApiVersion first_fetch_by_id{13};  // topics have no names from there on
constexpr size_t fetch_bytes_max = 16_MiB;          // of one answer, whatever the client asks for
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

// A topic that may be read, or what the client is told instead.
using Found = std::expected<TopicId, KafkaError>;

// One fetch: reads, and waits for more, until there is enough or time is up.
class Fetch {
 public:
  Fetch(KafkaCall& call, kafka::FetchRequest& request) : call_(call), request_(request) {}

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
  [[nodiscard]] bool by_id() const { return call_.version() >= first_fetch_by_id; }

  runtime::Task<> find_topics() {
    name_topics(call_, request_.topics, broker::AclOperation::read);
    for (const TopicIn& topic : request_.topics) topics_.push_back(co_await find_topic(topic));
  }

  runtime::Task<Found> find_topic(const TopicIn& topic) {
    if (!may_fetch(call_, topic.topic)) co_return std::unexpected(KafkaError::topic_authorization_failed);
    auto info = co_await call_.parts.broker.topic(topic.topic);
    bool meant = info && !info->internal && (!by_id() || info->id == topic.topic_id);
    if (!meant) co_return std::unexpected(not_there());
    co_return info->id;
  }

  [[nodiscard]] KafkaError not_there() const {
    return by_id() ? KafkaError::unknown_topic_id : KafkaError::unknown_topic_or_partition;
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
      TopicOut& out =
          response.responses.emplace_back(TopicOut{.topic = topic.topic, .topic_id = topic.topic_id});
      for (const PartitionIn& partition : topic.partitions) {
        out.partitions.push_back(co_await read_partition(topics_[i], partition));
        failed_ = failed_ || out.partitions.back().error_code != KafkaError::none;
      }
    }
    co_return response;
  }

  runtime::Task<PartitionOut> read_partition(const Found& found, const PartitionIn& wanted) {
    PartitionOut out{.partition_index = wanted.partition,
                     .high_watermark = Offset(-1),
                     .aborted_transactions = std::nullopt,
                     .records = kafka::Records()};
    // A batch larger than what is asked for is given all the same, when it is the first: else a client would
    // never get past it.
    size_t left = bytes_of(request_.max_bytes) - std::min(bytes_, bytes_of(request_.max_bytes));
    size_t bytes = std::min(bytes_of(wanted.partition_max_bytes), left);
    bool may_give = bytes_ == 0 || bytes > 0;
    if (!found) {
      out.error_code = found.error();
      co_return out;
    }
    auto read = co_await call_.parts.engine.read(broker::partition_log(*found, wanted.partition),
                                                 wanted.fetch_offset, std::max<size_t>(bytes, 1));
    if (!read) {
      explain(*found, wanted, read.error(), out);
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

  // not_found is what the engine says of an offset, and of a partition that is not there or no more.
  void explain(TopicId id, const PartitionIn& wanted, const Error& problem, PartitionOut& out) const {
    out.error_code = kafka_error_of(problem.code);
    if (problem.code != ErrorCode::not_found) return;
    auto range = call_.parts.engine.range(broker::partition_log(id, wanted.partition));
    if (range) {
      out.error_code = KafkaError::offset_out_of_range;
      out.high_watermark = out.last_stable_offset = range->next;
      out.log_start_offset = range->first;
    } else if (!call_.parts.broker.topic_name(id, call_.shard)) {
      out.error_code = not_there();  // deleted while this waited
    }
  }

  KafkaCall& call_;
  kafka::FetchRequest& request_;
  std::vector<Found> topics_;  // by the request's
  std::vector<engine::Engine::Watch> watches_;
  size_t bytes_ = 0;
  bool failed_ = false;
};

}  // namespace

Answer<kafka::FetchResponse> fetch(KafkaCall& call, kafka::FetchRequest request) {
  bool by_id = call.version() >= first_fetch_by_id;
  KafkaError problem = call.fetch_session.begin(request, by_id, call.shard);
  if (problem != KafkaError::none) co_return kafka::FetchResponse{.error_code = problem};
  Fetch one(call, request);
  kafka::FetchResponse response = co_await one.run();
  call.fetch_session.finish(response);
  co_return response;
}

}  // namespace pabal::doors
