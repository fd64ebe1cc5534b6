#include "http_front.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "base/logging.h"
#include "context.h"
#include "ids.h"
#include "runtime/http_problem.h"
#include "webhook.h"

namespace pabal::sdk {

namespace {

using runtime::HttpRequest;
using runtime::HttpResponse;

// Runs `work` on a worker and resumes with its answer where the caller runs.
runtime::Task<HttpResponse> run_on(WorkerPool& workers, std::function<HttpResponse()> work, bool& refused) {
  auto start = [&](auto handler) {
    auto executor = asio::get_associated_executor(handler);
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto finish = [executor, shared](HttpResponse response) {
      asio::post(executor, [shared, response = std::move(response)]() mutable {
        std::move (*shared)(std::move(response));
      });
    };
    refused = !workers.submit_async([work = std::move(work), finish] { finish(work()); });
    if (refused) {
      finish(runtime::problem_response(503, "every worker is busy and the line is full; try again"));
    }
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(HttpResponse)>(
      start, asio::use_awaitable);
}

Request to_request(const Router::Found& found, const HttpRequest& from) {
  Request request{.method = from.method,
                  .path = std::string(from.path()),
                  .body = from.body,
                  .correlation_id = std::string(from.fields.get("Correlation-Id"))};
  if (request.correlation_id.empty()) request.correlation_id = new_id();
  request.params = found.params;
  for (const auto& [name, value] : from.fields) request.headers.emplace_back(name, value);
  request.query_string = from.query();
  return request;
}

Context context_of(const Request& request, const HttpRequest& from) {
  auto trace = Trace::parse(from.fields.get("traceparent"));
  return {.correlation_id = request.correlation_id,
          .causation_id = std::string(from.fields.get("Pabal-Causation")),
          .traceparent = (trace ? trace->child() : Trace::start()).header()};
}

HttpResponse to_http(Response&& response) {
  HttpResponse out{.status = response.status};
  if (!response.body.is_null()) {
    out.body = response.body.dump(-1, ' ', false, Json::error_handler_t::replace);
    out.fields.add("Content-Type", "application/json");
  }
  for (auto& [name, value] : response.headers) out.fields.set(name, std::move(value));
  return out;
}

Result<Response> call_handler(const RequestHandler& handler, const Request& request) {
  try {
    return handler(request);
  } catch (const std::exception& e) {
    spdlog::error("{} {}: the handler threw: {}", request.method, request.path, e.what());
    return error(ErrorCode::io_failed, "the service failed to handle this request; its log says more");
  }
}

}  // namespace

HttpFront::HttpFront(std::string service, WorkerPool& workers, LiveCounters& counters)
    : service_(std::move(service)), workers_(workers), counters_(counters) {}

void HttpFront::add_route(std::string method, std::string path, RequestHandler handler) {
  router_.add(std::move(method), std::move(path), std::move(handler));
}

void HttpFront::add_push(std::string path, Push push) {
  pushes_.insert_or_assign(std::move(path), std::move(push));
}

runtime::Task<HttpResponse> HttpFront::answer(HttpRequest request) {
  if (request.path() == "/healthz") co_return health();
  bool refused = false;
  HttpResponse response;
  if (auto push = pushes_.find(request.path()); push != pushes_.end() && request.method == "POST") {
    response = co_await run_on(workers_, [&] { return run_push(push->second, request); }, refused);
    response.fields.set("Pabal-Service", service_);  // by this name the flow graph shows who is pushed to
  } else {
    auto found = router_.find(request.method, request.path());
    if (!found) co_return runtime::problem_response(found.error());
    response = co_await run_on(workers_, [&] { return run_route(*found, request); }, refused);
  }
  ++(refused ? counters_.requests_refused : counters_.requests);
  co_return response;
}

HttpResponse HttpFront::run_route(const Router::Found& found, const HttpRequest& from) {
  Request request = to_request(found, from);
  ContextScope scope(context_of(request, from));
  Result<Response> answered = call_handler(*found.handler, request);
  HttpResponse response =
      answered ? to_http(std::move(*answered)) : runtime::problem_response(answered.error());
  response.fields.set("Correlation-Id", request.correlation_id);
  return response;
}

// 2xx acknowledges, 422 is a dead letter, 500 a delivery that failed; 503 says that this endpoint rests.
HttpResponse HttpFront::run_push(const Push& push, const HttpRequest& request) {
  if (!push.secret.empty()) {
    auto genuine = verify_webhook(push.secret, request, system_clock().wall_now());
    if (!genuine) return runtime::problem_response(genuine.error());
  }
  HandledEvent handled = push.handle(request);
  switch (handled.what) {
    case Handled::done:
      return {.status = 204};
    case Handled::dead:
      return runtime::problem_response(422, handled.reason);
    case Handled::back:
      return runtime::problem_response(503, handled.reason);
    case Handled::again:
      break;
  }
  return runtime::problem_response(500, handled.reason);
}

HttpResponse HttpFront::health() const {
  Counters counters = counters_.read();
  Json body = {{"service", service_},
               {"status", "ok"},
               {"handled", counters.handled},
               {"duplicates", counters.duplicates},
               {"failed", counters.failed},
               {"dead", counters.dead},
               {"published", counters.published},
               {"publish_ignored", counters.publish_ignored},
               {"publish_logged", counters.publish_logged},
               {"requests", counters.requests},
               {"requests_refused", counters.requests_refused}};
  return to_http({.body = std::move(body)});
}

}  // namespace pabal::sdk
