#pragma once

#include "doors/kafka/calls.h"
#include "protocol/kafka/apis.h"

// What a user needs for each call: the one place that knows, by Kafka's rules. A guard stands before the
// call's function: it takes out of the request what the user may not have, lets the function answer the rest,
// and adds the refusals. Where everybody may do everything, and for administrators, it is not asked.
//
// A call without a guard is for administrators only: a new one begins with its guard here.
namespace pabal::doors {

template <class Request>
using AnswerTo = Answer<kafka::ResponseTo<Request>>;
// The call's function.
template <class Request>
using Next = AnswerTo<Request> (*)(KafkaCall& call, Request request);

#define PABAL_GUARD(Request) \
  AnswerTo<kafka::Request> guard(KafkaCall& call, kafka::Request request, Next<kafka::Request> next)

// Records.
PABAL_GUARD(ProduceRequest);
PABAL_GUARD(FetchRequest);
PABAL_GUARD(ListOffsetsRequest);
PABAL_GUARD(MetadataRequest);
PABAL_GUARD(InitProducerIdRequest);
PABAL_GUARD(OffsetForLeaderEpochRequest);
// Groups.
PABAL_GUARD(FindCoordinatorRequest);
PABAL_GUARD(JoinGroupRequest);
PABAL_GUARD(SyncGroupRequest);
PABAL_GUARD(HeartbeatRequest);
PABAL_GUARD(LeaveGroupRequest);
PABAL_GUARD(OffsetCommitRequest);
PABAL_GUARD(OffsetFetchRequest);
PABAL_GUARD(OffsetDeleteRequest);
PABAL_GUARD(DescribeGroupsRequest);
PABAL_GUARD(ListGroupsRequest);
PABAL_GUARD(DeleteGroupsRequest);
// Administration.
PABAL_GUARD(CreateTopicsRequest);
PABAL_GUARD(DeleteTopicsRequest);
PABAL_GUARD(DeleteRecordsRequest);
PABAL_GUARD(CreatePartitionsRequest);
PABAL_GUARD(DescribeConfigsRequest);
PABAL_GUARD(AlterConfigsRequest);
PABAL_GUARD(IncrementalAlterConfigsRequest);
PABAL_GUARD(DescribeLogDirsRequest);
PABAL_GUARD(DescribeClusterRequest);
PABAL_GUARD(DescribeClientQuotasRequest);
// Security.
PABAL_GUARD(ApiVersionsRequest);
PABAL_GUARD(SaslHandshakeRequest);
PABAL_GUARD(SaslAuthenticateRequest);
PABAL_GUARD(DescribeUserScramCredentialsRequest);
PABAL_GUARD(AlterUserScramCredentialsRequest);
PABAL_GUARD(DescribeAclsRequest);
PABAL_GUARD(CreateAclsRequest);
PABAL_GUARD(DeleteAclsRequest);

// A fetch session knows topics that the request does not name: the call asks for each of them.
[[nodiscard]] bool may_fetch(const KafkaCall& call, std::string_view topic);

template <class Request>
concept Guarded =
    requires(KafkaCall& call, Request request, Next<Request> next) { guard(call, std::move(request), next); };

}  // namespace pabal::doors
