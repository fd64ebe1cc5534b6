#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shop/services/books.h"

namespace shop {

// What the order service knows of its orders: their status and the steps they have taken. Functions over an
// open transaction; nothing is kept in memory.
namespace order_book {

// The statuses of an order. FAILED: the shop could not do it, and has undone what it had begun.
constexpr auto processing = "PROCESSING";
constexpr auto paid = "PAID";
constexpr auto rejected = "REJECTED";
constexpr auto cancelled = "CANCELLED";
constexpr auto failed = "FAILED";

struct Entry {
  Order order;
  std::string status;
  std::string reason;
  int64_t created_us = 0;
};

[[nodiscard]] std::vector<std::string> tables();

[[nodiscard]] Result<std::optional<Entry>> find(Tx& tx, const std::string& order_id);
// Enters an order with its first step; what is there already stays as it is. `mode` is how it was placed.
[[nodiscard]] Result<void> enter(Tx& tx, const Order& order, const std::string& mode,
                                 const std::string& status, const std::string& step);
// False when the order is not in status `from` (any more); then nothing changes.
[[nodiscard]] Result<bool> advance(Tx& tx, const std::string& order_id, const std::string& from,
                                   const std::string& to, const std::string& reason = {});
// Notes the time of a step, the first time.
[[nodiscard]] Result<void> note_step(Tx& tx, const std::string& order_id, const std::string& step);
[[nodiscard]] Result<void> note_steps(Tx& tx, const std::string& order_id,
                                      const std::vector<std::string>& steps);

// The order as GET /orders/{id} shows it, if there is one.
[[nodiscard]] Result<std::optional<Json>> show(Tx& tx, const std::string& order_id);
// Orders that somebody began to place before that time, and did not end.
[[nodiscard]] Result<std::vector<Order>> left_lying(Tx& tx, int64_t before_us);
[[nodiscard]] Result<Json> ledger(Tx& tx);

}  // namespace order_book
}  // namespace shop
