#pragma once

#include <map>
#include <string>

#include "base/error.h"

namespace pabal::server {

// Writes {"http": "127.0.0.1:41234", …}. Whoever waits for the file sees all of it or none.
Result<void> write_ports_file(const std::string& path, const std::map<std::string, std::string>& addresses);

}  // namespace pabal::server
