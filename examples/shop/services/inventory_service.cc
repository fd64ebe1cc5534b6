// Inventory: what lies on the shelves. An order gets all of its goods or none; what comes back is put back.
#include <fstream>

#include "shop/orders/csv.h"
#include "shop/services/books.h"
#include "shop/services/services.h"

namespace shop {
namespace {

// Each change of the stock is a movement, so that start + restocked - sold is what is left. A reservation
// that is given up before it was made stays given up: whoever asks late gets nothing.
const std::vector<std::string> tables = {
    "CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, quantity INTEGER)",
    "CREATE TABLE IF NOT EXISTS movements (sku TEXT, quantity INTEGER, kind TEXT, order_id TEXT, at_us "
    "INTEGER)",
    "CREATE INDEX IF NOT EXISTS movements_of ON movements (sku)",
    "CREATE TABLE IF NOT EXISTS reservations (order_id TEXT PRIMARY KEY, state TEXT, short TEXT, at_us "
    "INTEGER)"};

using Goods = std::map<std::string, int64_t>;  // sku -> pieces

Goods goods_of(const Order& order) {
  Goods goods;
  for (const PurchaseLine& line : order.lines) goods[line.sku] += line.quantity;
  return goods;
}

Result<void> move(Tx& tx, const Goods& goods, std::string_view kind, const std::string& order_id) {
  int64_t sign = kind == "sold" ? -1 : 1;
  for (const auto& [sku, pieces] : goods) {
    auto counted = tx.run(
        "INSERT INTO stock (sku, quantity) VALUES (?, ?)"
        " ON CONFLICT (sku) DO UPDATE SET quantity = quantity + excluded.quantity",
        sku, sign * pieces);
    if (!counted) return std::unexpected(counted.error());
    auto noted = tx.run("INSERT INTO movements (sku, quantity, kind, order_id, at_us) VALUES (?, ?, ?, ?, ?)",
                        sku, pieces, kind, order_id, now_us());
    if (!noted) return std::unexpected(noted.error());
  }
  return {};
}

// The first article of which there is too little; empty when there is enough of all.
Result<std::string> short_of(Tx& tx, const Goods& goods) {
  for (const auto& [sku, pieces] : goods) {
    auto row = tx.first("SELECT quantity FROM stock WHERE sku = ?", sku);
    if (!row) return std::unexpected(row.error());
    if ((*row ? (*row)->integer(0) : 0) < pieces) return sku;
  }
  return std::string();
}

struct Reservation {
  bool made = false;
  std::string reason = {};
};

// The same answer the second time.
Result<Reservation> reserve(Tx& tx, const Order& order) {
  auto before = tx.first("SELECT state, short FROM reservations WHERE order_id = ?", order.id);
  if (!before) return std::unexpected(before.error());
  if (*before) return Reservation{(*before)->text(0) == "reserved", (*before)->text(1)};
  Goods goods = goods_of(order);
  auto missing = short_of(tx, goods);
  if (!missing) return std::unexpected(missing.error());
  Reservation result{missing->empty(), missing->empty() ? "" : "there is not enough of " + *missing};
  auto noted = tx.run("INSERT INTO reservations (order_id, state, short, at_us) VALUES (?, ?, ?, ?)",
                      order.id, result.made ? "reserved" : "refused", result.reason, now_us());
  if (!noted) return std::unexpected(noted.error());
  if (result.made) {
    if (auto moved = move(tx, goods, "sold", order.id); !moved) return std::unexpected(moved.error());
  }
  auto told = result.made ? answer_by_event(tx, order, "InventoryReserved")
                          : answer_by_event(tx, order, "InventoryRefused", {{"reason", result.reason}});
  if (!told) return std::unexpected(told.error());
  return result;
}

// The order did not come about: what was kept for it goes back.
Result<void> release(Tx& tx, const Order& order) {
  auto released = tx.run(
      "UPDATE reservations SET state = 'released' WHERE order_id = ? AND state = 'reserved'", order.id);
  if (!released) return std::unexpected(released.error());
  if (*released == 1) return move(tx, goods_of(order), "restocked", order.id);
  auto noted = tx.run(
      "INSERT OR IGNORE INTO reservations (order_id, state, short, at_us)"
      " VALUES (?, 'released', 'the order was given up', ?)",
      order.id, now_us());
  if (!noted) return std::unexpected(noted.error());
  return {};
}

Result<void> give_back(Tx& tx, const Order& order, const Event& event) {
  return event.type == "OrderCancelled" ? move(tx, goods_of(order), "restocked", order.id)
                                        : release(tx, order);
}

// The shelves are filled once, from a CSV of sku,quantity.
Result<void> fill_shelves(Service& service, const std::string& path) {
  auto reader = CsvReader::open(path);
  if (!reader) return std::unexpected(reader.error());
  Goods goods;
  for (bool header = true;; header = false) {
    auto record = (*reader)->next();
    if (!record) return std::unexpected(record.error());
    if (!*record) break;
    const auto& fields = (*record)->fields;
    if (header && fields == std::vector<std::string>{"sku", "quantity"}) continue;
    auto pieces = fields.size() == 2 ? Money::parse(fields[1]) : error(ErrorCode::invalid, "");
    if (!pieces || pieces->is_negative() || Money::pounds(pieces->whole_pounds()) != *pieces) {
      return error(ErrorCode::invalid, "{}: line {}: expected sku,quantity with a whole quantity", path,
                   (*record)->line);
    }
    goods[fields[0]] += pieces->whole_pounds();
  }
  return service.write([&](Tx& tx) -> Result<void> {
    auto filled = tx.first("SELECT 1 FROM movements WHERE kind = 'start'");
    if (!filled) return std::unexpected(filled.error());
    return *filled ? Result<void>() : move(tx, goods, "start", "");
  });
}

Result<Json> ledger(Tx& tx) {
  auto row = tx.first(
      "SELECT (SELECT COALESCE(SUM(quantity), 0) FROM stock),"
      " COALESCE(SUM(CASE kind WHEN 'start' THEN quantity END), 0),"
      " COALESCE(SUM(CASE kind WHEN 'sold' THEN quantity END), 0),"
      " COALESCE(SUM(CASE kind WHEN 'restocked' THEN quantity END), 0) FROM movements");
  if (!row) return std::unexpected(row.error());
  auto wrong = tx.first(
      "SELECT COUNT(*) FROM stock WHERE quantity != (SELECT SUM(CASE kind WHEN 'sold' THEN -m.quantity ELSE"
      " m.quantity END) FROM movements m WHERE m.sku = stock.sku)");
  if (!wrong) return std::unexpected(wrong.error());
  return Json{{"stock",
               {{"left", (*row)->integer(0)},
                {"start", (*row)->integer(1)},
                {"sold", (*row)->integer(2)},
                {"restocked", (*row)->integer(3)},
                {"articles_that_do_not_add_up", (*wrong)->integer(0)}}}};
}

}  // namespace

int run_inventory(const Settings& settings) {
  Service service(service_options(settings));
  keep_books(service, {.own_tables = tables, .effects = {"reservations"}, .ledger = ledger, .prepare = [&] {
                         return settings.stock.empty() ? Result<void>()
                                                       : fill_shelves(service, settings.stock);
                       }});

  service.on("inventory.reserve", hearing("order.events", {"OrderCreated"}),
             of_order(service, [](Tx& tx, const Order& order, const Event&) -> Result<void> {
               if (order.flow != "async" || order.lines.empty()) return {};  // asked already, or rejected
               auto reservation = reserve(tx, order);
               if (!reservation) return std::unexpected(reservation.error());
               return {};
             }));
  service.on("inventory.restock", hearing("order.events", {"OrderCancelled", "OrderRejected"}),
             of_order(service, give_back));

  service.http("POST", "/reservations", [&](const Request& request) -> Result<Response> {
    auto order = order_in(request);
    if (!order) return std::unexpected(order.error());
    auto reservation = service.write([&](Tx& tx) { return reserve(tx, *order); });
    if (!reservation) return std::unexpected(reservation.error());
    return Response{.status = reservation->made ? 201 : 409, .body = {{"reason", reservation->reason}}};
  });
  service.http("POST", "/returns", [&](const Request& request) -> Result<Response> {
    auto order = order_in(request);
    if (!order) return std::unexpected(order.error());
    auto moved = service.write([&](Tx& tx) { return move(tx, goods_of(*order), "restocked", order->id); });
    if (!moved) return std::unexpected(moved.error());
    return Response{.status = 201, .body = {{"order_id", order->id}}};
  });
  return service.run();
}

}  // namespace shop
