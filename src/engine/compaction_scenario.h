#pragma once

#include "engine/simulation.h"

namespace pabal::engine {

// Keyed records and tombstones into a compacted log on a machine that crashes; what is left must say the same
// of each key as all that was written, and nothing may be missing that no later record has replaced.
[[nodiscard]] SimulationOutcome simulate_compaction(const SimulationOptions& options);

}  // namespace pabal::engine
