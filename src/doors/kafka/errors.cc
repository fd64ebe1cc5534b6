#include "doors/kafka/errors.h"

namespace pabal::doors {

kafka::KafkaError kafka_error_of(ErrorCode code) {
  using kafka::KafkaError;
  switch (code) {
    case ErrorCode::not_found:
      return KafkaError::unknown_topic_or_partition;
    case ErrorCode::corrupt:
      return KafkaError::corrupt_message;
    case ErrorCode::too_large:
      return KafkaError::message_too_large;
    case ErrorCode::disk_full:
    case ErrorCode::read_only:
    case ErrorCode::io_failed:
      return KafkaError::kafka_storage_error;
    case ErrorCode::unavailable:
    case ErrorCode::over_limit:
    case ErrorCode::timed_out:
    case ErrorCode::cancelled:
      return KafkaError::request_timed_out;  // tried again by every client
    case ErrorCode::unsupported:
      return KafkaError::unsupported_for_message_format;
    case ErrorCode::unauthorized:
    case ErrorCode::forbidden:
      return KafkaError::cluster_authorization_failed;
    case ErrorCode::conflict:
    case ErrorCode::key_reused:
      return KafkaError::invalid_request;
    case ErrorCode::out_of_order:
      return KafkaError::out_of_order_sequence;
    case ErrorCode::duplicate:
      return KafkaError::duplicate_sequence;
    case ErrorCode::fenced:
      return KafkaError::invalid_producer_epoch;
    case ErrorCode::invalid:
    case ErrorCode::wrong_method:
    case ErrorCode::wrong_media:
      return KafkaError::invalid_record;
    case ErrorCode::unreachable:
    case ErrorCode::peer_failed:
      return KafkaError::unknown_server_error;
  }
  return KafkaError::unknown_server_error;
}

kafka::KafkaError kafka_error_of(broker::GroupError error) {
  using broker::GroupError;
  using kafka::KafkaError;
  switch (error) {
    case GroupError::none:
      return KafkaError::none;
    case GroupError::unavailable:
      return KafkaError::coordinator_not_available;
    case GroupError::invalid_group:
      return KafkaError::invalid_group_id;
    case GroupError::group_not_found:
      return KafkaError::group_id_not_found;
    case GroupError::not_empty:
      return KafkaError::non_empty_group;
    case GroupError::unknown_member:
      return KafkaError::unknown_member_id;
    case GroupError::member_id_required:
      return KafkaError::member_id_required;
    case GroupError::fenced_instance:
      return KafkaError::fenced_instance_id;
    case GroupError::illegal_generation:
      return KafkaError::illegal_generation;
    case GroupError::rebalance_in_progress:
      return KafkaError::rebalance_in_progress;
    case GroupError::inconsistent_protocol:
      return KafkaError::inconsistent_group_protocol;
    case GroupError::invalid_session_timeout:
      return KafkaError::invalid_session_timeout;
    case GroupError::group_full:
      return KafkaError::group_max_size_reached;
    case GroupError::invalid_request:
      return KafkaError::invalid_request;
    case GroupError::unknown_topic:
      return KafkaError::unknown_topic_or_partition;
    case GroupError::metadata_too_large:
      return KafkaError::offset_metadata_too_large;
    case GroupError::too_many_offsets:
      return KafkaError::invalid_commit_offset_size;
  }
  return KafkaError::unknown_server_error;
}

}  // namespace pabal::doors
