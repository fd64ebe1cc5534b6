#pragma once

#include <string>
#include <vector>

#include "doors/kafka/context.h"

namespace pabal::doors {

// Topics as Kafka's clients see them: without the server's own.
[[nodiscard]] runtime::Task<Result<broker::TopicInfo>> visible_topic(const KafkaCall& call, std::string name);
[[nodiscard]] runtime::Task<Result<std::vector<broker::TopicInfo>>> visible_topics(const KafkaCall& call);

}  // namespace pabal::doors
