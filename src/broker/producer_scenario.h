#pragma once

#include "engine/simulation.h"

namespace pabal::broker {

// Idempotent producers, as Kafka's clients are: up to five batches of a partition in flight, connections that
// break, answers that are lost, batches sent again until they are too old, raised epochs and new ids, silence
// for longer than producers are known; on a machine that loses power, is killed and stopped.
[[nodiscard]] engine::SimulationOutcome simulate_producers(const engine::SimulationOptions& options);

}  // namespace pabal::broker
