#include "shop/services/order_flows.h"

#include <chrono>
#include <fmt/format.h>

namespace shop {
namespace {

constexpr auto no_lines = "the order has no accepted line";
constexpr auto too_many = "there were too many before it";

bool is_late(DecideBy decide_by) { return std::chrono::steady_clock::now() > decide_by; }

Response answer(int status, const std::string& order_id, const std::string& state,
                const std::string& reason = {}) {
  Response response{.status = status, .body = {{"order_id", order_id}, {"status", state}}};
  if (!reason.empty()) response.body["reason"] = reason;
  return response;
}

// The order of that number, if any, which must be the same order.
Result<std::optional<order_book::Entry>> find_same(Tx& tx, const Order& order) {
  auto entry = order_book::find(tx, order.id);
  if (entry && *entry && to_json((*entry)->order) != to_json(order)) {
    return error(ErrorCode::key_reused, "there is another order with the number {}", order.id);
  }
  return entry;
}

}  // namespace

Response answer_for(const order_book::Entry& entry) {
  int status = entry.status == order_book::paid         ? 201
               : entry.status == order_book::cancelled  ? 200
               : entry.status == order_book::processing ? 202
               : entry.status == order_book::rejected   ? 409
                                                        : 503;
  return answer(status, entry.order.id, entry.status, entry.reason);
}

// -- the chains
// ------------------------------------------------------------------------------------------------------

Result<Response> OrderFlows::place_chain_of_three(const Order& order) {
  return run_chain(order, "paid", {{"paid", "payment", "/payments?then=notification"}});
}

Result<Response> OrderFlows::place_chain(const Order& order) {
  return run_chain(order, "paid",
                   {{"reserved", "inventory", "/reservations"},
                    {"balance", "member", "/holds"},
                    {"paid", "payment", "/payments"},
                    {"shipped", "shipping", "/shipments"},
                    {"points", "member", "/points"},
                    {"settled", "settlement", "/settlements"},
                    {"mailed", "notification", "/mails"}});
}

Result<Response> OrderFlows::cancel_chain_of_three(const Order& order) {
  return run_chain(order, "cancelled", {{"refunded", "payment", "/refunds?then=notification"}});
}

Result<Response> OrderFlows::cancel_chain(const Order& order) {
  return run_chain(order, "cancelled",
                   {{"refunded", "payment", "/refunds"},
                    {"restocked", "inventory", "/returns"},
                    {"points", "member", "/points?kind=cancelled"},
                    {"mailed", "notification", "/mails"}});
}

// Empty when it said yes, the reason when it said no, an error when it said nothing useful.
Result<std::string> OrderFlows::call(const Order& order, const std::string& kind, const Call& call) {
  Json body = to_json(order);
  body["kind"] = kind;
  auto answer = service_.call(call.peer).post(call.path, body, order.id);
  if (!answer) return std::unexpected(answer.error());
  if (answer->ok()) return std::string();
  if (answer->status != 402 && answer->status != 409) {
    return error(ErrorCode::peer_failed, "{} answered {}", call.peer, answer->status);
  }
  std::string reason = answer->body.is_object() ? answer->body.value("reason", "") : "";
  return reason.empty() ? call.peer + " said no" : reason;
}

Result<Response> OrderFlows::run_chain(const Order& order, const std::string& kind,
                                       const std::vector<Call>& calls) {
  if (order.lines.empty()) return refuse(order, no_lines);
  auto known = service_.write([&](Tx& tx) -> Result<std::optional<order_book::Entry>> {
    auto entry = find_same(tx, order);
    if (!entry) return entry;
    auto entered = order_book::enter(tx, order, "chain", order_book::processing, "created");
    if (!entered) return std::unexpected(entered.error());
    auto reopened = order_book::advance(tx, order.id, order_book::failed, order_book::processing);
    if (!reopened) return std::unexpected(reopened.error());
    return *reopened ? std::optional<order_book::Entry>() : *entry;
  });
  if (!known) return std::unexpected(known.error());
  if (*known && (*known)->status != order_book::processing) return answer_for(**known);
  work_for(settings_.service_time);
  std::string status = kind == "paid" ? order_book::paid : order_book::cancelled;
  std::string reason;
  std::vector<std::string> steps;
  for (const Call& next : calls) {
    auto refusal = call(order, kind, next);
    if (refusal && refusal->empty()) {
      steps.push_back(next.step);
      continue;
    }
    status = refusal ? order_book::rejected : order_book::failed;
    reason = refusal ? *refusal : refusal.error().message;
    break;
  }
  auto noted = service_.write([&](Tx& tx) -> Result<void> {
    auto advanced = order_book::advance(tx, order.id, order_book::processing, status, reason);
    if (!advanced) return std::unexpected(advanced.error());
    return order_book::note_steps(tx, order.id, steps);
  });
  if (!noted) return std::unexpected(noted.error());
  return answer_for({order, status, reason});
}

// -- hybrid
// ----------------------------------------------------------------------------------------------------------

Result<Response> OrderFlows::place_hybrid(const Order& order, DecideBy decide_by) {
  if (order.lines.empty()) return refuse(order, no_lines);
  auto known = service_.write([&](Tx& tx) -> Result<std::optional<order_book::Entry>> {
    auto entry = find_same(tx, order);
    if (!entry || *entry) return entry;
    if (auto done = order_book::enter(tx, order, "hybrid", order_book::processing, "created"); !done) {
      return std::unexpected(done.error());
    }
    if (auto told = tell(tx, order, "OrderCreated"); !told) return std::unexpected(told.error());
    return std::optional<order_book::Entry>();
  });
  if (!known) return std::unexpected(known.error());
  // A known order that is still in process was begun before this service died: it is taken up again.
  if (*known && (*known)->status != order_book::processing) return answer_for(**known);

  work_for(settings_.service_time);
  for (const Call& next : {Call{"reserved", "inventory", "/reservations"},
                           Call{"balance", "member", "/holds"}, Call{"paid", "payment", "/payments"}}) {
    auto refusal = call(order, "paid", next);
    bool late = is_late(decide_by);
    if (!refusal || late) {
      std::string reason = refusal ? "it took too long" : refusal.error().message;
      if (auto done = give_up(order, reason); !done) return std::unexpected(done.error());
      return answer(503, order.id, order_book::failed, reason);
    }
    if (!refusal->empty()) return refuse(order, *refusal);
  }
  return commit_paid(order);
}

Result<Response> OrderFlows::commit_paid(const Order& order) {
  return service_.write([&](Tx& tx) -> Result<Response> {
    auto advanced = order_book::advance(tx, order.id, order_book::processing, order_book::paid);
    if (!advanced) return std::unexpected(advanced.error());
    if (!*advanced) {  // it was given up, or paid, meanwhile
      auto entry = order_book::find(tx, order.id);
      if (!entry) return std::unexpected(entry.error());
      return answer_for(**entry);
    }
    auto noted = order_book::note_steps(tx, order.id, {"reserved", "balance", "paid"});
    if (!noted) return std::unexpected(noted.error());
    if (auto told = tell(tx, order, "OrderPaid"); !told) return std::unexpected(told.error());
    return answer(201, order.id, order_book::paid);
  });
}

Result<Response> OrderFlows::refuse(const Order& order, const std::string& reason) {
  auto done = service_.write([&](Tx& tx) -> Result<void> {
    auto entered = order_book::enter(tx, order, order.flow, order_book::processing, "created");
    if (!entered) return entered;
    auto advanced = order_book::advance(tx, order.id, order_book::processing, order_book::rejected, reason);
    if (!advanced) return std::unexpected(advanced.error());
    return *advanced ? tell(tx, order, "OrderRejected", {{"reason", reason}}) : Result<void>();
  });
  if (!done) return std::unexpected(done.error());
  return answer(409, order.id, order_book::rejected, reason);
}

Result<void> OrderFlows::give_up(const Order& order, const std::string& reason) {
  return service_.write([&](Tx& tx) -> Result<void> {
    auto advanced = order_book::advance(tx, order.id, order_book::processing, order_book::failed, reason);
    if (!advanced) return std::unexpected(advanced.error());
    return *advanced ? tell(tx, order, "OrderRejected", {{"reason", reason}}) : Result<void>();
  });
}

Result<Response> OrderFlows::cancel_hybrid(const Order& order, DecideBy decide_by) {
  if (order.lines.empty()) return refuse(order, no_lines);
  return service_.write([&](Tx& tx) -> Result<Response> {
    auto entry = order_book::find(tx, order.id);
    if (!entry) return std::unexpected(entry.error());
    if (*entry && (*entry)->status != order_book::paid) return answer_for(**entry);
    if (is_late(decide_by)) return answer(503, order.id, order_book::failed, too_many);
    auto entered =
        *entry ? Result<void>() : order_book::enter(tx, order, "hybrid", order_book::paid, "created");
    if (!entered) return std::unexpected(entered.error());
    auto advanced = order_book::advance(tx, order.id, order_book::paid, order_book::cancelled);
    if (!advanced) return std::unexpected(advanced.error());
    if (auto noted = order_book::note_step(tx, order.id, "cancelled"); !noted)
      return std::unexpected(noted.error());
    if (auto told = tell(tx, order, "OrderCancelled"); !told) return std::unexpected(told.error());
    return answer(200, order.id, order_book::cancelled);
  });
}

// -- async
// -----------------------------------------------------------------------------------------------------------

// The event's id is made of the order's number, so that an order which is sent again is still one event.
// `conflict` says that it waits in our database already.
Result<Response> OrderFlows::accept(const Order& order, const std::string& type, const std::string& id) {
  Event event = about(order, type);
  event.id = id + order.id;
  auto published = service_.publish(std::move(event), pabal::sdk::OnFailure::log);
  if (!published && published.error().code != ErrorCode::conflict) return std::unexpected(published.error());
  return answer(202, order.id, order_book::processing);
}

Result<Response> OrderFlows::place_async(const Order& order, DecideBy decide_by) {
  if (is_late(decide_by)) return answer(503, order.id, order_book::failed, too_many);
  return accept(order, "OrderCreated", "created-");
}

Result<Response> OrderFlows::cancel_async(const Order& order, DecideBy decide_by) {
  if (is_late(decide_by)) return answer(503, order.id, order_book::failed, too_many);
  return accept(order, "OrderCancelled", "cancelled-");
}

}  // namespace shop
