#pragma once

#include <string>

#include "base/error.h"
#include "broker/group_types.h"
#include "protocol/kafka/error.h"

namespace pabal::doors {

// Why something that was asked for is not done, as the client is told.
struct Refusal {
  kafka::KafkaError code = kafka::KafkaError::none;
  std::string message = {};
};

// What a client of Kafka is told of an error of ours: the only place where one becomes the other.
[[nodiscard]] kafka::KafkaError kafka_error_of(ErrorCode code);
[[nodiscard]] kafka::KafkaError kafka_error_of(broker::GroupError error);

}  // namespace pabal::doors
