#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "broker/broker.h"
#include "engine/engine.h"
#include "flows/observatory.h"
#include "runtime/shards.h"

namespace pabal::flows {

// What the console's first page says: the JSON of GET /overview and of GET /flow. Every call may come from
// any shard. Computed at most twice a second, whoever and how many ask.
class Overview {
 public:
  struct Snapshot {
    Instant computed;
    nlohmann::json overview;
    std::string overview_text;
    std::string flow_text;
  };

  Overview(runtime::Shards& shards, broker::Broker& broker, engine::Engine& engine, Observatory& observatory,
           std::string version);

  // At most half a second old.
  runtime::Task<Result<std::shared_ptr<const Snapshot>>> current();

 private:
  runtime::Task<Result<std::shared_ptr<const Snapshot>>> current_here();
  runtime::Task<Result<std::shared_ptr<const Snapshot>>> compute();

  broker::Broker& broker_;
  engine::Engine& engine_;
  Observatory& observatory_;
  std::string version_;
  // On the collector's shard.
  std::shared_ptr<const Snapshot> latest_;
  bool computing_ = false;
};

}  // namespace pabal::flows
