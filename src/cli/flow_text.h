#pragma once

#include <string>
#include <vector>

#include "cli/api.h"
#include "cli/screen.h"

namespace pabal::cli {

// The flow graph (GET /v1/flow) drawn as lines of text: each topic with who publishes to it and the queues
// that read it, who consumes them, the calls, and in sentences what is wrong.
[[nodiscard]] std::vector<std::string> flow_text(const Json& flow, const Screen& screen);

}  // namespace pabal::cli
