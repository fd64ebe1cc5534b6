#include <sys/mman.h>
#include <unistd.h>

#include "base/fuzz.h"
#include "shop/orders/csv.h"
#include "shop/orders/order_import.h"
#include "shop/orders/order_message.h"

// Files of orders, plain and compressed, and the orders that services send each other.

namespace shop {
namespace {

using pabal::BytesView;
using pabal::check;

// Whether the text comes at once or a byte at a time, it holds the same records.
void check_steps(std::string_view text) {
  while (!text.empty()) {
    auto step = read_csv_record(text, true);
    check(step && step->bytes > 0 && step->bytes <= text.size(), "a record of {} bytes in {}",
          step ? step->bytes : 0, text.size());
    check(step->record.problem.empty() != step->record.fields.empty(), "a record with fields and a problem");
    auto early = read_csv_record(text.substr(0, step->bytes), false);
    check(!early || early->bytes == step->bytes || early->record.problem.size() > 0,
          "{} bytes, and {} of them", step->bytes, early ? early->bytes : 0);
    text.remove_prefix(step->bytes);
  }
}

void check_file(const OrdersFile& file) {
  uint64_t refused = 0;
  for (const auto& [reason, lines] : file.refused) refused += lines.size();
  check(refused == file.lines_refused(), "{} lines are refused, and {} listed", file.lines_refused(),
        refused);
  for (const Purchase& purchase : file.purchases) {
    for (const PurchaseLine& line : purchase.lines) {
      check(line.quantity >= 0 && !line.price.is_negative(), "{} pieces of {}", line.quantity, line.sku);
      check(Money::parse(line.price.to_string()) == line.price, "the price {} is another",
            line.price.to_string());
      static_cast<void>(Json(line.description).dump());  // throws unless it is UTF-8
    }
  }
}

void try_file(BytesView input) {
  int file = memfd_create("orders", MFD_CLOEXEC);
  check(file >= 0 && write(file, input.data(), input.size()) == static_cast<ssize_t>(input.size()),
        "no file");
  auto orders = read_orders(fmt::format("/proc/self/fd/{}", file), 50);
  close(file);
  if (orders) check_file(*orders);
}

void try_order(std::string_view text) {
  auto order = order_from_json(Json::parse(text, nullptr, false));
  if (!order) return;
  auto again = order_from_json(Json::parse(to_json(*order).dump()));
  check(again && to_json(*again) == to_json(*order), "order {} came back changed", order->id);
  static_cast<void>(order->points() + order->pieces());
}

}  // namespace
}  // namespace shop

PABAL_FUZZ(orders) {
  shop::check_steps(pabal::as_text(input));
  shop::try_file(input);
  shop::try_order(pabal::as_text(input));
}
