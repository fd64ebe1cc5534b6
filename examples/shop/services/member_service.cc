// Member: what a member may still spend, and his points. The one service that is pushed to.
#include "shop/services/books.h"
#include "shop/services/services.h"

namespace shop {
namespace {

// state: held, refused or released. A hold that is given up before it was made stays given up.
const std::vector<std::string> tables = {
    "CREATE TABLE IF NOT EXISTS members (customer TEXT PRIMARY KEY, spent TEXT)",
    "CREATE TABLE IF NOT EXISTS holds (order_id TEXT PRIMARY KEY, customer TEXT, amount TEXT, state TEXT,"
    " at_us INTEGER)",
    "CREATE TABLE IF NOT EXISTS points (order_id TEXT, kind TEXT, customer TEXT, points INTEGER, at_us "
    "INTEGER,"
    " PRIMARY KEY (order_id, kind))"};

Result<Money> spent_by(Tx& tx, const std::string& customer) {
  auto row = tx.first("SELECT spent FROM members WHERE customer = ?", customer);
  if (!row) return std::unexpected(row.error());
  return *row ? Money::parse((*row)->text(0)) : Money();
}

Result<void> spend(Tx& tx, const std::string& customer, Money amount) {
  auto before = spent_by(tx, customer);
  if (!before) return std::unexpected(before.error());
  auto noted = tx.run("INSERT OR REPLACE INTO members (customer, spent) VALUES (?, ?)", customer,
                      (*before + amount).to_string());
  if (!noted) return std::unexpected(noted.error());
  return {};
}

struct Hold {
  bool made = false;
  std::string reason = {};
};

// Takes the amount from the member's balance, once; a guest has none and pays all the same.
Result<Hold> hold(Tx& tx, const Order& order, const std::optional<Money>& balance) {
  auto before = tx.first("SELECT state FROM holds WHERE order_id = ?", order.id);
  if (!before) return std::unexpected(before.error());
  if (*before) return Hold{(*before)->text(0) == "held", "the balance was refused before"};
  auto spent = spent_by(tx, order.customer);
  if (!spent) return std::unexpected(spent.error());
  bool enough = order.customer.empty() || !balance || *spent + order.amount() <= *balance;
  auto noted =
      tx.run("INSERT INTO holds (order_id, customer, amount, state, at_us) VALUES (?, ?, ?, ?, ?)", order.id,
             order.customer, order.amount().to_string(), enough ? "held" : "refused", now_us());
  if (!noted) return std::unexpected(noted.error());
  if (enough && !order.customer.empty()) {
    if (auto taken = spend(tx, order.customer, order.amount()); !taken) return std::unexpected(taken.error());
  }
  Hold result{enough, enough ? "" : "the balance is too low"};
  auto told = enough ? answer_by_event(tx, order, "BalanceReserved")
                     : answer_by_event(tx, order, "BalanceRefused", {{"reason", result.reason}});
  if (!told) return std::unexpected(told.error());
  return result;
}

// The order did not come about: the member may spend the amount elsewhere.
Result<void> release(Tx& tx, const Order& order) {
  auto released =
      tx.run("UPDATE holds SET state = 'released' WHERE order_id = ? AND state = 'held'", order.id);
  if (!released) return std::unexpected(released.error());
  if (*released == 1)
    return order.customer.empty() ? Result<void>() : spend(tx, order.customer, Money() - order.amount());
  auto noted = tx.run(
      "INSERT OR IGNORE INTO holds (order_id, customer, amount, state, at_us)"
      " VALUES (?, ?, ?, 'released', ?)",
      order.id, order.customer, order.amount().to_string(), now_us());
  if (!noted) return std::unexpected(noted.error());
  return {};
}

// Whole pounds earn points, and a cancellation takes back those of its refund; nothing happens the second
// time.
Result<void> count_points(Tx& tx, const Order& order, bool earned) {
  if (order.customer.empty() || order.lines.empty()) return {};
  int64_t points = earned ? order.points() : -order.points();
  auto noted =
      tx.run("INSERT OR IGNORE INTO points (order_id, kind, customer, points, at_us) VALUES (?, ?, ?, ?, ?)",
             order.id, earned ? "earned" : "taken back", order.customer, points, now_us());
  if (!noted) return std::unexpected(noted.error());
  if (*noted == 0) return {};
  if (earned) return tell(tx, order, "PointsEarned", {{"points", points}});
  return spend(tx, order.customer, Money() - order.amount());
}

Result<void> hear(Tx& tx, const Order& order, const Event& event) {
  if (event.type == "OrderRejected") return release(tx, order);
  return count_points(tx, order, event.type == "OrderPaid");
}

Result<Response> show_member(Service& service, const Settings& settings, const std::string& customer) {
  return service.read([&](Tx& tx) -> Result<Response> {
    auto spent = spent_by(tx, customer);
    if (!spent) return std::unexpected(spent.error());
    auto points = tx.first("SELECT COALESCE(SUM(points), 0) FROM points WHERE customer = ?", customer);
    if (!points) return std::unexpected(points.error());
    Json balance = settings.balance ? Json((*settings.balance - *spent).to_string()) : Json();
    return Response{.body = {{"customer", customer},
                             {"spent", spent->to_string()},
                             {"balance", balance},
                             {"points", (*points)->integer(0)}}};
  });
}

pabal::sdk::PushOptions pushed(std::string topic, std::vector<std::string> types) {
  pabal::sdk::PushOptions options{.topic = std::move(topic), .types = std::move(types)};
  options.timeout = std::chrono::seconds(3);
  options.backoff = {.first = std::chrono::milliseconds(200), .max = std::chrono::seconds(5)};
  return options;
}

Result<Json> ledger(Tx& tx) {
  auto points = pairs(tx, "SELECT order_id, SUM(points) FROM points GROUP BY order_id");
  if (!points) return points;
  return Json{{"points", *points}};
}

}  // namespace

int run_member(const Settings& settings) {
  Service service(service_options(settings));
  keep_books(service, {.own_tables = tables, .effects = {"points"}, .ledger = ledger});

  service.on_push("member.balance", pushed("inventory.events", {"InventoryReserved"}),
                  of_order(service, [&](Tx& tx, const Order& order, const Event&) -> Result<void> {
                    auto held = hold(tx, order, settings.balance);
                    if (!held) return std::unexpected(held.error());
                    return {};
                  }));
  service.on_push("member.points", pushed("order.events", {"OrderPaid", "OrderCancelled", "OrderRejected"}),
                  of_order(service, hear));

  service.http("POST", "/holds", [&](const Request& request) -> Result<Response> {
    auto order = order_in(request);
    if (!order) return std::unexpected(order.error());
    auto held = service.write([&](Tx& tx) { return hold(tx, *order, settings.balance); });
    if (!held) return std::unexpected(held.error());
    return Response{.status = held->made ? 201 : 409, .body = {{"reason", held->reason}}};
  });
  service.http("POST", "/points", [&](const Request& request) -> Result<Response> {
    auto order = order_in(request);
    if (!order) return std::unexpected(order.error());
    bool earned = request.query("kind") != "cancelled";
    auto counted = service.write([&](Tx& tx) { return count_points(tx, *order, earned); });
    if (!counted) return std::unexpected(counted.error());
    return Response{.status = 201, .body = {{"order_id", order->id}}};
  });
  service.http("GET", "/members/{customer}", [&](const Request& request) {
    return show_member(service, settings, request.param("customer"));
  });
  return service.run();
}

}  // namespace shop
