#include "base/fuzz.h"
#include "engine/step_shards.h"
#include "flows/fake_broker.h"
#include "flows/flow_json.h"
#include "flows/otlp.h"
#include "flows/trace.h"

// What others tell us to remember, from reading to showing it: reports of spans, plain or packed, and records
// of any bytes. The first byte chooses.

namespace pabal::flows {
namespace {

using Json = nlohmann::json;

// Shown as the HTTP door shows it.
void show(const Json& json) { static_cast<void>(json.dump(-1, ' ', false, Json::error_handler_t::replace)); }

void show_all(engine::StepShards& shards, Observatory& observatory, const std::string& id) {
  shards.run(observatory.gather());
  show(flow_json(
      {.now = shards.clock().now(), .wall_now = shards.clock().wall_now(), .memory = observatory.memory()}));
  FakeBroker broker(shards.at(0).timers());
  Trace trace(broker, observatory);
  auto found = shards.run(trace.find(id));
  if (found) show(*found);
}

void try_spans(std::string_view encoding, std::string_view body) {
  auto spans = read_otlp_json(body);
  std::string id;
  if (spans) {
    check(spans->rejected >= 0 && (spans->rejected == 0) == spans->problem.empty(),
          "{} spans are rejected with '{}'", spans->rejected, spans->problem);
    for (const ReportedCall& call : spans->calls) {
      check(!call.peer.empty() && call.duration >= Duration::zero() && call.attempt >= 1, "a call to '{}'",
            call.peer);
      id = call.correlation_id;
    }
  }
  engine::StepShards shards;
  Observatory observatory(shards);
  if (take_reported_spans(observatory, "application/json", encoding, body)) show_all(shards, observatory, id);
}

void try_plain(BytesView input) { try_spans("", as_text(input)); }
void try_packed(BytesView input) { try_spans("gzip", as_text(input)); }

BytesView take_bytes(BytesView& input) {
  size_t size = std::min<size_t>(take_byte(input), input.size());
  BytesView bytes = input.first(size);
  input = input.subspan(size);
  return bytes;
}

void try_record(BytesView input) {
  constexpr auto names = std::to_array<std::string_view>(
      {"ce_id", "ce_type", "correlationid", "causationid", "ce_subject", "order", "traceparent", "x"});
  log::RecordView record;
  record.key = take_bytes(input);
  std::string id(as_text(*record.key));
  record.timestamp = WallTime(std::chrono::milliseconds(take_byte(input)));
  while (!input.empty() && record.headers.size() < 16) {
    std::string_view name = names[take_byte(input) % names.size()];
    record.headers.push_back({name, take_bytes(input)});
  }
  engine::StepShards shards;
  Observatory observatory(shards);
  observatory.published(id, {"t", {PartitionIndex(0), Offset(5)}, record}, std::chrono::milliseconds(1));
  observatory.message({.event = broker::MessageEvent::dead,
                       .queue = "q",
                       .topic = "t",
                       .at = {PartitionIndex(0), Offset(5)},
                       .id = id,
                       .key = id,
                       .service = id,
                       .correlation_id = id,
                       .causation_id = id,
                       .type = id,
                       .reason = id,
                       .due = record.timestamp});
  show_all(shards, observatory, id);
}

constexpr std::array choices = {try_plain, try_packed, try_record};

}  // namespace
}  // namespace pabal::flows

PABAL_FUZZ(otlp) {
  uint8_t choice = pabal::take_byte(input);
  pabal::flows::choices[choice % pabal::flows::choices.size()](input);
}
