#pragma once

#include <string>
#include <vector>

#include "cli/api.h"
#include "cli/screen.h"

namespace pabal::cli {

// The path of one flow (GET /v1/trace/{id}) as a line of time: one lane for each service, a mark where it did
// something, gaps where nobody worked.
[[nodiscard]] std::vector<std::string> trace_text(const Json& trace, const Screen& screen);

}  // namespace pabal::cli
