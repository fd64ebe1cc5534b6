#include "service_peer.h"

#include "ids.h"

namespace pabal::sdk {

namespace {

constexpr size_t detail_bytes_max = 300;

// The answer's own words on what went wrong.
std::string detail_of(const runtime::HttpResponse& response) {
  Json body = Json::parse(response.body, nullptr, false);
  if (body.is_object() && body.contains("detail") && body["detail"].is_string()) {
    return body["detail"].get<std::string>();
  }
  return response.body.substr(0, detail_bytes_max);
}

ErrorCode code_of(int status) {
  switch (status) {
    case 429:
      return ErrorCode::over_limit;
    case 503:
      return ErrorCode::unavailable;
    case 504:
      return ErrorCode::timed_out;
    default:
      return ErrorCode::peer_failed;
  }
}

}  // namespace

ServicePeer::ServicePeer(Options options, Pause& pause, Lender<runtime::BlockingHttpClient>& clients,
                         SpanReporter& spans)
    : options_(std::move(options)),
      pause_(pause),
      clients_(clients),
      spans_(spans),
      guard_(options_.peer, options_.policy, Random::from_system()) {}

runtime::HttpRequest ServicePeer::request(std::string_view method, std::string_view path, const Json& body,
                                          const CallOptions& options, std::string_view traceparent) const {
  const Context& context = current_context();
  runtime::HttpRequest request{.method = std::string(method), .target = std::string(path)};
  if (!body.is_null()) {
    request.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    request.fields.add("Content-Type", "application/json");
  }
  request.fields.add("Pabal-Service", options_.caller);
  request.fields.add("traceparent", std::string(traceparent));
  if (!context.correlation_id.empty()) request.fields.add("Correlation-Id", context.correlation_id);
  if (!context.causation_id.empty()) request.fields.add("Pabal-Causation", context.causation_id);
  if (!options.idempotency_key.empty()) {
    request.fields.add("Idempotency-Key", "\"" + options.idempotency_key + "\"");
  }
  for (const auto& [name, value] : options.headers) request.fields.set(name, value);
  return request;
}

Result<Answer> ServicePeer::send(std::string_view method, std::string_view path, const Json& body,
                                 CallOptions options) {
  auto parent = Trace::parse(current_context().traceparent);
  Trace trace = parent ? parent->child() : Trace::start();
  runtime::HttpRequest message = request(method, path, body, options, trace.header());
  bool repeatable = calls::is_idempotent(method) || !options.idempotency_key.empty();
  const Clock& clock = system_clock();
  WallTime began = clock.wall_now();
  Instant began_at = clock.now();
  calls::Call call(guard_, repeatable, began_at);
  Try last{.answer = error(ErrorCode::cancelled, "{} was not called", options_.peer)};
  while (true) {
    auto deadline = call.begin(clock.now());
    if (!deadline) {
      if (call.tries() == 0) last.answer = std::unexpected(deadline.error());
      break;
    }
    last = try_once(message, *deadline);
    auto wait = call.finished(last.result, clock.now());
    if (!wait || !pause_.wait_for(*wait)) break;
  }
  spans_.add({.trace_id = trace.trace_id,
              .span_id = trace.span_id,
              .parent_span_id = parent ? parent->span_id : "",
              .name = message.method + " " + std::string(message.path()),
              .peer = options_.peer,
              .began = began,
              .took = clock.now() - began_at,
              .status = last.answer ? last.answer->status : 0,
              .tries = call.tries(),
              .failure = last.answer ? "" : last.answer.error().message,
              .context = current_context()});
  return std::move(last.answer);
}

ServicePeer::Try ServicePeer::try_once(const runtime::HttpRequest& request, Deadline deadline) {
  pause_.wait_for(options_.network_delay);
  auto response = clients_.lend()->request(options_.address, request, deadline);
  if (response) pause_.wait_for(options_.network_delay);
  return judge(response);
}

ServicePeer::Try ServicePeer::judge(const Result<runtime::HttpResponse>& response) const {
  if (!response) {
    bool unreachable = response.error().code == ErrorCode::unreachable;
    return {.answer = error(response.error().code, "{}: {}", options_.peer, response.error().message),
            .result = {unreachable ? calls::TryOutcome::unreachable : calls::TryOutcome::failed}};
  }
  if (response->status >= 500 || response->status == 429) {
    return {
        .answer = error(code_of(response->status), "{} answered {}: {}", options_.peer, response->status,
                        detail_of(*response)),
        .result = {calls::TryOutcome::failed, calls::parse_retry_after(response->fields.get("Retry-After"))}};
  }
  Answer answer{.status = response->status, .text = response->body};
  answer.body = Json::parse(response->body, nullptr, false);
  if (answer.body.is_discarded()) answer.body = nullptr;
  return {.answer = std::move(answer)};
}

}  // namespace pabal::sdk
