#pragma once

#include <vector>

#include "doors/kafka/context.h"
#include "doors/kafka/topic_configs.h"

namespace pabal::doors {

// What holds on this server, under the names that Kafka has for it. All of it is read-only: the configuration
// file and the flags of `pabal serve` set it, or it is a limit.
[[nodiscard]] std::vector<ShownConfig> server_configs(const KafkaCall& call);

}  // namespace pabal::doors
