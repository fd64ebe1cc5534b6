#pragma once

#include <string_view>

#include "base/error.h"
#include "runtime/http.h"

namespace pabal::runtime {

// "Not Found" for 404; "Unknown" for what no standard names.
[[nodiscard]] std::string_view http_reason(int status);

// An RFC 9457 answer: application/problem+json with title, status and detail.
[[nodiscard]] HttpResponse problem_response(int status, std::string_view detail);
// The same for an Error: its code gives the status, `fields` become `errors`; 503 carries Retry-After.
[[nodiscard]] HttpResponse problem_response(const Error& error);

}  // namespace pabal::runtime
