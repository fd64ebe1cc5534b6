#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "shop/orders/purchase.h"

namespace shop {

// What an orders file holds, by the shop's rules. One invoice is one order, in the order of first appearance.
struct OrdersFile {
  std::vector<Purchase> purchases = {};
  uint64_t lines_read = 0;  // without the header
  uint64_t lines_used = 0;
  std::map<std::string, std::vector<uint64_t>> refused = {};  // reason -> line numbers

  [[nodiscard]] uint64_t lines_refused() const { return lines_read - lines_used; }
};

// Reads a CSV file (plain or .gz) with the columns InvoiceNo, StockCode, Description, Quantity, InvoiceDate,
// UnitPrice, CustomerID, Country. A bad line is refused and listed; only a file that cannot be read, or whose
// header is another's, is an error. With `limit`, reading stops where invoice limit + 1 would begin.
[[nodiscard]] Result<OrdersFile> read_orders(const std::string& path, std::optional<uint64_t> limit = {});

}  // namespace shop
