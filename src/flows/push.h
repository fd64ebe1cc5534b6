#pragma once

#include <functional>
#include <memory>

#include "broker/broker.h"
#include "flows/observatory.h"
#include "runtime/http_client.h"
#include "runtime/shards.h"

namespace pabal::flows {

struct PushOptions {
  Duration rest_first = std::chrono::seconds(1);  // then twice as long each time, with jitter
  Duration rest_max = std::chrono::seconds(60);
  Duration retry_after_max = std::chrono::hours(1);  // no endpoint puts itself to sleep for longer
  // How requests are sent; the runtime's client when empty.
  std::function<std::unique_ptr<runtime::HttpClient>(runtime::Executor)> make_client = {};
};

// Refuses what cannot be pushed to: only http and https, a host, a readable secret, sane numbers. For the
// doors, before a queue is made. Pabal calls any address it can reach: who may make queues may make it call
// (see README.md).
[[nodiscard]] Result<void> check_push(const broker::PushSettings& settings);

// Delivers the messages of push queues to their endpoints, as HTTP.md's *Push* says. Each subscription lives
// on one shard and is an ordinary consumer of its queue: what is acked, retried or dead is the broker's
// knowledge, so nothing is lost by stopping. Follows the broker's changes by itself. start() and stop() from
// any shard, one after the other; it may be destroyed after the broker has stopped.
class Push {
 public:
  Push(runtime::Shards& shards, broker::Broker& broker, Observatory& observatory, PushOptions options = {});
  ~Push();
  Push(const Push&) = delete;
  Push& operator=(const Push&) = delete;

  // Once, after the broker is open: takes up every queue that pushes.
  runtime::Task<> start();
  // Takes no more messages and lets running requests end until `deadline`. What was taken and not sent is
  // ready again after a restart.
  runtime::Task<> stop(Deadline deadline);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace pabal::flows
