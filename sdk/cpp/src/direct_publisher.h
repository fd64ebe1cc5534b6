#pragma once

#include <mutex>
#include <thread>

#include "calls/call.h"
#include "event_runner.h"
#include "lender.h"
#include "pabal/pabal.h"
#include "pause.h"
#include "relay/publisher.h"
#include "relay/relay.h"
#include "server_access.h"

namespace pabal::sdk {

// Publishes without the outbox: what cannot be sent now is ignored, tried again or noted, as its author
// declared. What is noted is carried by a relay of its own on a thread here. Safe from any thread; blocks.
class DirectPublisher {
 public:
  struct Options {
    ServerAccess server;
    Duration timeout;                // of OnFailure::retry in all
    std::string database_file = {};  // empty: nothing can be noted
  };
  DirectPublisher(Options options, relay::Database* database, Pause& pause, LiveCounters& counters);
  ~DirectPublisher();

  // Makes the table, and goes on with what it holds.
  Result<void> start();
  void stop();
  Result<std::string> publish(Event event, OnFailure on_failure);
  Result<int64_t> retry_refused();

 private:
  relay::PublishAnswer send(const relay::OutboxRow& row, Deadline deadline);
  Result<void> send_once(const relay::OutboxRow& row);
  Result<void> send_until_timeout(const relay::OutboxRow& row);
  Result<void> note(relay::OutboxRow row, const Error& why);
  Result<void> ensure_carrier();

  Options options_;
  relay::Database* database_;
  Pause& pause_;
  LiveCounters& counters_;
  calls::Guard guard_;  // so that a server that is away costs an `ignore` or `log` no time-out each
  Lender<relay::Publisher> publishers_;
  std::mutex carrier_mutex_;  // of what follows: any thread may note the first failure
  std::unique_ptr<relay::Relay> carrier_;
  std::thread carrier_thread_;
};

}  // namespace pabal::sdk
