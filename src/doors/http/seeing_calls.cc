#include "doors/http/seeing_calls.h"

#include "base/check.h"
#include "doors/http/answers.h"
#include "doors/http/record_stream.h"
#include "runtime/timers.h"

namespace pabal::doors {
namespace {

constexpr Duration overview_interval = std::chrono::milliseconds(500);

constexpr std::string_view flow_answer =
    R"({"window_s": 10, "nodes": [{"id": "topic:order.events", "kind": "topic", "name": "order.events", "state": "ok", "reason": null, "since": null, "rate": 1.0}], "edges": [{"from": "service:order", "to": "topic:order.events", "kind": "publishes", "rate": 1.0, "p50_ms": 0.4, "p99_ms": 1.2, "errors": 0, "last_seen": "2026-01-02T03:04:05.678Z"}]})";
constexpr std::string_view overview_answer =
    R"({"now": "2026-01-02T03:04:05.678Z", "version": "0.1.0", "uptime_s": 12.0, "window_s": 10, "figures": {"published_per_second": 1.0, "delivered_per_second": 1.0, "durable_ms": {"p50": 0.3, "p99": 0.9}, "oldest_waiting": null, "dead": 0, "dead_since": null}, "storage": {"state": "ok", "reason": null, "bytes": 123456, "free_bytes": 1000000}, "needs_you": [], "just_happened": [], "queues": [], "topics": [], "flow": {"window_s": 10, "nodes": [], "edges": []}})";
constexpr std::string_view trace_answer =
    R"({"id": "O-4711", "complete_since": "2026-01-02T03:04:05.678Z", "found": true, "entries": [{"at": "2026-01-02T03:04:05.678Z", "kind": "published", "service": "order", "topic": "order.events", "partition": 0, "offset": 17, "type": "OrderPaid", "key": "O-4711"}]})";

}  // namespace

void SeeingCalls::add_to(RouteTable& table) {
  table.add({"GET",
             "/v1/flow",
             {"Seeing", "Who publishes what, who consumes it, who calls whom", 200, "", flow_answer},
             [this](Call c) { return flow(std::move(c)); }});
  table.add({"GET",
             "/v1/overview",
             {"Seeing", "The figures of the console's first page", 200, "", overview_answer},
             [this](Call c) { return overview(std::move(c)); }});
  table.add({"GET",
             "/v1/overview/stream",
             {"Seeing",
              "The same as Server-Sent Events, at most twice a second",
              200,
              "",
              "",
              {},
              "text/event-stream"},
             [this](Call c) { return overview_stream(std::move(c)); }});
  table.add({"GET",
             "/v1/trace/{id}",
             {"Seeing", "All that happened to an order number, record key, record id or correlation id", 200,
              "", trace_answer},
             [this](Call c) { return trace(std::move(c)); }});
  table.add({"POST",
             "/v1/traces",
             {"Seeing", "Report calls between services (OTLP/HTTP, JSON)", 200, R"({"resourceSpans": []})",
              R"({"partialSuccess": {}})"},
             [this](Call c) { return take_spans(std::move(c)); }});
}

SeeingCalls::Answer SeeingCalls::flow(Call call) {
  auto texts = co_await seeing_.current();
  if (!texts) co_return std::unexpected(texts.error());
  co_return json_answer(200, (*texts)->flow);
}

SeeingCalls::Answer SeeingCalls::overview(Call call) {
  auto texts = co_await seeing_.current();
  if (!texts) co_return std::unexpected(texts.error());
  co_return json_answer(200, (*texts)->overview);
}

SeeingCalls::Answer SeeingCalls::overview_stream(Call call) {
  runtime::HttpResponse response = event_stream_answer();
  response.stream = [&seeing = seeing_, &timers = timers_here()](runtime::HttpStream& out) {
    return follow(seeing, timers, out);
  };
  co_return response;
}

runtime::Task<> SeeingCalls::follow(Seeing& seeing, runtime::Timers& timers, runtime::HttpStream& out) {
  Instant last_sent = {};
  std::shared_ptr<const Seeing::Texts> sent;
  while (!out.closed()) {
    auto texts = co_await seeing.current();
    if (!texts) co_return;
    std::string event;
    if (*texts != sent) {
      append_event(event, "overview", "", (*texts)->overview);
    } else if (timers.clock().now() - last_sent >= comment_interval) {
      event = ": still here\n\n";
    }
    if (!event.empty()) {
      if (!co_await out.write(event)) co_return;
      last_sent = timers.clock().now();
      sent = *texts;
    }
    co_await runtime::sleep_for(timers, overview_interval);
  }
}

runtime::Timers& SeeingCalls::timers_here() {
  for (size_t i = 0; i < shards_.count(); ++i) {
    if (shards_.at(i).here()) return shards_.at(i).timers();
  }
  check(false, "a call is answered outside of the {} shards", shards_.count());
  return shards_.at(0).timers();
}

SeeingCalls::Answer SeeingCalls::trace(Call call) {
  auto found = co_await seeing_.trace(call.name("id"));
  if (!found) co_return std::unexpected(found.error());
  co_return json_answer(200, std::move(*found));
}

SeeingCalls::Answer SeeingCalls::take_spans(Call call) {
  const runtime::HttpFields& fields = call.request.fields;
  auto taken =
      seeing_.take_spans(fields.get("content-type"), fields.get("content-encoding"), call.request.body);
  if (!taken) co_return std::unexpected(taken.error());
  co_return json_answer(200, std::move(*taken));
}

}  // namespace pabal::doors
