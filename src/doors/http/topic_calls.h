#pragma once

#include "broker/broker.h"
#include "doors/http/answers.h"
#include "doors/http/route.h"
#include "doors/http/seeing.h"

namespace pabal::doors {

// PUT, GET and DELETE of topics. Keeps nothing; lives as long as the table it registers in.
class TopicCalls {
 public:
  TopicCalls(broker::Broker& broker, Seeing& seeing) : broker_(broker), seeing_(seeing) {}
  void add_to(RouteTable& table);

 private:
  using Answer = runtime::Task<Result<runtime::HttpResponse>>;
  Answer put(Call call);
  Answer list(Call call);
  Answer get(Call call);
  Answer remove(Call call);
  Answer delete_records(Call call);
  runtime::Task<Json> shown(broker::TopicInfo topic);

  broker::Broker& broker_;
  Seeing& seeing_;
};

}  // namespace pabal::doors
