#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/http.h"

namespace pabal::doors {

// Members keep the order in which they were written, as people read them.
using Json = nlohmann::ordered_json;

[[nodiscard]] runtime::HttpResponse json_answer(int status, std::string body);
[[nodiscard]] runtime::HttpResponse json_answer(int status, const Json& body);
[[nodiscard]] runtime::HttpResponse no_content();
// Text that is not UTF-8 is shown with U+FFFD in its place.
[[nodiscard]] std::string dump(const Json& json);

// The problem document of an error; 503 says when to come back.
[[nodiscard]] runtime::HttpResponse problem_answer(const Error& error);

// An error when the body comes compressed, which nothing but /v1/traces reads.
[[nodiscard]] Result<void> need_plain(const runtime::HttpRequest& request);

// An error unless the body is plain JSON by its content type; a request without a body needs none.
[[nodiscard]] Result<void> need_json(const runtime::HttpRequest& request);

}  // namespace pabal::doors
