// Settlement: books the turnover of every paid order, once.
#include "shop/services/books.h"
#include "shop/services/services.h"

namespace shop {
namespace {

constexpr auto settlements =
    "CREATE TABLE IF NOT EXISTS settlements (order_id TEXT PRIMARY KEY, amount TEXT, at_us INTEGER)";

// Nothing happens the second time.
Result<void> settle(Tx& tx, const Order& order) {
  auto booked = tx.run("INSERT OR IGNORE INTO settlements (order_id, amount, at_us) VALUES (?, ?, ?)",
                       order.id, order.amount().to_string(), now_us());
  if (!booked) return std::unexpected(booked.error());
  if (*booked == 0) return {};
  return tell(tx, order, "OrderSettled");
}

Result<Json> ledger(Tx& tx) {
  auto settled = texts(tx, "SELECT order_id FROM settlements");
  if (!settled) return settled;
  return Json{{"settled", *settled}};
}

}  // namespace

int run_settlement(const Settings& settings) {
  Service service(service_options(settings));
  keep_books(service, {.own_tables = {settlements}, .effects = {"settlements"}, .ledger = ledger});

  service.on("settlement.book", hearing("order.events", {"OrderPaid"}),
             of_order(service, [](Tx& tx, const Order& order, const Event&) { return settle(tx, order); }));

  service.http("POST", "/settlements", [&](const Request& request) -> Result<Response> {
    auto order = order_in(request);
    if (!order) return std::unexpected(order.error());
    auto booked = service.write([&](Tx& tx) { return settle(tx, *order); });
    if (!booked) return std::unexpected(booked.error());
    return Response{.status = 201, .body = {{"order_id", order->id}, {"status", "SETTLED"}}};
  });
  return service.run();
}

}  // namespace shop
