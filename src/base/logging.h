#pragma once

#include <spdlog/spdlog.h>
#include <string_view>

namespace pabal {

// One line per event to standard error: time, level, room, message. `level` is trace, debug, info, warn,
// error or off; returns false for anything else. Values that a peer sent are quoted by the caller; secrets
// are never passed.
bool start_logging(std::string_view level);

}  // namespace pabal
