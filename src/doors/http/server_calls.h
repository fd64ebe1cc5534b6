#pragma once

#include <functional>
#include <string>

#include "broker/broker.h"
#include "doors/http/backup_calls.h"
#include "doors/http/draining.h"
#include "doors/http/metrics.h"
#include "doors/http/route.h"
#include "engine/engine.h"

namespace pabal::doors {

// What those who run the server ask: is it alive, is it ready, how is it, what can it do. Keeps nothing;
// lives as long as the table it registers in.
class ServerCalls {
 public:
  struct Parts {
    broker::Broker& broker;
    engine::Engine& engine;
    const Draining& draining;
    const RouteTable& table;
    const RequestMetrics& requests;
    const BackupCalls& backups;
    std::function<void(std::string&)> more_metrics;  // appends what others count; may be empty
    std::string version;
  };
  explicit ServerCalls(Parts parts) : parts_(std::move(parts)) {}
  void add_to(RouteTable& table);

 private:
  using Answer = runtime::Task<Result<runtime::HttpResponse>>;
  Answer healthz(Call call);
  Answer readyz(Call call);
  Answer metrics(Call call);
  Answer openapi(Call call);
  void append_engine(std::string& out) const;

  Parts parts_;
};

}  // namespace pabal::doors
