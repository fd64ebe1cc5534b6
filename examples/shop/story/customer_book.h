#pragma once

#include <map>
#include <string>
#include <vector>

#include "shop/story/reckoning.h"

namespace shop {

// When processes were away, by name: from, to, in µs since 1970.
using AwayTimes = std::map<std::string, std::vector<std::pair<int64_t, int64_t>>>;

// Writes down what the customers remember of an act, and when which process was away, in a database of their
// own, ACT_DIRECTORY/customer/customer.db, so that the recount can read it.
[[nodiscard]] Result<void> write_customer_book(const std::string& act_directory,
                                               const std::vector<Attempt>& attempts, const AwayTimes& away);

}  // namespace shop
