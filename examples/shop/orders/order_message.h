#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "shop/orders/purchase.h"

namespace shop {

using Json = nlohmann::json;

// An order, or its cancellation, as it travels through the shop: in requests and in the data of every event,
// so that no service has to ask another for what it needs.
struct Order {
  std::string id = {};
  std::string invoice = {};   // the customer's own number for it
  std::string customer = {};  // empty: a guest
  std::string email = {};
  std::string country = {};
  std::string flow =
      {};  // who does the next step: the caller ("hybrid", "chain") or whoever hears of it ("async")
  std::vector<PurchaseLine> lines = {};

  [[nodiscard]] Money amount() const;
  [[nodiscard]] int64_t points() const { return customer.empty() ? 0 : amount().whole_pounds(); }
  [[nodiscard]] int64_t pieces() const;
};

[[nodiscard]] Json to_json(const Order& order);
// `invalid` names the field, what was read and what would be right.
[[nodiscard]] Result<Order> order_from_json(const Json& json);

// Letters, digits and -_. , at most 60 of them: what an order number is made of.
[[nodiscard]] bool is_order_id(std::string_view text);

}  // namespace shop
