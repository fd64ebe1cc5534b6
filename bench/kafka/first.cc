#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "frames.h"
#include "loads.h"
#include "log/record_batch.h"
#include "pause.h"
#include "protocol/kafka/codec.h"
#include "protocol/kafka/produce.h"

namespace pabal::bench {
namespace {

using kafka::ApiVersion;

constexpr ApiVersion version{9};
constexpr Duration again_after = std::chrono::microseconds(500);
constexpr Duration patience = std::chrono::seconds(60);

std::vector<SharedBytes> produce_frame(const LoadOptions& options) {
  log::BatchBuilder batch;
  batch.add({.value = as_bytes("first")});
  kafka::ProduceRequest request{.acks = kafka::Acks::all, .timeout = std::chrono::seconds(10)};
  auto& topic = request.topic_data.emplace_back(kafka::ProduceRequest::Topic{.name = options.topic});
  topic.partition_data.push_back(
      {.index = PartitionIndex(0), .records = kafka::Records{{SharedBytes(batch.finish())}}});
  kafka::WireWriter out;
  kafka::write_request_header({.key = kafka::ApiKey::produce, .version = version, .client_id = "bench"},
                              kafka::produce_api, out);
  check(kafka::Codec<kafka::ProduceRequest>::encode(request, version, out).has_value(), "cannot encode");
  return kafka::finish_frame(std::move(out));
}

bool accepted(const Socket& server, const std::vector<SharedBytes>& frame) {
  if (!server.write(frame)) return false;
  auto answer = server.read_frame();
  if (!answer) return false;
  kafka::CorrelationId ignored;
  auto body = kafka::read_response_header(*answer, kafka::produce_api, version, ignored);
  if (!body) return false;
  auto response = kafka::Codec<kafka::ProduceResponse>::decode(*body, version);
  return response && !response->responses.empty() &&
         response->responses[0].partition_responses[0].error_code == kafka::KafkaError::none;
}

}  // namespace

nlohmann::json first_produce(const LoadOptions& options) {
  auto frame = produce_frame(options);
  Instant before = system_clock().now();
  std::optional<Socket> server;
  int attempts = 0;
  while (true) {
    if (!server) server = connect_to(options.port);
    ++attempts;
    if (server && accepted(*server, frame)) break;
    check(system_clock().now() - before < patience, "nobody on port {} accepts a record of {}", options.port,
          options.topic);
    server.reset();
    pause_for(again_after);
  }
  return {
      {"attempts", attempts},
      {"seconds", std::chrono::duration<double>(system_clock().now() - before).count()},
      {"accepted_at", std::chrono::duration<double>(system_clock().wall_now().time_since_epoch()).count()}};
}

}  // namespace pabal::bench
