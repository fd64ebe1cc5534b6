// Shipping: sends the goods of every paid order on their way, once.
#include "shop/services/books.h"
#include "shop/services/services.h"

namespace shop {
namespace {

constexpr auto shipments =
    "CREATE TABLE IF NOT EXISTS shipments (order_id TEXT PRIMARY KEY, pieces INTEGER, country TEXT, at_us "
    "INTEGER)";

// Nothing happens the second time.
Result<void> start_shipment(Tx& tx, const Order& order) {
  auto started =
      tx.run("INSERT OR IGNORE INTO shipments (order_id, pieces, country, at_us) VALUES (?, ?, ?, ?)",
             order.id, order.pieces(), order.country, now_us());
  if (!started) return std::unexpected(started.error());
  if (*started == 0) return {};
  return tell(tx, order, "ShipmentStarted", {{"pieces", order.pieces()}});
}

Result<Json> ledger(Tx& tx) {
  auto shipped = texts(tx, "SELECT order_id FROM shipments");
  if (!shipped) return shipped;
  return Json{{"shipped", *shipped}};
}

}  // namespace

int run_shipping(const Settings& settings) {
  Service service(service_options(settings));
  keep_books(service, {.own_tables = {shipments}, .effects = {"shipments"}, .ledger = ledger});

  service.on(
      "shipping.start", hearing("order.events", {"OrderPaid"}),
      of_order(service, [](Tx& tx, const Order& order, const Event&) { return start_shipment(tx, order); }));

  service.http("POST", "/shipments", [&](const Request& request) -> Result<Response> {
    auto order = order_in(request);
    if (!order) return std::unexpected(order.error());
    auto started = service.write([&](Tx& tx) { return start_shipment(tx, *order); });
    if (!started) return std::unexpected(started.error());
    return Response{.status = 201, .body = {{"order_id", order->id}, {"status", "SHIPPED"}}};
  });
  return service.run();
}

}  // namespace shop
