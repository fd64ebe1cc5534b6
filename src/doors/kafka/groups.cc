#include "broker/groups.h"

#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"

// Life of a consumer group's member: calls in and out of the broker's groups, which has all the rules.
namespace pabal::doors {
namespace {

using broker::GroupError;
using kafka::ApiVersion;
using kafka::KafkaError;

// The address without its port, as Kafka shows it.
std::string host_of(const std::string& peer) { return "/" + peer.substr(0, peer.rfind(':')); }

broker::MemberClaim claim_of(std::string group, std::string member, std::optional<std::string> instance,
                             kafka::Generation generation) {
  return {std::move(group), std::move(member), std::move(instance), broker::Generation(generation.value())};
}

}  // namespace

Answer<kafka::FindCoordinatorResponse> find_coordinator(KafkaCall& call,
                                                        kafka::FindCoordinatorRequest request) {
  bool is_group = call.version() == ApiVersion(0) || request.key_type == kafka::CoordinatorType::group;
  KafkaError error = is_group ? KafkaError::none : KafkaError::invalid_request;
  std::optional<std::string> message;
  if (!is_group) message = "only consumer groups have a coordinator here";
  kafka::FindCoordinatorResponse response;
  if (call.version() >= ApiVersion(4)) {
    for (std::string& key : request.coordinator_keys) {
      response.coordinators.push_back({.key = std::move(key),
                                       .node_id = only_broker,
                                       .host = call.advertised_host,
                                       .port = call.advertised_port,
                                       .error_code = error,
                                       .error_message = message});
    }
    co_return response;
  }
  response.error_code = error;
  response.error_message = message;
  response.node_id = only_broker;
  response.host = call.advertised_host;
  response.port = call.advertised_port;
  co_return response;
}

Answer<kafka::JoinGroupResponse> join_group(KafkaCall& call, kafka::JoinGroupRequest request) {
  // Version 0 has one time for both.
  bool one_timeout = call.version() == ApiVersion(0);
  broker::JoinGroup join{
      .group = std::move(request.group_id),
      .member = std::move(request.member_id),
      .instance = std::move(request.group_instance_id),
      .client = call.service(),
      .host = host_of(call.peer),
      .session_timeout = request.session_timeout,
      .rebalance_timeout = one_timeout ? request.session_timeout : request.rebalance_timeout,
      .protocol_type = std::move(request.protocol_type),
      .wants_id_first = call.version() >= ApiVersion(4),
      .understands_skipping = call.version() >= ApiVersion(9),
      .reason = request.reason.value_or("")};
  for (auto& protocol : request.protocols) {
    join.protocols.push_back({std::move(protocol.name), std::move(protocol.metadata)});
  }
  broker::JoinAnswer answer = co_await call.parts.broker.groups().join(std::move(join));
  kafka::JoinGroupResponse response{.error_code = kafka_error_of(answer.error),
                                    .generation_id = kafka::Generation(answer.generation.value()),
                                    .protocol_type = std::move(answer.protocol_type),
                                    .protocol_name = std::move(answer.protocol),
                                    .leader = std::move(answer.leader),
                                    .skip_assignment = answer.skip_assignment,
                                    .member_id = std::move(answer.member)};
  for (broker::JoinedMember& member : answer.members) {
    response.members.push_back(
        {std::move(member.id), std::move(member.instance), std::move(member.metadata)});
  }
  co_return response;
}

Answer<kafka::SyncGroupResponse> sync_group(KafkaCall& call, kafka::SyncGroupRequest request) {
  broker::SyncGroup sync{.claim = claim_of(std::move(request.group_id), std::move(request.member_id),
                                           std::move(request.group_instance_id), request.generation_id),
                         .protocol_type = std::move(request.protocol_type),
                         .protocol = std::move(request.protocol_name)};
  for (auto& assignment : request.assignments) {
    sync.assignments.insert_or_assign(std::move(assignment.member_id), std::move(assignment.assignment));
  }
  broker::SyncAnswer answer = co_await call.parts.broker.groups().sync(std::move(sync));
  co_return kafka::SyncGroupResponse{.error_code = kafka_error_of(answer.error),
                                     .protocol_type = std::move(answer.protocol_type),
                                     .protocol_name = std::move(answer.protocol),
                                     .assignment = std::move(answer.assignment)};
}

Answer<kafka::HeartbeatResponse> heartbeat(KafkaCall& call, kafka::HeartbeatRequest request) {
  GroupError error = co_await call.parts.broker.groups().heartbeat(
      claim_of(std::move(request.group_id), std::move(request.member_id),
               std::move(request.group_instance_id), request.generation_id));
  co_return kafka::HeartbeatResponse{.error_code = kafka_error_of(error)};
}

Answer<kafka::LeaveGroupResponse> leave_group(KafkaCall& call, kafka::LeaveGroupRequest request) {
  bool one_member = call.version() < ApiVersion(3);
  std::vector<broker::LeavingMember> leaving;
  if (one_member) leaving.push_back({.member = std::move(request.member_id)});
  for (const auto& member : request.members) {
    leaving.push_back({member.member_id, member.group_instance_id, member.reason.value_or("")});
  }
  broker::GroupErrors errors =
      co_await call.parts.broker.groups().leave(std::move(request.group_id), leaving);
  kafka::LeaveGroupResponse response{.error_code = kafka_error_of(errors.error)};
  if (errors.error != GroupError::none) co_return response;
  if (one_member) {
    response.error_code = kafka_error_of(errors.each.at(0));
    co_return response;
  }
  for (size_t i = 0; i < request.members.size(); ++i) {
    response.members.push_back({std::move(request.members[i].member_id),
                                std::move(request.members[i].group_instance_id),
                                kafka_error_of(errors.each.at(i))});
  }
  co_return response;
}

}  // namespace pabal::doors
