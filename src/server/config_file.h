#pragma once

#include <string>

#include "base/error.h"
#include "server/settings.h"

namespace pabal::server {

// Takes what a YAML file says. An error names file, line and key, what was read and what would be right; all
// of the file is read before any of it counts.
Result<void> read_config_file(Settings& settings, const std::string& path);
// The same from text that is at hand.
Result<void> read_config(Settings& settings, const std::string& text, const std::string& path);

}  // namespace pabal::server
