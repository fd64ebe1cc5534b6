#include "doors/kafka/dispatch.h"

#include <algorithm>
#include <array>

#include "doors/kafka/calls.h"
#include "doors/kafka/guard.h"
#include "protocol/kafka/apis.h"

namespace pabal::doors {
namespace {

using kafka::ApiVersion;
using runtime::Task;

template <class Request, class Response, Answer<Response> (*handle)(KafkaCall&, Request)>
Task<KafkaReply> answer(KafkaCall& call, const SharedBytes& body) {
  auto request = kafka::Codec<Request>::decode(body, call.version());
  if (!request) co_return std::unexpected(request.error());
  std::optional<Response> response;
  if (call.session.unrestricted()) {
    response = co_await handle(call, std::move(*request));
  } else if constexpr (Guarded<Request>) {
    response = co_await guard(call, std::move(*request), handle);
  } else {
    co_return error(ErrorCode::forbidden, "{} is for administrators", Request::api.name);
  }
  if (!response) co_return std::vector<SharedBytes>();
  co_return kafka::encode_response(call.header.correlation_id, call.version(), *response);
}

// docs/protocols/kafka.md says why each ends where it does.
const std::array served = {
    ServedCall{kafka::produce_api, ApiVersion(0), ApiVersion(3), ApiVersion(13),
               answer<kafka::ProduceRequest, kafka::ProduceResponse, produce>},
    ServedCall{kafka::fetch_api, ApiVersion(4), ApiVersion(4), ApiVersion(18),
               answer<kafka::FetchRequest, kafka::FetchResponse, fetch>},
    ServedCall{kafka::list_offsets_api, ApiVersion(1), ApiVersion(1), ApiVersion(10),
               answer<kafka::ListOffsetsRequest, kafka::ListOffsetsResponse, list_offsets>},
    ServedCall{kafka::metadata_api, ApiVersion(0), ApiVersion(0), ApiVersion(13),
               answer<kafka::MetadataRequest, kafka::MetadataResponse, metadata>},
    ServedCall{kafka::offset_commit_api, ApiVersion(2), ApiVersion(2), ApiVersion(10),
               answer<kafka::OffsetCommitRequest, kafka::OffsetCommitResponse, offset_commit>},
    ServedCall{kafka::offset_fetch_api, ApiVersion(1), ApiVersion(1), ApiVersion(10),
               answer<kafka::OffsetFetchRequest, kafka::OffsetFetchResponse, offset_fetch>},
    ServedCall{kafka::find_coordinator_api, ApiVersion(0), ApiVersion(0), ApiVersion(6),
               answer<kafka::FindCoordinatorRequest, kafka::FindCoordinatorResponse, find_coordinator>},
    ServedCall{kafka::join_group_api, ApiVersion(0), ApiVersion(0), ApiVersion(9),
               answer<kafka::JoinGroupRequest, kafka::JoinGroupResponse, join_group>},
    ServedCall{kafka::heartbeat_api, ApiVersion(0), ApiVersion(0), ApiVersion(4),
               answer<kafka::HeartbeatRequest, kafka::HeartbeatResponse, heartbeat>},
    ServedCall{kafka::leave_group_api, ApiVersion(0), ApiVersion(0), ApiVersion(5),
               answer<kafka::LeaveGroupRequest, kafka::LeaveGroupResponse, leave_group>},
    ServedCall{kafka::sync_group_api, ApiVersion(0), ApiVersion(0), ApiVersion(5),
               answer<kafka::SyncGroupRequest, kafka::SyncGroupResponse, sync_group>},
    ServedCall{kafka::describe_groups_api, ApiVersion(0), ApiVersion(0), ApiVersion(6),
               answer<kafka::DescribeGroupsRequest, kafka::DescribeGroupsResponse, describe_groups>},
    ServedCall{kafka::list_groups_api, ApiVersion(0), ApiVersion(0), ApiVersion(5),
               answer<kafka::ListGroupsRequest, kafka::ListGroupsResponse, list_groups>},
    ServedCall{kafka::sasl_handshake_api, ApiVersion(0), ApiVersion(0), ApiVersion(1),
               answer<kafka::SaslHandshakeRequest, kafka::SaslHandshakeResponse, sasl_handshake>},
    ServedCall{kafka::api_versions_api, ApiVersion(0), ApiVersion(0), ApiVersion(4),
               answer<kafka::ApiVersionsRequest, kafka::ApiVersionsResponse, api_versions>},
    ServedCall{kafka::create_topics_api, ApiVersion(2), ApiVersion(2), ApiVersion(7),
               answer<kafka::CreateTopicsRequest, kafka::CreateTopicsResponse, create_topics>},
    ServedCall{kafka::delete_topics_api, ApiVersion(1), ApiVersion(1), ApiVersion(6),
               answer<kafka::DeleteTopicsRequest, kafka::DeleteTopicsResponse, delete_topics>},
    ServedCall{kafka::delete_records_api, ApiVersion(0), ApiVersion(0), ApiVersion(2),
               answer<kafka::DeleteRecordsRequest, kafka::DeleteRecordsResponse, delete_records>},
    ServedCall{kafka::describe_acls_api, ApiVersion(1), ApiVersion(1), ApiVersion(3),
               answer<kafka::DescribeAclsRequest, kafka::DescribeAclsResponse, describe_acls>},
    ServedCall{kafka::create_acls_api, ApiVersion(1), ApiVersion(1), ApiVersion(3),
               answer<kafka::CreateAclsRequest, kafka::CreateAclsResponse, create_acls>},
    ServedCall{kafka::delete_acls_api, ApiVersion(1), ApiVersion(1), ApiVersion(3),
               answer<kafka::DeleteAclsRequest, kafka::DeleteAclsResponse, delete_acls>},
    ServedCall{kafka::describe_configs_api, ApiVersion(1), ApiVersion(1), ApiVersion(4),
               answer<kafka::DescribeConfigsRequest, kafka::DescribeConfigsResponse, describe_configs>},
    ServedCall{kafka::alter_configs_api, ApiVersion(0), ApiVersion(0), ApiVersion(2),
               answer<kafka::AlterConfigsRequest, kafka::AlterConfigsResponse, alter_configs>},
    ServedCall{kafka::describe_log_dirs_api, ApiVersion(1), ApiVersion(1), ApiVersion(4),
               answer<kafka::DescribeLogDirsRequest, kafka::DescribeLogDirsResponse, describe_log_dirs>},
    ServedCall{kafka::sasl_authenticate_api, ApiVersion(0), ApiVersion(0), ApiVersion(2),
               answer<kafka::SaslAuthenticateRequest, kafka::SaslAuthenticateResponse, sasl_authenticate>},
    ServedCall{kafka::create_partitions_api, ApiVersion(0), ApiVersion(0), ApiVersion(3),
               answer<kafka::CreatePartitionsRequest, kafka::CreatePartitionsResponse, create_partitions>},
    ServedCall{kafka::init_producer_id_api, ApiVersion(0), ApiVersion(0), ApiVersion(5),
               answer<kafka::InitProducerIdRequest, kafka::InitProducerIdResponse, init_producer_id>},
    ServedCall{kafka::offset_for_leader_epoch_api, ApiVersion(2), ApiVersion(2), ApiVersion(4),
               answer<kafka::OffsetForLeaderEpochRequest, kafka::OffsetForLeaderEpochResponse,
                      offset_for_leader_epoch>},
    ServedCall{kafka::delete_groups_api, ApiVersion(0), ApiVersion(0), ApiVersion(2),
               answer<kafka::DeleteGroupsRequest, kafka::DeleteGroupsResponse, delete_groups>},
    ServedCall{kafka::incremental_alter_configs_api, ApiVersion(0), ApiVersion(0), ApiVersion(1),
               answer<kafka::IncrementalAlterConfigsRequest, kafka::IncrementalAlterConfigsResponse,
                      incremental_alter_configs>},
    ServedCall{kafka::offset_delete_api, ApiVersion(0), ApiVersion(0), ApiVersion(0),
               answer<kafka::OffsetDeleteRequest, kafka::OffsetDeleteResponse, offset_delete>},
    ServedCall{kafka::describe_client_quotas_api, ApiVersion(0), ApiVersion(0), ApiVersion(1),
               answer<kafka::DescribeClientQuotasRequest, kafka::DescribeClientQuotasResponse,
                      describe_client_quotas>},
    ServedCall{kafka::describe_user_scram_credentials_api, ApiVersion(0), ApiVersion(0), ApiVersion(0),
               answer<kafka::DescribeUserScramCredentialsRequest, kafka::DescribeUserScramCredentialsResponse,
                      describe_scram>},
    ServedCall{kafka::alter_user_scram_credentials_api, ApiVersion(0), ApiVersion(0), ApiVersion(0),
               answer<kafka::AlterUserScramCredentialsRequest, kafka::AlterUserScramCredentialsResponse,
                      alter_scram>},
    ServedCall{kafka::describe_cluster_api, ApiVersion(0), ApiVersion(0), ApiVersion(2),
               answer<kafka::DescribeClusterRequest, kafka::DescribeClusterResponse, describe_cluster>},
};

}  // namespace

std::span<const ServedCall> served_calls() { return served; }

Result<const ServedCall*> find_call(const kafka::RequestHeader& start) {
  const auto* found =
      std::ranges::find(served, start.key, [](const ServedCall& call) { return call.api.key; });
  if (found == served.end()) {
    const kafka::Api* known = kafka::find_api(start.key);
    return error(ErrorCode::unsupported, "API key {} ({}) is not offered here", std::to_underlying(start.key),
                 known == nullptr ? "unknown" : known->name);
  }
  if (start.version < found->first || start.version > found->last) {
    return error(ErrorCode::unsupported, "{} in version {}; versions {} to {} are offered", found->api.name,
                 start.version, found->first, found->last);
  }
  return found;
}

std::vector<kafka::ApiVersionsResponse::VersionRange> version_ranges() {
  std::vector<kafka::ApiVersionsResponse::VersionRange> ranges;
  for (const ServedCall& call : served) ranges.push_back({call.api.key, call.advertised_first, call.last});
  return ranges;
}

KafkaReply unknown_api_versions(const kafka::RequestHeader& start) {
  kafka::ApiVersionsResponse response{.error_code = kafka::KafkaError::unsupported_version,
                                      .api_keys = version_ranges()};
  return kafka::encode_response(start.correlation_id, ApiVersion(0), response);
}

Answer<kafka::ApiVersionsResponse> api_versions(KafkaCall&, kafka::ApiVersionsRequest) {
  co_return kafka::ApiVersionsResponse{.api_keys = version_ranges()};
}

}  // namespace pabal::doors
