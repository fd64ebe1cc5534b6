#include <algorithm>

#include "broker/groups.h"
#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"

// Consumer groups seen from outside.
namespace pabal::doors {
namespace {

using broker::GroupState;
using kafka::ApiVersion;

constexpr std::string_view group_type = "Classic";

std::string name_of(GroupState state) {
  switch (state) {
    case GroupState::empty:
      return "Empty";
    case GroupState::preparing_rebalance:
      return "PreparingRebalance";
    case GroupState::completing_rebalance:
      return "CompletingRebalance";
    case GroupState::stable:
      return "Stable";
    case GroupState::dead:
      return "Dead";
  }
  return "Unknown";
}

// A filter of names, in any case; an empty one lets everything pass.
bool passes(const std::vector<std::string>& filter, std::string_view name) {
  auto same = [&](std::string_view other) {
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    return std::ranges::equal(name, other, {}, lower, lower);
  };
  return filter.empty() || std::ranges::any_of(filter, same);
}

}  // namespace

Answer<kafka::DescribeGroupsResponse> describe_groups(KafkaCall& call, kafka::DescribeGroupsRequest request) {
  kafka::DescribeGroupsResponse response;
  for (const std::string& name : request.groups) {
    broker::GroupInfo info = co_await call.parts.broker.groups().info(name);
    auto& out = response.groups.emplace_back();
    out.group_id = name;
    out.group_state = name_of(info.state);
    out.protocol_type = info.protocol_type;
    // Version 6 brought an error for a group that does not exist; before, it is dead.
    if (info.state == GroupState::dead && call.version() >= ApiVersion(6)) {
      out.error_code = kafka::KafkaError::group_id_not_found;
      out.error_message = "there is no such group";
    }
    if (info.state == GroupState::stable) out.protocol_data = info.protocol;
    for (broker::GroupMember& member : info.members) {
      auto& shown = out.members.emplace_back();
      shown.member_id = std::move(member.id);
      shown.group_instance_id = std::move(member.instance);
      shown.client_id = std::move(member.client);
      shown.client_host = std::move(member.host);
      if (info.state != GroupState::stable) continue;
      shown.member_metadata = std::move(member.metadata);
      shown.member_assignment = std::move(member.assignment);
    }
  }
  co_return response;
}

Answer<kafka::ListGroupsResponse> list_groups(KafkaCall& call, kafka::ListGroupsRequest request) {
  kafka::ListGroupsResponse response;
  for (const broker::GroupInfo& info : co_await call.parts.broker.groups().list()) {
    std::string state = name_of(info.state);
    if (!passes(request.states_filter, state) || !passes(request.types_filter, group_type)) continue;
    response.groups.push_back({.group_id = info.name,
                               .protocol_type = info.protocol_type,
                               .group_state = std::move(state),
                               .group_type = std::string(group_type)});
  }
  co_return response;
}

Answer<kafka::DeleteGroupsResponse> delete_groups(KafkaCall& call, kafka::DeleteGroupsRequest request) {
  kafka::DeleteGroupsResponse response;
  for (const std::string& name : request.groups_names) {
    broker::GroupError error = co_await call.parts.broker.groups().remove(name);
    response.results.push_back({.group_id = name, .error_code = kafka_error_of(error)});
  }
  co_return response;
}

}  // namespace pabal::doors
