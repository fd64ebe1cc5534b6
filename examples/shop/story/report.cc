#include "shop/story/report.h"

#include <fmt/format.h>

namespace shop {
namespace {

using nlohmann::json;

double tenths(int64_t n) { return static_cast<double>(n) / 10; }

json to_json(const OnceEach& once) {
  return {{"due", once.due}, {"done", once.done}, {"lost", once.lost}, {"doubled", once.doubled}};
}

json with_amount(const OnceEach& once, Money amount) {
  json result = to_json(once);
  result["amount"] = amount.to_string();
  return result;
}

bool whole(const OnceEach& once) { return once.lost == 0 && once.doubled == 0; }

void compare(const std::string& path, const json& ours, const json& theirs, std::vector<std::string>& found) {
  if (!theirs.is_object()) {
    if (ours != theirs)
      found.push_back(fmt::format("{}: {}, counted again: {}", path, ours.dump(), theirs.dump()));
    return;
  }
  for (const auto& [name, value] : theirs.items()) {
    std::string place = path.empty() ? name : fmt::format("{}.{}", path, name);
    compare(place, ours.is_object() ? ours.value(name, json()) : json(), value, found);
  }
}

// "12" or, when something is wrong with it, "12 -2 +1": two lost, one done twice.
std::string told(const OnceEach& once) {
  std::string result = std::to_string(once.done);
  if (once.lost > 0) result += fmt::format(" -{}", once.lost);
  if (once.doubled > 0) result += fmt::format(" +{}", once.doubled);
  return result;
}

}  // namespace

bool ActReport::whole() const {
  return shop::whole(payments) && shop::whole(refunds) && shop::whole(emails) && shop::whole(shipments) &&
         shop::whole(settlements) && points.due == points.done && stock.articles_that_do_not_add_up == 0;
}

json to_json(const ActReport& r) {
  json result = {
      {"orders",
       {{"submitted", r.orders.submitted},
        {"answered", r.orders.answered},
        {"failed", r.orders.failed},
        {"paid_but_told_failed", r.orders.paid_but_told_failed},
        {"cancelled", r.orders.cancelled},
        {"rejected", r.orders.rejected},
        {"per_second", tenths(r.orders.per_second_tenths)},
        {"answered_while_server_away", r.orders.answered_while_server_away}}},
      {"response_ms",
       {{"p50", tenths(r.response_ms.p50_tenths)},
        {"p99", tenths(r.response_ms.p99_tenths)},
        {"max", tenths(r.response_ms.max_tenths)},
        {"predicted", r.response_ms.predicted}}},
      {"payments", with_amount(r.payments, r.paid)},
      {"refunds", with_amount(r.refunds, r.refunded)},
      {"emails", to_json(r.emails)},
      {"shipments", to_json(r.shipments)},
      {"settlements", to_json(r.settlements)},
      {"points", {{"due", r.points.due}, {"done", r.points.done}}},
      {"stock",
       {{"start", r.stock.start},
        {"sold", r.stock.sold},
        {"restocked", r.stock.restocked},
        {"left", r.stock.left},
        {"articles_that_do_not_add_up", r.stock.articles_that_do_not_add_up}}},
      {"input_lines",
       {{"read", r.input_lines.read}, {"used", r.input_lines.used}, {"refused", r.input_lines.refused}}},
      {"refused_lines", r.refused_lines},
      {"events",
       {{"published", r.events.published}, {"redelivered", r.events.redelivered}, {"dead", r.events.dead}}},
      {"caught_up_s", tenths(r.caught_up_tenths)}};
  result.update(r.more);
  return result;
}

std::vector<std::string> differences(const json& report, const json& recount) {
  std::vector<std::string> found;
  compare("", report, recount, found);
  return found;
}

std::string to_table(const std::vector<std::pair<std::string, ActReport>>& acts) {
  constexpr std::string_view row =
      "{:<14}{:>7}{:>7}{:>6}{:>7}{:>8}{:>8}{:>8}{:>5}{:>12}{:>12}{:>9}{:>9}{:>11}\n";
  std::string table =
      fmt::format(fmt::runtime(row), "act", "orders", "failed", "paid*", "per s", "p50 ms", "p99 ms",
                  "max ms", "sum", "payments", "e-mails", "shipped", "settled", "caught up");
  for (const auto& [name, r] : acts) {
    table +=
        fmt::format(fmt::runtime(row), name, r.orders.submitted, r.orders.failed,
                    r.orders.paid_but_told_failed, fmt::format("{:.0f}", tenths(r.orders.per_second_tenths)),
                    fmt::format("{:.1f}", tenths(r.response_ms.p50_tenths)),
                    fmt::format("{:.1f}", tenths(r.response_ms.p99_tenths)),
                    fmt::format("{:.1f}", tenths(r.response_ms.max_tenths)), r.response_ms.predicted,
                    told(r.payments), told(r.emails), told(r.shipments), told(r.settlements),
                    fmt::format("{:.1f} s", tenths(r.caught_up_tenths)));
  }
  return table +
         "paid*: paid, but the customer was told that his order failed. -n: lost. +n: done twice.\n"
         "sum: what the service times and hops in the customer's way add up to, in ms.\n";
}

}  // namespace shop
