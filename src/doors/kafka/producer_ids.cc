#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"

namespace pabal::doors {

using kafka::KafkaError;

// Every call gets a new id. An idempotent producer that has come to the end of its epochs, or does not know
// what became of a batch, raises the epoch itself or comes for another id: the one it names changes nothing.
Answer<kafka::InitProducerIdResponse> init_producer_id(KafkaCall& call,
                                                       kafka::InitProducerIdRequest request) {
  kafka::InitProducerIdResponse response{.producer_epoch = ProducerEpoch(-1)};
  bool has_id = request.producer_id != ProducerId(-1);
  bool has_epoch = request.producer_epoch != ProducerEpoch(-1);
  if (request.transactional_id) {
    bool is_named = !request.transactional_id->empty();
    response.error_code =
        is_named ? KafkaError::transactional_id_authorization_failed : KafkaError::invalid_request;
    co_return response;
  }
  if (has_id != has_epoch) {
    response.error_code = KafkaError::invalid_request;
    co_return response;
  }
  auto id = co_await call.parts.broker.new_producer_id();
  if (!id) {
    // Not REQUEST_TIMED_OUT and the like: clients try this one again.
    response.error_code = KafkaError::coordinator_not_available;
    co_return response;
  }
  response.producer_id = *id;
  response.producer_epoch = ProducerEpoch(0);
  co_return response;
}

}  // namespace pabal::doors
