#pragma once

#include <optional>

#include "doors/kafka/context.h"
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

// One function for each call that the door answers; dispatch.cc lists them with their versions.
namespace pabal::doors {

template <class T>
using Answer = runtime::Task<std::optional<T>>;  // nullopt: the call wants none

Answer<kafka::ApiVersionsResponse> api_versions(KafkaCall& call, kafka::ApiVersionsRequest request);
Answer<kafka::MetadataResponse> metadata(KafkaCall& call, kafka::MetadataRequest request);
Answer<kafka::ProduceResponse> produce(KafkaCall& call, kafka::ProduceRequest request);
Answer<kafka::FetchResponse> fetch(KafkaCall& call, kafka::FetchRequest request);
Answer<kafka::ListOffsetsResponse> list_offsets(KafkaCall& call, kafka::ListOffsetsRequest request);

Answer<kafka::InitProducerIdResponse> init_producer_id(KafkaCall& call, kafka::InitProducerIdRequest request);
Answer<kafka::OffsetForLeaderEpochResponse> offset_for_leader_epoch(
    KafkaCall& call, kafka::OffsetForLeaderEpochRequest request);

Answer<kafka::FindCoordinatorResponse> find_coordinator(KafkaCall& call,
                                                        kafka::FindCoordinatorRequest request);
Answer<kafka::JoinGroupResponse> join_group(KafkaCall& call, kafka::JoinGroupRequest request);
Answer<kafka::SyncGroupResponse> sync_group(KafkaCall& call, kafka::SyncGroupRequest request);
Answer<kafka::HeartbeatResponse> heartbeat(KafkaCall& call, kafka::HeartbeatRequest request);
Answer<kafka::LeaveGroupResponse> leave_group(KafkaCall& call, kafka::LeaveGroupRequest request);
Answer<kafka::OffsetCommitResponse> offset_commit(KafkaCall& call, kafka::OffsetCommitRequest request);
Answer<kafka::OffsetFetchResponse> offset_fetch(KafkaCall& call, kafka::OffsetFetchRequest request);
Answer<kafka::OffsetDeleteResponse> offset_delete(KafkaCall& call, kafka::OffsetDeleteRequest request);
Answer<kafka::DescribeGroupsResponse> describe_groups(KafkaCall& call, kafka::DescribeGroupsRequest request);
Answer<kafka::ListGroupsResponse> list_groups(KafkaCall& call, kafka::ListGroupsRequest request);
Answer<kafka::DeleteGroupsResponse> delete_groups(KafkaCall& call, kafka::DeleteGroupsRequest request);

Answer<kafka::SaslHandshakeResponse> sasl_handshake(KafkaCall& call, kafka::SaslHandshakeRequest request);
Answer<kafka::SaslAuthenticateResponse> sasl_authenticate(KafkaCall& call,
                                                          kafka::SaslAuthenticateRequest request);
Answer<kafka::DescribeUserScramCredentialsResponse> describe_scram(
    KafkaCall& call, kafka::DescribeUserScramCredentialsRequest request);
Answer<kafka::AlterUserScramCredentialsResponse> alter_scram(KafkaCall& call,
                                                             kafka::AlterUserScramCredentialsRequest request);
Answer<kafka::DescribeAclsResponse> describe_acls(KafkaCall& call, kafka::DescribeAclsRequest request);
Answer<kafka::CreateAclsResponse> create_acls(KafkaCall& call, kafka::CreateAclsRequest request);
Answer<kafka::DeleteAclsResponse> delete_acls(KafkaCall& call, kafka::DeleteAclsRequest request);

Answer<kafka::CreateTopicsResponse> create_topics(KafkaCall& call, kafka::CreateTopicsRequest request);
Answer<kafka::DeleteTopicsResponse> delete_topics(KafkaCall& call, kafka::DeleteTopicsRequest request);
Answer<kafka::DeleteRecordsResponse> delete_records(KafkaCall& call, kafka::DeleteRecordsRequest request);
Answer<kafka::CreatePartitionsResponse> create_partitions(KafkaCall& call,
                                                          kafka::CreatePartitionsRequest request);
Answer<kafka::DescribeConfigsResponse> describe_configs(KafkaCall& call,
                                                        kafka::DescribeConfigsRequest request);
Answer<kafka::AlterConfigsResponse> alter_configs(KafkaCall& call, kafka::AlterConfigsRequest request);
Answer<kafka::IncrementalAlterConfigsResponse> incremental_alter_configs(
    KafkaCall& call, kafka::IncrementalAlterConfigsRequest request);
Answer<kafka::DescribeClusterResponse> describe_cluster(KafkaCall& call,
                                                        kafka::DescribeClusterRequest request);
Answer<kafka::DescribeClientQuotasResponse> describe_client_quotas(
    KafkaCall& call, kafka::DescribeClientQuotasRequest request);
Answer<kafka::DescribeLogDirsResponse> describe_log_dirs(KafkaCall& call,
                                                         kafka::DescribeLogDirsRequest request);

}  // namespace pabal::doors
