#include "base/logging.h"
#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"
#include "doors/kafka/topic_ids.h"
#include "runtime/all.h"

namespace pabal::doors {
namespace {

using kafka::KafkaError;
using TopicIn = kafka::ProduceRequest::Topic;
using TopicOut = kafka::ProduceResponse::Topic;
using PartitionOut = TopicOut::Partition;

constexpr kafka::ApiVersion first_produce_by_id{13};  // topics have no names from there on
constexpr size_t magic_at = 16;
constexpr size_t codec_at = 22;
constexpr uint8_t codec_mask = 7;
constexpr uint8_t codec_max = 4;

PartitionOut refused(PartitionIndex index, KafkaError problem, std::string message) {
  return {
      .index = index, .error_code = problem, .base_offset = Offset(-1), .error_message = std::move(message)};
}

// What only Kafka's clients have a code for; nullopt when the broker is to judge.
std::optional<PartitionOut> refusal(const TopicIn::Partition& partition) {
  BytesView bytes =
      partition.records
          ? partition.records->pieces.empty() ? BytesView() : partition.records->pieces.front().view()
          : BytesView();
  if (bytes.size() <= codec_at) {
    return refused(partition.index, KafkaError::corrupt_message, "no record batch");
  }
  if (bytes[magic_at] != 2) {
    return refused(partition.index, KafkaError::unsupported_for_message_format,
                   fmt::format("a record batch of magic {}; only 2 is taken", bytes[magic_at]));
  }
  if ((bytes[codec_at] & codec_mask) > codec_max) {
    return refused(partition.index, KafkaError::unsupported_compression_type,
                   fmt::format("a compression numbered {}; gzip, snappy, lz4 and zstd are known",
                               bytes[codec_at] & codec_mask));
  }
  return std::nullopt;
}

void refuse_partitions(const TopicIn& topic, KafkaError problem, std::string_view why, TopicOut& out) {
  for (const TopicIn::Partition& partition : topic.partition_data) {
    out.partition_responses.push_back(refused(partition.index, problem, std::string(why)));
  }
}

runtime::Task<TopicOut> produce_topic(KafkaCall& call, const TopicIn& topic) {
  TopicOut answer{.name = topic.name, .topic_id = topic.topic_id};
  broker::AppendBatches batches{.topic = topic.name, .service = call.service()};
  bool by_id = call.version() >= first_produce_by_id;
  if (by_id) batches.id = topic.topic_id;
  if (by_id && topic.name.empty()) {
    refuse_partitions(topic, KafkaError::unknown_topic_id, "there is no topic with this id", answer);
    co_return answer;
  }
  std::vector<size_t> sent;
  for (const TopicIn::Partition& partition : topic.partition_data) {
    auto no = refusal(partition);
    answer.partition_responses.push_back(no ? std::move(*no) : PartitionOut{.index = partition.index});
    if (no) continue;
    sent.push_back(answer.partition_responses.size() - 1);
    // The request is this call's own: nobody else looks at its batches.
    batches.parts.push_back({partition.index, OwnedBytes::take(partition.records->pieces.front())});
  }
  if (sent.empty()) co_return answer;
  auto result = co_await call.parts.broker.append(std::move(batches));
  if (result) {
    call.parts.observatory.client({.publishes = true,
                                   .topic = topic.name,
                                   .service = call.service(),
                                   .address = call.address(),
                                   .user = call.session.user()});
  }
  for (size_t i = 0; i < sent.size(); ++i) {
    PartitionOut& out = answer.partition_responses[sent[i]];
    const Error* problem = !result ? &result.error() : !(*result)[i] ? &(*result)[i].error() : nullptr;
    if (problem) {
      bool gone = by_id && !result && problem->code == ErrorCode::not_found;
      KafkaError code = gone ? KafkaError::unknown_topic_id : kafka_error_of(problem->code);
      out = refused(out.index, code, problem->message);
    } else {
      out.base_offset = (*result)[i]->base;
      out.log_start_offset = (*result)[i]->first;
    }
  }
  co_return answer;
}

void refuse_all(const kafka::ProduceRequest& request, KafkaError problem, std::string_view why,
                kafka::ProduceResponse& response) {
  for (const TopicIn& topic : request.topic_data) {
    TopicOut& out = response.responses.emplace_back(TopicOut{.name = topic.name, .topic_id = topic.topic_id});
    refuse_partitions(topic, problem, why, out);
  }
}

}  // namespace

Answer<kafka::ProduceResponse> produce(KafkaCall& call, kafka::ProduceRequest request) {
  kafka::ProduceResponse response;
  bool known = request.acks == kafka::Acks::all || request.acks == kafka::Acks::leader ||
               request.acks == kafka::Acks::none;
  if (!known) {
    refuse_all(request, KafkaError::invalid_required_acks, "acks must be -1, 0 or 1", response);
    co_return response;
  }
  if (request.transactional_id) {
    refuse_all(request, KafkaError::transactional_id_authorization_failed, "there are no transactions here",
               response);
    co_return response;
  }
  name_topics(call, request.topic_data, broker::AclOperation::write);
  response.responses = co_await runtime::all<TopicOut>(
      request.topic_data.size(), [&](size_t i) { return produce_topic(call, request.topic_data[i]); });
  if (request.acks == kafka::Acks::none) co_return std::nullopt;
  co_return response;
}

}  // namespace pabal::doors
