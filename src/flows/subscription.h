#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/broker.h"
#include "flows/observatory.h"
#include "flows/push.h"
#include "flows/push_verdict.h"
#include "flows/wake.h"
#include "runtime/http_client.h"
#include "runtime/shards.h"

namespace pabal::flows {

// One push subscription: takes the messages of its queue, as any consumer does, and posts them to the
// endpoint. Lives on one shard; all calls there. Kept alive by its own coroutines until they have ended.
class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  struct Parts {
    runtime::Shard& shard;
    broker::Broker& broker;
    Observatory& observatory;
    PushOptions options;
    std::shared_ptr<runtime::HttpClient> client;
  };
  Subscription(Parts parts, std::string queue) : parts_(std::move(parts)), queue_(std::move(queue)) {}

  // Sets what to push to and starts when it was not running. A new address is tried at once.
  void set(broker::PushSettings settings);
  // Takes no more messages; what is on its way is settled as it comes.
  void stop();
  // After it the broker is not touched any more: requests still on their way end unsettled.
  void abandon();
  [[nodiscard]] int in_flight() const { return in_flight_; }

 private:
  runtime::Task<> run();
  runtime::Task<bool> take(int count);
  runtime::Task<> deliver(broker::Message message);
  void take_name(std::string_view name);
  runtime::Task<> settle(const broker::Message& message, PushVerdict verdict);
  runtime::Task<> give_back(std::string lease, std::string reason, Duration delay);
  [[nodiscard]] bool is_resting() const { return rest_until_.has_value(); }
  [[nodiscard]] int room() const;
  void rest(const PushVerdict& verdict);
  void end_rest(bool even_if_demanded);

  Parts parts_;
  const std::string queue_;
  broker::PushSettings settings_;
  runtime::Url url_;
  std::string consumer_;  // who the endpoint says it is, else its address
  std::optional<Wake> wake_;
  bool running_ = false;
  bool stopping_ = false;
  bool abandoned_ = false;
  int in_flight_ = 0;
  // Resting: nothing is sent until then; afterwards one message at a time until one is taken.
  std::optional<Instant> rest_until_;
  WallTime rest_since_ = {};
  int rests_ = 0;
  bool rest_demanded_ = false;  // by Retry-After
};

}  // namespace pabal::flows
