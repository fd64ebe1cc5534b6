#include "base/fuzz.h"
#include "broker/producer_state.h"

// What is kept of an idempotent producer.

PABAL_FUZZ(producer_state) {
  using namespace pabal;
  auto state = broker::ProducerState::decode(as_text(input));
  if (!state) return;
  auto again = broker::ProducerState::decode(state->encode());
  check(again && *again == *state, "a producer's state of {} batches came back changed",
        state->kept().size());
}
