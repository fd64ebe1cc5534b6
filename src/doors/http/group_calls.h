#pragma once

#include "broker/broker.h"
#include "broker/groups.h"
#include "doors/http/group_json.h"
#include "doors/http/route.h"

namespace pabal::doors {

// Consumer groups: how far they are, who is in them, and setting their offsets. Keeps nothing; lives as long
// as the table it registers in.
class GroupCalls {
 public:
  explicit GroupCalls(broker::Broker& broker) : broker_(broker) {}
  void add_to(RouteTable& table);

 private:
  using Answer = runtime::Task<Result<runtime::HttpResponse>>;
  Answer list(Call call);
  Answer get(Call call);
  Answer remove(Call call);
  Answer reset(Call call);
  runtime::Task<Result<flows::GroupLook>> look(std::string group);
  runtime::Task<Result<std::vector<broker::TopicPartition>>> partitions_of(std::string group,
                                                                           const GroupReset& reset);
  runtime::Task<Result<Offset>> target(const broker::TopicPartition& at, const GroupReset& reset);

  broker::Broker& broker_;
};

}  // namespace pabal::doors
