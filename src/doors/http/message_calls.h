#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "broker/broker.h"
#include "doors/http/draining.h"
#include "doors/http/route.h"

namespace pabal::doors {

// What producers and consumers of a queue call: post, receive, ack, nack, extend. Keeps nothing; lives as
// long as the table it registers in.
class MessageCalls {
 public:
  // `make_id` makes the correlation ids of those who bring none; called on any shard.
  MessageCalls(broker::Broker& broker, const Clock& clock, Draining& draining,
               std::function<std::string()> make_id)
      : broker_(broker), clock_(clock), draining_(draining), make_id_(std::move(make_id)) {}
  void add_to(RouteTable& table);

 private:
  using Answer = runtime::Task<Result<runtime::HttpResponse>>;
  Answer post(Call call);
  Answer receive(Call call);
  runtime::Task<Result<std::vector<broker::Message>>> receive_unless_gone(
      broker::Receive receive, std::shared_ptr<runtime::HangUp> hang_up);
  Answer ack(Call call);
  Answer nack(Call call);
  Answer extend(Call call);

  broker::Broker& broker_;
  const Clock& clock_;
  Draining& draining_;
  std::function<std::string()> make_id_;
};

}  // namespace pabal::doors
