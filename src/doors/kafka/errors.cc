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

}  // namespace pabal::doors
