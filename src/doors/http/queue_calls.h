#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "broker/broker.h"
#include "doors/http/route.h"

namespace pabal::doors {

// Queues: their settings, and the messages in them as an operator looks at them. Keeps nothing; lives as long
// as the table it registers in.
class QueueCalls {
 public:
  // `check_push` refuses what cannot be pushed to.
  using PushCheck = std::function<Result<void>(const broker::PushSettings&)>;
  QueueCalls(broker::Broker& broker, PushCheck check_push)
      : broker_(broker), check_push_(std::move(check_push)) {}
  void add_to(RouteTable& table);

 private:
  using Answer = runtime::Task<Result<runtime::HttpResponse>>;
  void add_redrives_to(RouteTable& table);
  Answer put(Call call);
  Answer list(Call call);
  Answer get(Call call);
  Answer remove(Call call);
  Answer look(Call call);
  Answer redrive(Call call);
  Answer redrive_progress(Call call);
  Answer stop_redrive(Call call);
  Answer pause(Call call);
  Answer resume(Call call);
  Answer purge(Call call);

  broker::Broker& broker_;
  PushCheck check_push_;
};

}  // namespace pabal::doors
