#include "shop/services/order_book.h"

#include "base/units.h"

namespace shop::order_book {
namespace {

std::string time_text(int64_t at_us) {
  return pabal::format_time(pabal::WallTime(std::chrono::milliseconds(at_us / 1'000)));
}

Result<Order> stored_order(const pabal::relay::Row& row, size_t column) {
  return order_from_json(Json::parse(row.text(column), nullptr, false));
}

}  // namespace

std::vector<std::string> tables() {
  return {
      "CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, invoice TEXT, customer TEXT, amount "
      "TEXT,"
      " mode TEXT, status TEXT, reason TEXT, data TEXT, created_us INTEGER)",
      "CREATE INDEX IF NOT EXISTS orders_processing ON orders (created_us) WHERE status = 'PROCESSING'",
      "CREATE TABLE IF NOT EXISTS steps (order_id TEXT, step TEXT, at_us INTEGER, PRIMARY KEY (order_id, "
      "step))"};
}

Result<std::optional<Entry>> find(Tx& tx, const std::string& order_id) {
  auto row = tx.first("SELECT data, status, reason, created_us FROM orders WHERE order_id = ?", order_id);
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::optional<Entry>();
  auto order = stored_order(**row, 0);
  if (!order) return std::unexpected(order.error());
  return Entry{std::move(*order), (*row)->text(1), (*row)->text(2), (*row)->integer(3)};
}

Result<void> enter(Tx& tx, const Order& order, const std::string& mode, const std::string& status,
                   const std::string& step) {
  auto entered = tx.run(
      "INSERT OR IGNORE INTO orders (order_id, invoice, customer, amount, mode, status, reason, data, "
      "created_us)"
      " VALUES (?, ?, ?, ?, ?, ?, '', ?, ?)",
      order.id, order.invoice, order.customer, order.amount().to_string(), mode, status,
      to_json(order).dump(), now_us());
  if (!entered) return std::unexpected(entered.error());
  return *entered == 1 ? note_step(tx, order.id, step) : Result<void>();
}

Result<bool> advance(Tx& tx, const std::string& order_id, const std::string& from, const std::string& to,
                     const std::string& reason) {
  auto changed = tx.run("UPDATE orders SET status = ?, reason = ? WHERE order_id = ? AND status = ?", to,
                        reason, order_id, from);
  if (!changed) return std::unexpected(changed.error());
  return *changed == 1;
}

Result<void> note_step(Tx& tx, const std::string& order_id, const std::string& step) {
  auto noted = tx.run("INSERT OR IGNORE INTO steps (order_id, step, at_us) VALUES (?, ?, ?)", order_id, step,
                      now_us());
  if (!noted) return std::unexpected(noted.error());
  return {};
}

Result<void> note_steps(Tx& tx, const std::string& order_id, const std::vector<std::string>& steps) {
  for (const std::string& step : steps) {
    if (auto noted = note_step(tx, order_id, step); !noted) return noted;
  }
  return {};
}

Result<std::optional<Json>> show(Tx& tx, const std::string& order_id) {
  auto entry = find(tx, order_id);
  if (!entry) return std::unexpected(entry.error());
  auto rows = tx.query("SELECT step, at_us FROM steps WHERE order_id = ? ORDER BY at_us", order_id);
  if (!rows) return std::unexpected(rows.error());
  if (!*entry) return std::optional<Json>();
  Json shown = to_json((*entry)->order);
  shown["status"] = (*entry)->status;
  if (!(*entry)->reason.empty()) shown["reason"] = (*entry)->reason;
  shown["steps"] = Json::array();
  for (const auto& row : *rows)
    shown["steps"].push_back({{"step", row.text(0)}, {"at", time_text(row.integer(1))}});
  return shown;
}

Result<std::vector<Order>> left_lying(Tx& tx, int64_t before_us) {
  auto rows =
      tx.query("SELECT data FROM orders WHERE status = 'PROCESSING' AND mode = 'hybrid' AND created_us < ?",
               before_us);
  if (!rows) return std::unexpected(rows.error());
  std::vector<Order> orders;
  for (const auto& row : *rows) {
    auto order = stored_order(row, 0);
    if (!order) return std::unexpected(order.error());
    orders.push_back(std::move(*order));
  }
  return orders;
}

Result<Json> ledger(Tx& tx) {
  auto rows = tx.query(
      "SELECT order_id, status, EXISTS (SELECT 1 FROM steps s WHERE s.order_id = o.order_id AND step = "
      "'paid')"
      " FROM orders o");
  if (!rows) return std::unexpected(rows.error());
  Json orders = Json::array();
  for (const auto& row : *rows) orders.push_back({row.text(0), row.text(1), row.integer(2) == 1});
  auto straight = tx.first("SELECT COUNT(*) FROM orders WHERE mode = 'async'");
  if (!straight) return std::unexpected(straight.error());
  return Json{{"orders", orders}, {"published_straight", (*straight)->integer(0)}};
}

}  // namespace shop::order_book
