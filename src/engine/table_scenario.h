#pragma once

#include "engine/simulation.h"

namespace pabal::engine {

// Clients that change a table whose log is rewritten all the time, on a machine that loses power, is killed
// and runs full. After each restart the table is compared with what was acknowledged.
[[nodiscard]] SimulationOutcome simulate_table(const SimulationOptions& options);

}  // namespace pabal::engine
