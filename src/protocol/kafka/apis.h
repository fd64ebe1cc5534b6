#pragma once

#include <span>
#include <tuple>

#include "protocol/kafka/acls.h"
#include "protocol/kafka/api_versions.h"
#include "protocol/kafka/cluster.h"
#include "protocol/kafka/configs.h"
#include "protocol/kafka/fetch.h"
#include "protocol/kafka/group_admin.h"
#include "protocol/kafka/group_membership.h"
#include "protocol/kafka/group_offsets.h"
#include "protocol/kafka/list_offsets.h"
#include "protocol/kafka/metadata.h"
#include "protocol/kafka/produce.h"
#include "protocol/kafka/producer.h"
#include "protocol/kafka/quotas.h"
#include "protocol/kafka/sasl.h"
#include "protocol/kafka/scram.h"
#include "protocol/kafka/topic_admin.h"

namespace pabal::kafka {

// A request and its answer.
template <class Rq, class Rs>
struct Exchange {
  using Request = Rq;
  using Response = Rs;
};

// Every call that has a description here, by its key.
using Exchanges = std::tuple<
    Exchange<ProduceRequest, ProduceResponse>, Exchange<FetchRequest, FetchResponse>,
    Exchange<ListOffsetsRequest, ListOffsetsResponse>, Exchange<MetadataRequest, MetadataResponse>,
    Exchange<OffsetCommitRequest, OffsetCommitResponse>, Exchange<OffsetFetchRequest, OffsetFetchResponse>,
    Exchange<FindCoordinatorRequest, FindCoordinatorResponse>, Exchange<JoinGroupRequest, JoinGroupResponse>,
    Exchange<HeartbeatRequest, HeartbeatResponse>, Exchange<LeaveGroupRequest, LeaveGroupResponse>,
    Exchange<SyncGroupRequest, SyncGroupResponse>, Exchange<DescribeGroupsRequest, DescribeGroupsResponse>,
    Exchange<ListGroupsRequest, ListGroupsResponse>, Exchange<SaslHandshakeRequest, SaslHandshakeResponse>,
    Exchange<ApiVersionsRequest, ApiVersionsResponse>, Exchange<CreateTopicsRequest, CreateTopicsResponse>,
    Exchange<DeleteTopicsRequest, DeleteTopicsResponse>,
    Exchange<DeleteRecordsRequest, DeleteRecordsResponse>,
    Exchange<InitProducerIdRequest, InitProducerIdResponse>,
    Exchange<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse>,
    Exchange<DescribeAclsRequest, DescribeAclsResponse>, Exchange<CreateAclsRequest, CreateAclsResponse>,
    Exchange<DeleteAclsRequest, DeleteAclsResponse>,
    Exchange<DescribeConfigsRequest, DescribeConfigsResponse>,
    Exchange<AlterConfigsRequest, AlterConfigsResponse>,
    Exchange<DescribeLogDirsRequest, DescribeLogDirsResponse>,
    Exchange<SaslAuthenticateRequest, SaslAuthenticateResponse>,
    Exchange<CreatePartitionsRequest, CreatePartitionsResponse>,
    Exchange<DeleteGroupsRequest, DeleteGroupsResponse>,
    Exchange<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>,
    Exchange<OffsetDeleteRequest, OffsetDeleteResponse>,
    Exchange<DescribeClientQuotasRequest, DescribeClientQuotasResponse>,
    Exchange<DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse>,
    Exchange<AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse>,
    Exchange<DescribeClusterRequest, DescribeClusterResponse>>;

template <class Request, class List>
struct ResponseIn;
template <class Request, class... Each>
struct ResponseIn<Request, std::tuple<Each...>> {
  template <class One>
  static auto pick() {
    if constexpr (std::same_as<typename One::Request, Request>) {
      return std::tuple<typename One::Response>();
    } else {
      return std::tuple<>();
    }
  }
  using Type = std::tuple_element_t<0, decltype(std::tuple_cat(pick<Each>()...))>;
};
// The answer to a request.
template <class Request>
using ResponseTo = typename ResponseIn<Request, Exchanges>::Type;

// By key; nullptr for one that has no description here.
[[nodiscard]] const Api* find_api(ApiKey key);
[[nodiscard]] std::span<const Api> all_apis();

}  // namespace pabal::kafka
