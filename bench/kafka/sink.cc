#include <atomic>
#include <thread>

#include "base/check.h"
#include "frames.h"
#include "loads.h"
#include "log/big_endian.h"
#include "log/record_batch.h"
#include "protocol/kafka/api_versions.h"
#include "protocol/kafka/codec.h"
#include "protocol/kafka/fetch.h"
#include "protocol/kafka/metadata.h"
#include "protocol/kafka/produce.h"

namespace pabal::bench {
namespace {

using kafka::ApiVersion;
using Reply = std::vector<SharedBytes>;

constexpr kafka::BrokerId the_broker{1};
constexpr size_t fetched_batches = 16;  // in one answer

// The last batch that was produced, whatever its topic and partition.
std::atomic<std::shared_ptr<const SharedBytes>> last_batch;

template <class Message>
Message decoded(const SharedBytes& body, ApiVersion version) {
  auto message = kafka::Codec<Message>::decode(body, version);
  check(message.has_value(), "the sink does not understand: {}", message ? "" : message.error().message);
  return std::move(*message);
}

kafka::ApiVersionsResponse api_versions() {
  return {.api_keys = {{kafka::ApiKey::produce, ApiVersion(0), ApiVersion(9)},
                       {kafka::ApiKey::fetch, ApiVersion(4), ApiVersion(12)},
                       {kafka::ApiKey::metadata, ApiVersion(0), ApiVersion(9)},
                       {kafka::ApiKey::api_versions, ApiVersion(0), ApiVersion(3)}}};
}

kafka::MetadataResponse metadata(const kafka::MetadataRequest& request, const LoadOptions& options) {
  kafka::MetadataResponse answer{
      .brokers = {{.node_id = the_broker, .host = "127.0.0.1", .port = options.port}},
      .controller_id = the_broker};
  for (const auto& wanted : request.topics.value_or(std::vector<kafka::MetadataRequest::Topic>())) {
    auto& topic = answer.topics.emplace_back(kafka::MetadataResponse::Topic{.name = wanted.name});
    for (int i = 0; i < options.partitions; ++i) {
      topic.partitions.push_back({.partition_index = PartitionIndex(i),
                                  .leader_id = the_broker,
                                  .replica_nodes = {the_broker},
                                  .isr_nodes = {the_broker}});
    }
  }
  return answer;
}

kafka::ProduceResponse drop(const kafka::ProduceRequest& request) {
  kafka::ProduceResponse answer;
  for (const auto& topic : request.topic_data) {
    auto& out = answer.responses.emplace_back(kafka::ProduceResponse::Topic{.name = topic.name});
    for (const auto& partition : topic.partition_data) {
      out.partition_responses.push_back({.index = partition.index});
      if (partition.records && !partition.records->pieces.empty()) {
        last_batch = std::make_shared<const SharedBytes>(partition.records->pieces.front());
      }
    }
  }
  return answer;
}

kafka::FetchResponse give(const kafka::FetchRequest& request) {
  kafka::FetchResponse answer;
  auto batch = last_batch.load();
  for (const auto& topic : request.topics) {
    auto& out = answer.responses.emplace_back(kafka::FetchResponse::Topic{.topic = topic.topic});
    for (const auto& wanted : topic.partitions) {
      auto& partition = out.partitions.emplace_back();
      partition.partition_index = wanted.partition;
      partition.high_watermark = partition.last_stable_offset = Offset(std::numeric_limits<int64_t>::max());
      partition.records = kafka::Records();
      Offset at = wanted.fetch_offset;
      for (size_t i = 0; batch && i < fetched_batches; ++i) {
        Bytes bytes(batch->view().begin(), batch->view().end());
        log::set_base_offset(bytes, at);
        at = log::BatchView::parse(bytes)->next_offset();
        partition.records->pieces.emplace_back(std::move(bytes));
      }
    }
  }
  return answer;
}

Result<Reply> answer(const SharedBytes& frame, const LoadOptions& options) {
  auto start = kafka::read_request_start(frame.view());
  if (!start) return std::unexpected(start.error());
  auto with = [&]<class Request>(const kafka::Api& api, auto respond, Request*) -> Result<Reply> {
    auto request = kafka::read_request_header(frame, api);
    if (!request) return std::unexpected(request.error());
    auto response = respond(decoded<Request>(request->body, start->version));
    return kafka::encode_response(start->correlation_id, start->version, response);
  };
  switch (start->key) {
    case kafka::ApiKey::api_versions:
      return with(
          kafka::api_versions_api, [](const auto&) { return api_versions(); },
          static_cast<kafka::ApiVersionsRequest*>(nullptr));
    case kafka::ApiKey::metadata:
      return with(
          kafka::metadata_api, [&](const auto& request) { return metadata(request, options); },
          static_cast<kafka::MetadataRequest*>(nullptr));
    case kafka::ApiKey::produce:
      return with(kafka::produce_api, drop, static_cast<kafka::ProduceRequest*>(nullptr));
    case kafka::ApiKey::fetch:
      return with(kafka::fetch_api, give, static_cast<kafka::FetchRequest*>(nullptr));
    default:
      return error(ErrorCode::unsupported, "the sink has no call {}", std::to_underlying(start->key));
  }
}

void serve(const Socket& client, const LoadOptions& options) {
  while (auto frame = client.read_frame()) {
    auto reply = answer(*frame, options);
    if (!reply || !client.write(*reply)) return;
  }
}

}  // namespace

void serve_sink(const LoadOptions& options) {
  Socket listener = listen_on(options.port);
  while (true) {
    if (auto client = accept_from(listener)) {
      std::thread([client = std::move(*client), options] { serve(client, options); }).detach();
    }
  }
}

}  // namespace pabal::bench
