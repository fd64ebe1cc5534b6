#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "broker/broker.h"
#include "flows/observatory.h"

namespace pabal::flows {

// Answers GET /trace/{id}: everything known of one flow, in the order of time. Looks in the trace memory, and
// for records published before that memory began in the latest part of the topics (bounded, and it says how
// far it looked). Calls may come from any shard.
class Trace {
 public:
  Trace(broker::Broker& broker, Observatory& observatory) : broker_(broker), observatory_(observatory) {}

  // `id`: a correlation id, record key, record id, or the value of a search header. Its JSON is the answer;
  // an unknown id is an answer too ("found": false).
  runtime::Task<Result<nlohmann::json>> find(std::string id);

 private:
  broker::Broker& broker_;
  Observatory& observatory_;
};

}  // namespace pabal::flows
