#pragma once

#include "base/error.h"
#include "broker/group_types.h"
#include "protocol/kafka/error.h"

namespace pabal::doors {

// What a client of Kafka is told of an error of ours: the only place where one becomes the other.
[[nodiscard]] kafka::KafkaError kafka_error_of(ErrorCode code);
[[nodiscard]] kafka::KafkaError kafka_error_of(broker::GroupError error);

}  // namespace pabal::doors
