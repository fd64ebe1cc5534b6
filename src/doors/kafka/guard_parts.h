#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "doors/kafka/guard.h"

// What guards are made of.
namespace pabal::doors {

using broker::AclOperation;
using broker::AclResource;
using kafka::KafkaError;

constexpr std::string_view not_allowed = "the user may not do this; rules of access say who may";

inline bool may_topic(const KafkaCall& call, AclOperation operation, std::string_view topic) {
  return call.session.may(operation, AclResource::topic, topic);
}
inline bool may_group(const KafkaCall& call, AclOperation operation, std::string_view group) {
  return call.session.may(operation, AclResource::group, group);
}
inline bool may_cluster(const KafkaCall& call, AclOperation operation) {
  return call.session.may(operation, AclResource::cluster, broker::cluster_resource);
}

// A topic that has no name, as one whose id nobody knows, is for the call itself to answer.
inline bool may_named(const KafkaCall& call, AclOperation operation, std::string_view topic) {
  return topic.empty() || may_topic(call, operation, topic);
}

// Takes out what is not allowed; the rest keeps its order.
template <class Items, class Allowed>
Items take_refused(Items& items, Allowed allowed) {
  Items taken;
  Items kept;
  for (auto& item : items) (allowed(std::as_const(item)) ? kept : taken).push_back(std::move(item));
  items = std::move(kept);
  return taken;
}

// One error for the whole answer.
template <class Request>
AnswerTo<Request> all_or_nothing(KafkaCall& call, Request request, Next<Request> next, bool allowed,
                                 KafkaError refusal) {
  if (allowed) co_return co_await next(call, std::move(request));
  kafka::ResponseTo<Request> response;
  response.error_code = refusal;
  if constexpr (requires { response.error_message; }) response.error_message = std::string(not_allowed);
  co_return response;
}

}  // namespace pabal::doors
