#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Identities of idempotent producers.
namespace pabal::kafka {

constexpr Api init_producer_id_api{.key = ApiKey::init_producer_id,
                                   .name = "InitProducerId",
                                   .first = ApiVersion(0),
                                   .last = ApiVersion(5),
                                   .first_flexible = ApiVersion(2)};

struct InitProducerIdRequest {
  static constexpr const Api& api = init_producer_id_api;
  static constexpr bool is_request = true;

  std::optional<std::string> transactional_id = std::string();
  Milliseconds transaction_timeout = {};
  ProducerId producer_id = ProducerId(-1);
  ProducerEpoch producer_epoch = ProducerEpoch(-1);

  static void describe(auto& visit) {
    visit("transactional_id", &InitProducerIdRequest::transactional_id, always.null_since(0));
    visit("transaction_timeout", &InitProducerIdRequest::transaction_timeout, always);
    visit("producer_id", &InitProducerIdRequest::producer_id, since(3));
    visit("producer_epoch", &InitProducerIdRequest::producer_epoch, since(3));
  }
  friend bool operator==(const InitProducerIdRequest&, const InitProducerIdRequest&) = default;
};

struct InitProducerIdResponse {
  static constexpr const Api& api = init_producer_id_api;
  static constexpr bool is_request = false;

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  ProducerId producer_id = ProducerId(-1);
  ProducerEpoch producer_epoch = {};

  static void describe(auto& visit) {
    visit("throttle_time", &InitProducerIdResponse::throttle_time, always.ignorable());
    visit("error_code", &InitProducerIdResponse::error_code, always);
    visit("producer_id", &InitProducerIdResponse::producer_id, always);
    visit("producer_epoch", &InitProducerIdResponse::producer_epoch, always);
  }
  friend bool operator==(const InitProducerIdResponse&, const InitProducerIdResponse&) = default;
};

}  // namespace pabal::kafka
