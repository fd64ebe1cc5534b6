#include "span_reporter.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace pabal::sdk {

namespace {

constexpr size_t spans_max = 10'000;
constexpr size_t spans_per_report_max = 2'000;
constexpr Duration report_every = std::chrono::seconds(1);
constexpr Duration report_timeout = std::chrono::seconds(5);

Json text(std::string_view key, std::string_view value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

Json number(std::string_view key, int64_t value) {
  return {{"key", key}, {"value", {{"intValue", std::to_string(value)}}}};
}

std::string nanoseconds(std::chrono::nanoseconds since_epoch) { return std::to_string(since_epoch.count()); }

Json attributes_of(const CallSpan& span) {
  Json attributes = {text("peer.service", span.peer), number("pabal.tries", span.tries)};
  if (span.status != 0) attributes.push_back(number("http.response.status_code", span.status));
  if (!span.context.correlation_id.empty()) {
    attributes.push_back(text("correlationid", span.context.correlation_id));
  }
  if (!span.context.causation_id.empty())
    attributes.push_back(text("causationid", span.context.causation_id));
  for (const auto& [name, value] : span.context.tags) attributes.push_back(text(name, value));
  return attributes;
}

Json json_of(const CallSpan& span) {
  std::chrono::nanoseconds began = span.began.time_since_epoch();
  Json out = {{"traceId", span.trace_id},
              {"spanId", span.span_id},
              {"name", span.name},
              {"kind", 3},
              {"startTimeUnixNano", nanoseconds(began)},
              {"endTimeUnixNano", nanoseconds(began + span.took)},
              {"attributes", attributes_of(span)}};
  if (!span.parent_span_id.empty()) out["parentSpanId"] = span.parent_span_id;
  if (!span.failure.empty()) out["status"] = {{"code", 2}, {"message", span.failure}};
  return out;
}

}  // namespace

std::string otlp_json(std::string_view service, const std::vector<CallSpan>& spans) {
  Json list = Json::array();
  for (const CallSpan& span : spans) list.push_back(json_of(span));
  Json scope_spans = {{"scope", {{"name", "pabal"}}}, {"spans", std::move(list)}};
  Json resource_spans = {{"resource", {{"attributes", Json::array({text("service.name", service)})}}},
                         {"scopeSpans", Json::array({std::move(scope_spans)})}};
  Json body = {{"resourceSpans", Json::array({std::move(resource_spans)})}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

SpanReporter::SpanReporter(runtime::Executor executor, ServerAccess server)
    : server_(std::move(server)), client_(runtime::HttpClient::make(executor)), timer_(executor) {}

void SpanReporter::start() {
  asio::co_spawn(
      timer_.get_executor(), [self = shared_from_this()] { return self->report_every_second(); },
      [self = shared_from_this()](std::exception_ptr) {});
}

void SpanReporter::add(CallSpan span) {
  std::lock_guard lock(mutex_);
  if (spans_.size() >= spans_max) spans_.erase(spans_.begin());
  spans_.push_back(std::move(span));
}

runtime::Task<> SpanReporter::report_every_second() {
  while (!stopping_) {
    timer_.expires_after(report_every);
    (void)co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!stopping_) co_await report(Deadline::after(system_clock(), report_timeout));
  }
}

runtime::Task<> SpanReporter::report(Deadline deadline) {
  std::vector<CallSpan> spans;
  {
    std::lock_guard lock(mutex_);
    if (spans_.empty()) co_return;
    size_t count = std::min(spans_.size(), spans_per_report_max);
    auto end = spans_.begin() + static_cast<std::ptrdiff_t>(count);
    spans.assign(std::make_move_iterator(spans_.begin()), std::make_move_iterator(end));
    spans_.erase(spans_.begin(), end);
  }
  auto request = server_.request("POST", "/v1/traces", otlp_json(server_.service, spans));
  (void)co_await client_->request(server_.url, std::move(request), deadline);
}

runtime::Task<> SpanReporter::stop(Deadline deadline) {
  stopping_ = true;
  timer_.cancel();
  co_await report(deadline.sooner(Deadline::after(system_clock(), report_every)));
}

}  // namespace pabal::sdk
