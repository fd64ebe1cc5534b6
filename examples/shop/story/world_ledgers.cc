#include "shop/story/world.h"

namespace shop {
namespace {

using nlohmann::json;
using AmountByOrder = std::vector<std::pair<std::string, Money>>;

std::vector<std::string> texts(const json& ledger, const char* name) {
  std::vector<std::string> result;
  for (const json& text : ledger.value(name, json::array())) result.push_back(text.get<std::string>());
  return result;
}

AmountByOrder amounts(const json& ledger, const char* name) {
  AmountByOrder result;
  for (const json& pair : ledger.value(name, json::array())) {
    result.emplace_back(pair.at(0).get<std::string>(),
                        Money::parse(pair.at(1).get<std::string>()).value_or(Money()));
  }
  return result;
}

void read_order(const json& ledger, Ledgers& all) {
  for (const json& row : ledger.value("orders", json::array())) {
    all.orders[row.at(0).get<std::string>()] = {row.at(1).get<std::string>(), row.at(2).get<bool>()};
  }
  all.events.published += ledger.value("published_straight", int64_t{0});
}

void read_stock(const json& ledger, Ledgers& all) {
  json stock = ledger.value("stock", json::object());
  all.stock = {.start = stock.value("start", int64_t{0}),
               .sold = stock.value("sold", int64_t{0}),
               .restocked = stock.value("restocked", int64_t{0}),
               .left = stock.value("left", int64_t{0}),
               .articles_that_do_not_add_up = stock.value("articles_that_do_not_add_up", int64_t{0})};
}

void read(const std::string& service, const json& ledger, Ledgers& all) {
  if (service == "order") read_order(ledger, all);
  if (service == "inventory") read_stock(ledger, all);
  if (service == "payment") all.charged = amounts(ledger, "charged");
  if (service == "payment") all.refunded = amounts(ledger, "refunded");
  if (service == "shipping") all.shipped = texts(ledger, "shipped");
  if (service == "settlement") all.settled = texts(ledger, "settled");
  if (service == "notification") all.mailed = texts(ledger, "mailed");
  for (const json& pair : ledger.value("points", json::array())) {
    all.points.emplace_back(pair.at(0).get<std::string>(), std::stoll(pair.at(1).get<std::string>()));
  }
  all.events.published += ledger.value("published", int64_t{0});
  all.events.redelivered += ledger.value("redelivered", int64_t{0});
  if (service != "inventory" && service != "analytics") {
    all.last_effect_us = std::max(all.last_effect_us, ledger.value("last_effect_us", int64_t{0}));
  }
}

}  // namespace

Result<Ledgers> World::ledgers() {
  Ledgers all;
  std::vector<std::string> present = services();
  if (supervisor_.status_of("analytics")) present.emplace_back("analytics");
  for (const std::string& service : present) {
    auto ledger = ask(service, "/ledger");
    if (!ledger) return std::unexpected(ledger.error());
    read(service, *ledger, all);
  }
  return all;
}

}  // namespace shop
