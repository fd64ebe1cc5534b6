#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/broker.h"
#include "doors/http/access.h"
#include "doors/http/backup_calls.h"
#include "doors/http/draining.h"
#include "doors/http/group_calls.h"
#include "doors/http/message_calls.h"
#include "doors/http/metrics.h"
#include "doors/http/queue_calls.h"
#include "doors/http/record_calls.h"
#include "doors/http/route.h"
#include "doors/http/security_calls.h"
#include "doors/http/seeing.h"
#include "doors/http/seeing_calls.h"
#include "doors/http/server_calls.h"
#include "doors/http/topic_calls.h"
#include "engine/engine.h"
#include "runtime/http.h"
#include "runtime/shards.h"

namespace pabal::doors {

// The HTTP API and the console: checks who may ask, finds the route, and makes of its answer or error a
// response. No delivery rule lives here. Calls come from any shard and stay on theirs. The parts it is given
// live longer.
class HttpDoor {
 public:
  struct Parts {
    runtime::Shards& shards;
    broker::Broker& broker;
    engine::Engine& engine;
    Seeing& seeing;
    Access access;
    QueueCalls::PushCheck check_push;
    std::function<void(std::string&)> more_metrics;
    std::string version;
    broker::Security* security = nullptr;
  };
  explicit HttpDoor(Parts parts);

  // For others to register their calls; before the first request.
  [[nodiscard]] RouteTable& table() { return table_; }
  [[nodiscard]] Draining& draining() { return draining_; }

  runtime::Task<runtime::HttpResponse> handle(runtime::HttpRequest request);

 private:
  runtime::Task<runtime::HttpResponse> answer(runtime::HttpRequest request,
                                              const Result<RouteTable::Match>& match);
  runtime::Task<Result<void>> allow(const std::string& user, const runtime::HttpRequest& request,
                                    const RouteTable::Match& match);
  runtime::Task<runtime::HttpResponse> run(Call call, const Route& route);

  const Clock& clock_;
  broker::Broker& broker_;
  Access access_;
  RouteTable table_;
  Draining draining_;
  RequestMetrics requests_;
  TopicCalls topics_;
  RecordCalls records_;
  QueueCalls queues_;
  GroupCalls groups_;
  MessageCalls messages_;
  SeeingCalls seeing_;
  BackupCalls backups_;
  ServerCalls server_;
  std::optional<SecurityCalls> security_;
};

// A new correlation id: sortable by time. From any thread.
[[nodiscard]] std::string make_correlation_id();

}  // namespace pabal::doors
