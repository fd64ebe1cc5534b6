#pragma once

#include <string>

#include "cli/api.h"

namespace pabal::cli {

// The body of a record or message for people, on one line: `name` holds JSON or text, `name`_base64 bytes.
[[nodiscard]] std::string body_text(const Json& record, const std::string& name);

}  // namespace pabal::cli
