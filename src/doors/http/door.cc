#include "doors/http/door.h"

#include <exception>

#include "base/logging.h"
#include "base/random.h"
#include "base/uuid.h"
#include "doors/http/answers.h"
#include "doors/http/console_calls.h"
#include "doors/http/query.h"
#include "doors/http/rights.h"

namespace pabal::doors {
namespace {

constexpr size_t service_bytes_max = 255;

// Names reach the flow graph and the logs: printable, and not longer than a topic's.
std::string shown_service(std::string_view name) {
  std::string out(name.substr(0, service_bytes_max));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

void add_common_fields(const runtime::HttpRequest& request, runtime::HttpResponse& response) {
  response.fields.add("X-Content-Type-Options", "nosniff");
  if (response.fields.find("cache-control") == nullptr) response.fields.add("Cache-Control", "no-store");
  if (request.method == "HEAD") response.stream = {};
}

}  // namespace

std::string make_correlation_id() {
  thread_local Random random = Random::from_system();
  return Uuid::ordered(system_clock().wall_now().time_since_epoch().count(), random).to_string();
}

HttpDoor::HttpDoor(Parts parts)
    : clock_(parts.shards.clock()),
      broker_(parts.broker),
      access_(std::move(parts.access)),
      topics_(parts.broker, parts.seeing),
      records_(parts.broker, clock_, make_correlation_id),
      queues_(parts.broker, std::move(parts.check_push)),
      groups_(parts.broker),
      messages_(parts.broker, clock_, draining_, make_correlation_id),
      seeing_(parts.seeing, parts.shards),
      backups_(parts.engine, draining_, clock_),
      server_({parts.broker, parts.engine, draining_, table_, requests_, backups_,
               std::move(parts.more_metrics), std::move(parts.version)}) {
  topics_.add_to(table_);
  records_.add_to(table_);
  queues_.add_to(table_);
  groups_.add_to(table_);
  messages_.add_to(table_);
  seeing_.add_to(table_);
  backups_.add_to(table_);
  server_.add_to(table_);
  if (parts.security != nullptr) security_.emplace(*parts.security, access_.tokens()).add_to(table_);
}

runtime::Task<runtime::HttpResponse> HttpDoor::handle(runtime::HttpRequest request) {
  Instant begun = clock_.now();
  auto match = table_.find(request.method, request.path());
  runtime::HttpRequest head{.method = request.method};
  runtime::HttpResponse response = co_await answer(std::move(request), match);
  requests_.count(match ? match->index : RequestMetrics::no_route, response.status, clock_.now() - begun);
  add_common_fields(head, response);
  co_return response;
}

runtime::Task<runtime::HttpResponse> HttpDoor::answer(runtime::HttpRequest request,
                                                      const Result<RouteTable::Match>& match) {
  bool for_console = !match && is_for_console(request);
  Admission admission = match         ? match->route->admission
                        : for_console ? Admission::open
                                      : Admission::with_token;
  auto caller = access_.admit(request, admission);
  if (!caller) co_return problem_answer(caller.error());
  if (for_console) co_return console_answer(request);
  if (!match) {
    auto response = problem_answer(match.error());
    if (match.error().code == ErrorCode::wrong_method)
      response.fields.add("Allow", table_.allowed(request.path()));
    co_return response;
  }
  if (auto allowed = co_await allow(*caller, request, *match); !allowed) {
    co_return problem_answer(allowed.error());
  }
  if (draining_.begun()) co_return problem_answer({ErrorCode::unavailable, "the server is stopping"});
  std::string service = shown_service(request.fields.get("pabal-service", *caller));
  Call call{.request = std::move(request), .names = match->names, .service = std::move(service)};
  co_return co_await run(std::move(call), *match->route);
}

// By the rules of access, but for administrators. A publish makes a missing topic, which is a right of its
// own.
runtime::Task<Result<void>> HttpDoor::allow(const std::string& user, const runtime::HttpRequest& request,
                                            const RouteTable::Match& match) {
  auto right = right_for(*match.route);
  if (!right || access_.is_administrator(user)) co_return Result<void>();
  std::string name = resource_of(*right, match);
  auto may = [&](broker::AclOperation operation, broker::AclResource resource, std::string_view which) {
    return access_.may(user, request, operation, resource, which);
  };
  bool allowed = may(right->operation, right->resource, name);
  if (allowed && right->operation == broker::AclOperation::write &&
      right->resource == broker::AclResource::topic) {
    auto topic = co_await broker_.topic(name);
    bool missing = !topic && topic.error().code == ErrorCode::not_found;
    allowed = !missing ||
              may(broker::AclOperation::create, broker::AclResource::cluster, broker::cluster_resource) ||
              may(broker::AclOperation::create, broker::AclResource::topic, name);
  }
  if (allowed) co_return Result<void>();
  co_return error(ErrorCode::forbidden, "user {:?} may not do this: it needs {} on {} {:?}", user,
                  broker::name_of(right->operation), broker::name_of(right->resource), name);
}

runtime::Task<runtime::HttpResponse> HttpDoor::run(Call call, const Route& route) {
  Draining::Working working(draining_);
  if (route.doc.query.empty() && route.admission == Admission::with_token) {
    auto none = Query(call.request.query()).finish();
    if (!none) co_return problem_answer(none.error());
  }
  try {
    auto response = co_await route.handler(std::move(call));
    if (response) co_return std::move(*response);
    co_return problem_answer(response.error());
  } catch (const std::exception& e) {  // of a library; ours are values
    spdlog::error("http: {} {} failed: {}", route.method, route.pattern, e.what());
    co_return problem_answer({ErrorCode::io_failed, "the server failed to answer this; its log says why"});
  }
}

}  // namespace pabal::doors
