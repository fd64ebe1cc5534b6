// Order: takes orders and cancellations, and knows how far each has come.
#include <charconv>
#include <csignal>
#include <fmt/format.h>

#include "base/random.h"
#include "base/uuid.h"
#include "shop/services/books.h"
#include "shop/services/order_book.h"
#include "shop/services/order_flows.h"
#include "shop/services/services.h"

namespace shop {
namespace {

using std::chrono::milliseconds;

// Nobody waits for an order that long: one that is still in process was left lying when this service died.
constexpr std::chrono::seconds left_lying_after{3};
constexpr milliseconds sweep_every{500};

std::string new_order_id() {
  pabal::Random random = pabal::Random::from_system();
  return "O-" + pabal::Uuid::random(random).to_string().substr(0, 8);
}

Result<std::string> mode_of(const Request& request) {
  std::string mode = request.query("mode").value_or("hybrid");
  if (mode == "hybrid" || mode == "async" || mode == "chain" || mode == "chain-3") return mode;
  return error(ErrorCode::invalid, "mode: read \"{}\"; expected hybrid, async, chain or chain-3", mode);
}

// The order's number is the Idempotency-Key, or what the body says, or a new one.
Result<Order> read_order(const Request& request, const std::string& mode) {
  auto order = order_in(request);
  if (!order) return order;
  std::string key = request.header("Idempotency-Key").value_or("");
  if (key.size() > 1 && key.starts_with('"') && key.ends_with('"')) key = key.substr(1, key.size() - 2);
  if (order->id.empty()) order->id = key.empty() ? new_order_id() : key;
  if (!is_order_id(order->id))
    return error(ErrorCode::invalid, "Idempotency-Key: not letters, digits and -_. only");
  if (order->invoice.empty()) order->invoice = order->id;
  if (order->email.empty()) {
    order->email = (order->customer.empty() ? "guest-" + order->id : order->customer) + "@customers.example";
  }
  order->flow = mode == "chain-3" ? "chain" : mode;
  return order;
}

// A customer who does not say until when he waits (Answer-By, in ms since 1970) waits two seconds.
DecideBy decide_by(const Request& request) {
  constexpr milliseconds patience_max{2'000};
  constexpr milliseconds margin{600};  // for the commit and the way back
  std::string text = request.header("Answer-By").value_or("");
  int64_t until_ms = 0;
  bool said = std::from_chars(text.data(), text.data() + text.size(), until_ms).ec == std::errc{};
  milliseconds left = said ? std::min(patience_max, milliseconds(until_ms - now_us() / 1'000)) : patience_max;
  return std::chrono::steady_clock::now() + left - margin;
}

Result<Response> place(OrderFlows& flows, const Request& request) {
  auto mode = mode_of(request);
  if (!mode) return std::unexpected(mode.error());
  auto order = read_order(request, *mode);
  if (!order) return std::unexpected(order.error());
  for (const PurchaseLine& line : order->lines) {
    if (line.quantity == 0)
      return error(ErrorCode::invalid, "lines: read a quantity of 0; expected 1 or more");
  }
  if (*mode == "chain-3") return flows.place_chain_of_three(*order);
  if (*mode == "chain") return flows.place_chain(*order);
  if (*mode == "async") return flows.place_async(*order, decide_by(request));
  return flows.place_hybrid(*order, decide_by(request));
}

// Without a body the whole order is cancelled, as it was placed. With one it is what comes back, be the
// purchase known or not.
Result<Order> read_cancellation(Service& service, const Request& request, const std::string& mode) {
  const std::string& id = request.param("id");
  if (!request.body.empty()) {
    auto order = read_order(request, mode);
    if (order) order->id = id;
    return order;
  }
  auto entry = service.read([&](Tx& tx) { return order_book::find(tx, id); });
  if (!entry) return std::unexpected(entry.error());
  if (!*entry)
    return error(ErrorCode::not_found, "there is no order {}; a body with lines says what comes back", id);
  (*entry)->order.flow = "hybrid";
  return (*entry)->order;
}

Result<Response> cancel(Service& service, OrderFlows& flows, const Request& request) {
  auto mode = mode_of(request);
  if (!mode) return std::unexpected(mode.error());
  auto order = read_cancellation(service, request, *mode);
  if (!order) return std::unexpected(order.error());
  if (*mode == "chain-3") return flows.cancel_chain_of_three(*order);
  if (*mode == "chain") return flows.cancel_chain(*order);
  if (*mode == "async" && !request.body.empty()) return flows.cancel_async(*order, decide_by(request));
  return flows.cancel_hybrid(*order, decide_by(request));
}

Result<Response> show(Service& service, const Request& request) {
  auto shown = service.read([&](Tx& tx) { return order_book::show(tx, request.param("id")); });
  if (!shown) return std::unexpected(shown.error());
  if (!*shown) return error(ErrorCode::not_found, "there is no order {}", request.param("id"));
  return Response{.body = **shown};
}

// -- what the order hears from the others
// ----------------------------------------------------------------------------

Result<void> reject(Tx& tx, const Order& order, const std::string& reason) {
  if (auto entered = order_book::enter(tx, order, "async", order_book::processing, "created"); !entered)
    return entered;
  auto advanced = order_book::advance(tx, order.id, order_book::processing, order_book::rejected, reason);
  if (!advanced) return std::unexpected(advanced.error());
  return *advanced ? tell(tx, order, "OrderRejected", {{"reason", reason}}) : Result<void>();
}

// An order or a cancellation that was only accepted yet.
Result<void> take_in(Tx& tx, const Order& order, const Event& event) {
  if (order.flow != "async") return {};
  bool created = event.type == "OrderCreated";
  if (created && order.lines.empty()) return reject(tx, order, "the order has no accepted line");
  std::string status = created               ? order_book::processing
                       : order.lines.empty() ? order_book::rejected
                                             : order_book::cancelled;
  return order_book::enter(tx, order, "async", status, created ? "created" : "cancelled");
}

// The events of one order may arrive in any order: whichever comes first enters it.
Result<void> complete(Tx& tx, const Order& order) {
  if (auto entered = order_book::enter(tx, order, "async", order_book::processing, "created"); !entered)
    return entered;
  auto advanced = order_book::advance(tx, order.id, order_book::processing, order_book::paid);
  if (!advanced) return std::unexpected(advanced.error());
  if (!*advanced) return {};
  if (auto noted = order_book::note_step(tx, order.id, "paid"); !noted) return noted;
  return tell(tx, order, "OrderPaid");
}

Result<void> hear(Tx& tx, const Order& order, const Event& event) {
  if (event.type == "InventoryRefused" || event.type == "BalanceRefused" || event.type == "PaymentFailed") {
    return reject(tx, order, event.text("reason").value_or(event.type));
  }
  if (event.type == "PaymentCompleted") return complete(tx, order);
  const std::map<std::string, std::string> steps = {
      {"InventoryReserved", "reserved"}, {"BalanceReserved", "balance"}, {"ShipmentStarted", "shipped"},
      {"PointsEarned", "points"},        {"OrderSettled", "settled"},    {"NotificationSent", "mailed"}};
  auto step = steps.find(event.type);
  return step == steps.end() ? Result<void>() : order_book::note_step(tx, order.id, step->second);
}

void listen(Service& service, const Settings& settings) {
  service.on("order.intake", hearing("order.events", {"OrderCreated", "OrderCancelled"}, settings.workers),
             of_order(service, [&](Tx& tx, const Order& order, const Event& event) -> Result<void> {
               if (order.flow == "async" && event.type == "OrderCreated") work_for(settings.service_time);
               return take_in(tx, order, event);
             }));
  for (auto [queue, topic] : {std::pair{"order.stock", "inventory.events"},
                              {"order.member", "member.events"},
                              {"order.progress", "payment.events"},
                              {"order.shipped", "shipping.events"},
                              {"order.settled", "settlement.events"},
                              {"order.mailed", "notification.events"}}) {
    service.on(queue, hearing(topic, {}, 2), of_order(service, hear));
  }
}

void sweep(Service& service, OrderFlows& flows) {
  int64_t before = now_us() - std::chrono::microseconds(left_lying_after).count();
  auto orders = service.read([&](Tx& tx) { return order_book::left_lying(tx, before); });
  for (const Order& order : orders ? *orders : std::vector<Order>{}) {
    (void)flows.give_up(order, "the order service died while it was being placed");
  }
}

// Until SIGTERM or SIGINT.
int serve(Service& service, OrderFlows& flows, const Settings& settings) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  if (auto started = service.start(); !started) return fail_to_start(settings, started.error());
  timespec pause{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(sweep_every).count()};
  while (sigtimedwait(&ends, nullptr, &pause) < 0) sweep(service, flows);
  service.stop();
  return 0;
}

}  // namespace

int run_order(const Settings& settings) {
  Service service(service_options(settings));
  keep_books(service, {.own_tables = order_book::tables(),
                       .effects = {"steps"},
                       .ledger = order_book::ledger,
                       .unfinished = "SELECT (SELECT COUNT(*) FROM orders WHERE status = 'PROCESSING') +"
                                     " (SELECT COUNT(*) FROM publish_failures WHERE status = 'waiting')"});
  for (auto [peer, patience] : {std::pair{"inventory", 400},
                                {"member", 400},
                                {"payment", 800},
                                {"shipping", 400},
                                {"settlement", 400},
                                {"notification", 400}}) {
    if (auto address = settings.peers.find(peer); address != settings.peers.end()) {
      service.peer(
          peer, address->second,
          settings.naive_calls ? naive(std::chrono::seconds(10)) : neighbour(milliseconds(patience)));
    }
  }
  OrderFlows flows(service, settings);
  service.http("POST", "/orders", [&](const Request& request) { return place(flows, request); });
  service.http("POST", "/orders/{id}/cancel",
               [&](const Request& request) { return cancel(service, flows, request); });
  service.http("GET", "/orders/{id}", [&](const Request& request) { return show(service, request); });
  listen(service, settings);
  return serve(service, flows, settings);
}

}  // namespace shop
