#include "protocol/kafka/error.h"

#include <algorithm>

namespace pabal::kafka {
namespace {

struct Named {
  KafkaError error;
  std::string_view name;
};

using enum KafkaError;
constexpr Named names[] = {{unknown_server_error, "UNKNOWN_SERVER_ERROR"},
                           {none, "NONE"},
                           {offset_out_of_range, "OFFSET_OUT_OF_RANGE"},
                           {corrupt_message, "CORRUPT_MESSAGE"},
                           {unknown_topic_or_partition, "UNKNOWN_TOPIC_OR_PARTITION"},
                           {invalid_fetch_size, "INVALID_FETCH_SIZE"},
                           {leader_not_available, "LEADER_NOT_AVAILABLE"},
                           {not_leader_or_follower, "NOT_LEADER_OR_FOLLOWER"},
                           {request_timed_out, "REQUEST_TIMED_OUT"},
                           {message_too_large, "MESSAGE_TOO_LARGE"},
                           {offset_metadata_too_large, "OFFSET_METADATA_TOO_LARGE"},
                           {network_exception, "NETWORK_EXCEPTION"},
                           {coordinator_load_in_progress, "COORDINATOR_LOAD_IN_PROGRESS"},
                           {coordinator_not_available, "COORDINATOR_NOT_AVAILABLE"},
                           {not_coordinator, "NOT_COORDINATOR"},
                           {invalid_topic, "INVALID_TOPIC"},
                           {record_list_too_large, "RECORD_LIST_TOO_LARGE"},
                           {invalid_required_acks, "INVALID_REQUIRED_ACKS"},
                           {illegal_generation, "ILLEGAL_GENERATION"},
                           {inconsistent_group_protocol, "INCONSISTENT_GROUP_PROTOCOL"},
                           {invalid_group_id, "INVALID_GROUP_ID"},
                           {unknown_member_id, "UNKNOWN_MEMBER_ID"},
                           {invalid_session_timeout, "INVALID_SESSION_TIMEOUT"},
                           {rebalance_in_progress, "REBALANCE_IN_PROGRESS"},
                           {invalid_commit_offset_size, "INVALID_COMMIT_OFFSET_SIZE"},
                           {topic_authorization_failed, "TOPIC_AUTHORIZATION_FAILED"},
                           {group_authorization_failed, "GROUP_AUTHORIZATION_FAILED"},
                           {cluster_authorization_failed, "CLUSTER_AUTHORIZATION_FAILED"},
                           {invalid_timestamp, "INVALID_TIMESTAMP"},
                           {unsupported_sasl_mechanism, "UNSUPPORTED_SASL_MECHANISM"},
                           {illegal_sasl_state, "ILLEGAL_SASL_STATE"},
                           {unsupported_version, "UNSUPPORTED_VERSION"},
                           {topic_already_exists, "TOPIC_ALREADY_EXISTS"},
                           {invalid_partitions, "INVALID_PARTITIONS"},
                           {invalid_replication_factor, "INVALID_REPLICATION_FACTOR"},
                           {invalid_replica_assignment, "INVALID_REPLICA_ASSIGNMENT"},
                           {invalid_config, "INVALID_CONFIG"},
                           {not_controller, "NOT_CONTROLLER"},
                           {invalid_request, "INVALID_REQUEST"},
                           {unsupported_for_message_format, "UNSUPPORTED_FOR_MESSAGE_FORMAT"},
                           {policy_violation, "POLICY_VIOLATION"},
                           {out_of_order_sequence, "OUT_OF_ORDER_SEQUENCE"},
                           {duplicate_sequence, "DUPLICATE_SEQUENCE"},
                           {invalid_producer_epoch, "INVALID_PRODUCER_EPOCH"},
                           {transactional_id_authorization_failed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"},
                           {security_disabled, "SECURITY_DISABLED"},
                           {kafka_storage_error, "KAFKA_STORAGE_ERROR"},
                           {log_dir_not_found, "LOG_DIR_NOT_FOUND"},
                           {sasl_authentication_failed, "SASL_AUTHENTICATION_FAILED"},
                           {unknown_producer_id, "UNKNOWN_PRODUCER_ID"},
                           {non_empty_group, "NON_EMPTY_GROUP"},
                           {group_id_not_found, "GROUP_ID_NOT_FOUND"},
                           {fetch_session_id_not_found, "FETCH_SESSION_ID_NOT_FOUND"},
                           {invalid_fetch_session_epoch, "INVALID_FETCH_SESSION_EPOCH"},
                           {topic_deletion_disabled, "TOPIC_DELETION_DISABLED"},
                           {fenced_leader_epoch, "FENCED_LEADER_EPOCH"},
                           {unknown_leader_epoch, "UNKNOWN_LEADER_EPOCH"},
                           {unsupported_compression_type, "UNSUPPORTED_COMPRESSION_TYPE"},
                           {offset_not_available, "OFFSET_NOT_AVAILABLE"},
                           {member_id_required, "MEMBER_ID_REQUIRED"},
                           {group_max_size_reached, "GROUP_MAX_SIZE_REACHED"},
                           {fenced_instance_id, "FENCED_INSTANCE_ID"},
                           {invalid_record, "INVALID_RECORD"},
                           {unstable_offset_commit, "UNSTABLE_OFFSET_COMMIT"},
                           {throttling_quota_exceeded, "THROTTLING_QUOTA_EXCEEDED"},
                           {producer_fenced, "PRODUCER_FENCED"},
                           {resource_not_found, "RESOURCE_NOT_FOUND"},
                           {duplicate_resource, "DUPLICATE_RESOURCE"},
                           {unacceptable_credential, "UNACCEPTABLE_CREDENTIAL"},
                           {unknown_topic_id, "UNKNOWN_TOPIC_ID"},
                           {inconsistent_topic_id, "INCONSISTENT_TOPIC_ID"},
                           {fetch_session_topic_id_error, "FETCH_SESSION_TOPIC_ID_ERROR"},
                           {mismatched_endpoint_type, "MISMATCHED_ENDPOINT_TYPE"}};

}  // namespace

std::string_view name_of(KafkaError error) {
  const auto* found = std::ranges::find(names, error, &Named::error);
  return found == std::end(names) ? "an unnamed error" : found->name;
}

}  // namespace pabal::kafka
