#pragma once

#include "doors/kafka/context.h"

// Newer versions of calls name topics by id alone.
namespace pabal::doors {

// Gives the topics the names of their ids. One that nobody has, or that the user may not see, stays nameless:
// whoever answers tells no difference.
template <class Topics>
void name_topics(const KafkaCall& call, Topics& topics) {
  for (auto& topic : topics) {
    if (topic.topic_id == TopicId{}) continue;
    std::string name = call.parts.broker.topic_name(topic.topic_id, call.shard).value_or("");
    bool seen = call.session.may(broker::AclOperation::describe, broker::AclResource::topic, name);
    if (!seen) name.clear();
    if constexpr (requires { topic.name; }) {
      topic.name = std::move(name);
    } else {
      topic.topic = std::move(name);
    }
  }
}

}  // namespace pabal::doors
