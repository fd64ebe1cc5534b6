#pragma once

#include <nlohmann/json.hpp>

#include "flows/facts.h"

namespace pabal::flows {

// GET /flow: what was observed, with what is known of each thing that has a name.
[[nodiscard]] nlohmann::json flow_json(const Facts& facts);

// A figure for people: three digits behind the point.
[[nodiscard]] double rounded(double value);

}  // namespace pabal::flows
