#pragma once

#include <string>

#include "shop/story/stage.h"

namespace shop {

// The act of that name, which is one of all_acts().
[[nodiscard]] Act act_named(const std::string& name);

// What the customer waits for, by the plan: the service times and hops in his way, in ms.
[[nodiscard]] int64_t predicted_ms(const std::string& mode, const StoryOptions& options);

// The p-th percentile (nearest rank) of the response times of those who were answered and for whom `which`
// says yes, in ms; 0 when there is none.
[[nodiscard]] double percentile_ms(const std::vector<Attempt>& attempts, int percent,
                                   const std::function<bool(const Attempt&)>& which);

}  // namespace shop
