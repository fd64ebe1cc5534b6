#pragma once

#include <cstdint>
#include <string>

namespace shop {

struct GeneratedOrders {
  uint64_t seed = 1;
  uint64_t count = 200;  // invoices, cancellations among them
};

// A CSV file of made-up orders as read_orders() takes it: mostly plain purchases, and a few guests, gifts,
// cancellations, prices with three decimals and lines that must be refused. The same seed, the same text.
[[nodiscard]] std::string generate_orders(const GeneratedOrders& options);

}  // namespace shop
