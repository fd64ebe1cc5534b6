#pragma once

#include "engine/simulation.h"

namespace pabal::broker {

// Clients that publish (with sequences, with idempotency keys, plainly), post, receive, ack, nack, look and
// redrive on several queues, on a machine that loses power, is killed, stopped and runs full. At last all
// that is left is taken, and every record and message is accounted for.
[[nodiscard]] engine::SimulationOutcome simulate_broker(const engine::SimulationOptions& options);

}  // namespace pabal::broker
