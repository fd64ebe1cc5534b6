#pragma once

#include "base/error.h"
#include "protocol/kafka/error.h"

namespace pabal::doors {

// What a client of Kafka is told of an error of ours: the only place where one becomes the other.
[[nodiscard]] kafka::KafkaError kafka_error_of(ErrorCode code);

}  // namespace pabal::doors
