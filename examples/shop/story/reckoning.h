#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "shop/orders/order_import.h"
#include "shop/story/report.h"

namespace shop {

// One order as a customer sent it, and what he was told.
struct Attempt {
  enum class Outcome { ok, rejected, failed };  // failed: told so, or nothing within his patience

  std::string order_id;
  std::string invoice;
  Outcome outcome = Outcome::failed;
  int64_t sent_us = 0;  // since 1970
  int64_t answered_us = 0;
};

// What the services' own ledgers say at the end of an act.
struct Ledgers {
  struct Order {
    std::string status;
    bool paid = false;  // its step "paid" is done, be it with nothing to pay
  };
  std::map<std::string, Order> orders;
  std::vector<std::pair<std::string, Money>> charged;   // order id, amount
  std::vector<std::pair<std::string, Money>> refunded;  // of a cancellation
  std::vector<std::string> mailed;                      // order ids, and so on
  std::vector<std::string> shipped;
  std::vector<std::string> settled;
  std::vector<std::pair<std::string, int64_t>> points;  // order id, earned or (negative) taken back
  decltype(ActReport::stock) stock;
  decltype(ActReport::events) events;
  int64_t last_effect_us = 0;
};

// Everything known of one act.
struct ActRecord {
  std::string act;
  std::vector<Attempt> attempts = {};
  std::vector<std::pair<int64_t, int64_t>> server_away_us = {};  // from, to
  Ledgers ledgers = {};
};

// Draws up an act's report: what was due by the orders file and the answers, what was done by the ledgers.
[[nodiscard]] ActReport reckon(const OrdersFile& file, const ActRecord& record);

}  // namespace shop
