#pragma once

#include <string>
#include <string_view>

#include "doors/http/answers.h"
#include "doors/http/route.h"

namespace pabal::doors {

// The OpenAPI 3.1 description of every route in the table: what the server answers and what is written about
// it cannot drift apart.
[[nodiscard]] Json openapi_json(const RouteTable& table, std::string_view version);

}  // namespace pabal::doors
