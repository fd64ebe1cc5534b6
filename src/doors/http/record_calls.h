#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "broker/broker.h"
#include "doors/http/route.h"

namespace pabal::doors {

// Publishing to a topic, reading it and following it. Keeps nothing; lives as long as the table it registers
// in.
class RecordCalls {
 public:
  // `make_id` makes the correlation ids of those who bring none; called on any shard.
  RecordCalls(broker::Broker& broker, const Clock& clock, std::function<std::string()> make_id)
      : broker_(broker), clock_(clock), make_id_(std::move(make_id)) {}
  void add_to(RouteTable& table);

 private:
  using Answer = runtime::Task<Result<runtime::HttpResponse>>;
  Answer publish(Call call);
  Answer read(Call call);
  Answer stream(Call call);

  broker::Broker& broker_;
  const Clock& clock_;
  std::function<std::string()> make_id_;
};

}  // namespace pabal::doors
