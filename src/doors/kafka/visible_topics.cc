#include "doors/kafka/visible_topics.h"

namespace pabal::doors {

runtime::Task<Result<broker::TopicInfo>> visible_topic(const KafkaCall& call, std::string name) {
  if (broker::is_internal_name(name)) co_return error(ErrorCode::not_found, "there is no topic {}", name);
  co_return co_await call.parts.broker.topic(std::move(name));
}

runtime::Task<Result<std::vector<broker::TopicInfo>>> visible_topics(const KafkaCall& call) {
  auto all = co_await call.parts.broker.topics();
  if (all) std::erase_if(*all, [](const broker::TopicInfo& info) { return info.internal; });
  co_return all;
}

}  // namespace pabal::doors
