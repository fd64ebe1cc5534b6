#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "flows/observatory.h"
#include "runtime/http_client.h"
#include "runtime/shards.h"

namespace pabal::flows {

struct PushOptions {
  Duration rest_first = std::chrono::seconds(1);
  Duration rest_max = std::chrono::seconds(60);
  Duration retry_after_max = std::chrono::hours(1);
};

// Refuses what cannot be pushed to: only http and https, a host, a readable secret, sane numbers. For the
// doors, before a queue is made. Pabal calls any address it can reach: who may make queues may make it call
// (see README.md).
[[nodiscard]] Result<void> check_push(const broker::PushSettings& settings);

// Delivers the messages of push queues to their endpoints, as HTTP.md's *Push* says. Each subscription lives
// on one shard and is an ordinary consumer of its queue: what is acked, retried or dead is the broker's
// knowledge, so nothing is lost or doubled here by stopping. Follows the broker's changes by itself.
class Push {
 public:
  Push(runtime::Shards& shards, broker::Broker& broker, Observatory& observatory, PushOptions options = {});
  ~Push();
  Push(const Push&) = delete;
  Push& operator=(const Push&) = delete;

  // Once, after the broker is open: takes up every queue that pushes.
  runtime::Task<> start();
  // Takes no more messages, lets running requests end until `deadline`, returns the rest uncounted.
  runtime::Task<> stop(Deadline deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pabal::flows
