#pragma once

#include "engine/simulation.h"

namespace pabal::engine {

// Clients that commit to one or several logs, read, trim, look up times, make and delete logs, on a machine
// that loses power, is killed, stopped, runs full and meets I/O errors. After each restart all that is left
// is read and judged by LogModel.
[[nodiscard]] SimulationOutcome simulate_log(const SimulationOptions& options);

}  // namespace pabal::engine
