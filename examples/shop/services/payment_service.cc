// Payment: charges an order once, however often it is asked, and pays back what is cancelled.
#include "shop/services/books.h"
#include "shop/services/services.h"

namespace shop {
namespace {

using pabal::sdk::CallOptions;

// status: charged, declined or voided. An order that is given up before it was charged is voided here, so
// that a charge that comes late finds the door closed.
const std::vector<std::string> tables = {
    "CREATE TABLE IF NOT EXISTS payments (order_id TEXT PRIMARY KEY, amount TEXT, status TEXT, reason TEXT,"
    " at_us INTEGER)",
    "CREATE TABLE IF NOT EXISTS refunds (order_id TEXT PRIMARY KEY, amount TEXT, at_us INTEGER)"};

struct Charge {
  bool paid = false;
  std::string reason = {};
};

Result<Charge> charge_first_time(Tx& tx, const Order& order, Money card_limit) {
  Charge charge{order.amount() <= card_limit, ""};
  if (!charge.paid) charge.reason = "the card is good for " + card_limit.to_string() + " at most";
  auto noted = tx.run("INSERT INTO payments (order_id, amount, status, reason, at_us) VALUES (?, ?, ?, ?, ?)",
                      order.id, order.amount().to_string(), charge.paid ? "charged" : "declined",
                      charge.reason, now_us());
  if (!noted) return std::unexpected(noted.error());
  return charge;
}

// The same answer the second time. An order that costs nothing is not charged, and paid.
Result<Charge> charge(Tx& tx, const Order& order, Money card_limit) {
  auto before = tx.first("SELECT status, reason, amount FROM payments WHERE order_id = ?", order.id);
  if (!before) return std::unexpected(before.error());
  if (*before) {
    if ((*before)->text(2) != order.amount().to_string()) {
      return error(ErrorCode::key_reused, "order {} was to be charged {} before, and {} now", order.id,
                   (*before)->text(2), order.amount().to_string());
    }
    return Charge{(*before)->text(0) == "charged", (*before)->text(1)};
  }
  auto charge = order.amount().is_zero() ? Charge{true, ""} : charge_first_time(tx, order, card_limit);
  if (!charge) return charge;
  auto told = charge->paid ? answer_by_event(tx, order, "PaymentCompleted")
                           : answer_by_event(tx, order, "PaymentFailed", {{"reason", charge->reason}});
  if (!told) return std::unexpected(told.error());
  return charge;
}

Result<void> refund(Tx& tx, const Order& order) {
  auto paid_back = tx.run("INSERT OR IGNORE INTO refunds (order_id, amount, at_us) VALUES (?, ?, ?)",
                          order.id, order.amount().to_string(), now_us());
  if (!paid_back) return std::unexpected(paid_back.error());
  return {};
}

// The order did not come about: nothing is charged for it, and what was is not.
Result<void> void_payment(Tx& tx, const Order& order) {
  auto voided = tx.run(
      "INSERT INTO payments (order_id, amount, status, reason, at_us)"
      " VALUES (?, ?, 'voided', 'the order was given up', ?)"
      " ON CONFLICT (order_id) DO UPDATE SET status = 'voided' WHERE status = 'charged'",
      order.id, order.amount().to_string(), now_us());
  if (!voided) return std::unexpected(voided.error());
  return {};
}

Result<void> pay_back(Tx& tx, const Order& order, const Event& event) {
  if (order.lines.empty()) return {};  // it is rejected
  return event.type == "OrderCancelled" ? refund(tx, order) : void_payment(tx, order);
}

// In the short chain it is payment that sends the mail, and whoever asked waits for that, too.
Result<void> pass_on(Service& service, const Request& request, const Order& order, const std::string& kind) {
  if (request.query("then") != "notification") return {};
  Json mail = to_json(order);
  mail["kind"] = kind;
  auto sent = service.call("notification").post("/mails", mail, order.id);
  if (!sent) return std::unexpected(sent.error());
  if (!sent->ok()) return error(ErrorCode::peer_failed, "notification answered {}", sent->status);
  return {};
}

Result<Json> ledger(Tx& tx) {
  auto charged = pairs(tx, "SELECT order_id, amount FROM payments WHERE status = 'charged'");
  if (!charged) return charged;
  auto refunded = pairs(tx, "SELECT order_id, amount FROM refunds");
  if (!refunded) return refunded;
  return Json{{"charged", *charged}, {"refunded", *refunded}};
}

}  // namespace

int run_payment(const Settings& settings) {
  Service service(service_options(settings));
  keep_books(service, {.own_tables = tables, .effects = {"payments", "refunds"}, .ledger = ledger});
  service.peer("notification", settings.peers.at("notification"), naive(std::chrono::seconds(10)));

  service.on("payment.charge", hearing("member.events", {"BalanceReserved"}, settings.workers),
             of_order(service, [&](Tx& tx, const Order& order, const Event&) -> Result<void> {
               work_for(settings.service_time);
               auto done = charge(tx, order, settings.card_limit);
               if (!done) return std::unexpected(done.error());
               return {};
             }));
  service.on("payment.refund", hearing("order.events", {"OrderCancelled", "OrderRejected"}),
             of_order(service, pay_back));

  service.http("POST", "/payments", [&](const Request& request) -> Result<Response> {
    auto order = order_in(request);
    if (!order) return std::unexpected(order.error());
    work_for(settings.service_time);
    auto done = service.write([&](Tx& tx) { return charge(tx, *order, settings.card_limit); });
    if (!done) return std::unexpected(done.error());
    if (!done->paid) return Response{.status = 402, .body = {{"reason", done->reason}}};
    if (auto passed = pass_on(service, request, *order, "paid"); !passed)
      return std::unexpected(passed.error());
    return Response{.status = 201, .body = {{"order_id", order->id}, {"status", "CHARGED"}}};
  });
  service.http("POST", "/refunds", [&](const Request& request) -> Result<Response> {
    auto order = order_in(request);
    if (!order) return std::unexpected(order.error());
    work_for(settings.service_time);
    auto done = service.write([&](Tx& tx) { return refund(tx, *order); });
    if (!done) return std::unexpected(done.error());
    if (auto passed = pass_on(service, request, *order, "cancelled"); !passed)
      return std::unexpected(passed.error());
    return Response{.status = 201, .body = {{"order_id", order->id}, {"status", "REFUNDED"}}};
  });
  return service.run();
}

}  // namespace shop
