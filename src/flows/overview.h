#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "broker/broker.h"
#include "engine/engine.h"
#include "flows/facts.h"
#include "flows/observatory.h"
#include "runtime/shards.h"

namespace pabal::flows {

// How a queue is shown; the door has one for GET /queues/{queue}, and the overview says the same.
using QueueJson = std::function<nlohmann::json(const broker::QueueInfo&)>;
using GroupJson = std::function<nlohmann::json(const GroupLook&)>;

// What the console's first page says: the JSON of GET /overview and of GET /flow. Every call may come from
// any shard. Computed at most twice a second, whoever and how many ask, and never unasked.
class Overview {
 public:
  struct Snapshot {
    Instant computed;
    std::string overview;  // JSON texts
    std::string flow;
  };

  Overview(broker::Broker& broker, engine::Engine& engine, Observatory& observatory, std::string version,
           QueueJson queue_json, GroupJson group_json);

  // At most half a second old.
  runtime::Task<Result<std::shared_ptr<const Snapshot>>> current();

 private:
  runtime::Task<Result<std::shared_ptr<const Snapshot>>> current_here();
  runtime::Task<Result<std::shared_ptr<const Snapshot>>> compute();
  runtime::Task<> recall_dead_letters(const Facts& facts);
  void note_growth(Facts& facts);
  [[nodiscard]] nlohmann::json overview_json(const Facts& facts) const;

  broker::Broker& broker_;
  engine::Engine& engine_;
  Observatory& observatory_;
  const std::string version_;
  const QueueJson queue_json_;
  const GroupJson group_json_;
  // On the collector's shard.
  struct Backlog {
    Instant at;
    int64_t waiting;
    double growth;
  };
  std::map<std::string, Backlog> backlogs_;
  std::map<std::string, WallTime> left_;  // by queue that nobody consumes: since when, as told
  std::shared_ptr<const Snapshot> latest_;
  bool computing_ = false;
};

}  // namespace pabal::flows
