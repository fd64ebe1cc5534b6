#pragma once

#include "engine/simulation.h"

namespace pabal::broker {

// Members that join consumer groups, share out partitions, heartbeat, commit, leave, fall silent and come
// back, while topics are deleted and made anew under their names, on a machine that loses power, is killed
// and stopped. After each restart, who was a member goes on without a rebalance.
[[nodiscard]] engine::SimulationOutcome simulate_groups(const engine::SimulationOptions& options);

}  // namespace pabal::broker
