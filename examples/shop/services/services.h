#pragma once

#include "shop/services/settings.h"

namespace shop {

// Each runs one service of the shop until SIGTERM, and returns the program's exit status.
int run_order(const Settings& settings);
int run_inventory(const Settings& settings);
int run_payment(const Settings& settings);
int run_member(const Settings& settings);
int run_shipping(const Settings& settings);
int run_notification(const Settings& settings);
int run_settlement(const Settings& settings);

}  // namespace shop
