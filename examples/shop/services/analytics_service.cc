// Analytics: turnover by country. It joins when the others have long been running, and nobody notices.
#include "shop/services/books.h"
#include "shop/services/services.h"

namespace shop {
namespace {

constexpr auto sales =
    "CREATE TABLE IF NOT EXISTS sales (order_id TEXT, kind TEXT, country TEXT, amount TEXT, at_us INTEGER,"
    " PRIMARY KEY (order_id, kind))";

Result<void> count_sale(Tx& tx, const Order& order, const Event& event) {
  if (order.lines.empty()) return {};
  auto noted =
      tx.run("INSERT OR IGNORE INTO sales (order_id, kind, country, amount, at_us) VALUES (?, ?, ?, ?, ?)",
             order.id, event.type, order.country, order.amount().to_string(), now_us());
  if (!noted) return std::unexpected(noted.error());
  return {};
}

struct Turnover {
  int64_t orders = 0;
  int64_t cancellations = 0;
  Money amount = {};
};

Result<std::map<std::string, Turnover>> by_country(Tx& tx) {
  auto rows = tx.query("SELECT kind, country, amount FROM sales");
  if (!rows) return std::unexpected(rows.error());
  std::map<std::string, Turnover> countries;
  for (const auto& row : *rows) {
    Turnover& country = countries[row.text(1)];
    auto amount = Money::parse(row.text(2));
    if (!amount) return std::unexpected(amount.error());
    bool paid = row.text(0) == "OrderPaid";
    (paid ? country.orders : country.cancellations) += 1;
    country.amount += paid ? *amount : Money() - *amount;
  }
  return countries;
}

Result<Json> ledger(Tx& tx) {
  auto countries = by_country(tx);
  if (!countries) return std::unexpected(countries.error());
  Json result = Json::object();
  for (const auto& [name, turnover] : *countries) {
    result[name] = {{"orders", turnover.orders},
                    {"cancellations", turnover.cancellations},
                    {"amount", turnover.amount.to_string()}};
  }
  return Json{{"countries", result}};
}

}  // namespace

int run_analytics(const Settings& settings) {
  Service service(service_options(settings));
  keep_books(service, {.own_tables = {sales}, .effects = {"sales"}, .ledger = ledger});
  service.on("analytics", hearing("order.events", {"OrderPaid", "OrderCancelled"}),
             of_order(service, count_sale));
  return service.run();
}

}  // namespace shop
