#pragma once

#include "doors/kafka/context.h"

// Newer versions of calls name topics by id alone.
namespace pabal::doors {

// Gives the topics the names of their ids. One that nobody has, or that the user may neither see nor use as
// the call does, stays nameless: whoever answers tells no difference. A denial of describe alone forbids no
// use, as in Kafka.
template <class Topics>
void name_topics(const KafkaCall& call, Topics& topics, broker::AclOperation use) {
  auto may = [&](broker::AclOperation operation, const std::string& name) {
    return call.session.may(operation, broker::AclResource::topic, name);
  };
  for (auto& topic : topics) {
    if (topic.topic_id == TopicId{}) continue;
    std::string name = call.parts.broker.topic_name(topic.topic_id, call.shard).value_or("");
    if (!may(use, name) && !may(broker::AclOperation::describe, name)) name.clear();
    if constexpr (requires { topic.name; }) {
      topic.name = std::move(name);
    } else {
      topic.topic = std::move(name);
    }
  }
}

}  // namespace pabal::doors
