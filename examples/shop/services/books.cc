#include "shop/services/books.h"

#include <condition_variable>
#include <fmt/format.h>
#include <mutex>

namespace shop {
namespace {

Result<int64_t> number(Tx& tx, const std::string& query) {
  auto row = tx.first(query);
  if (!row) return std::unexpected(row.error());
  return *row ? (*row)->integer(0) : 0;
}

Result<void> note_redelivery(Tx& tx, const Event& event) {
  auto noted =
      tx.run("INSERT OR REPLACE INTO redeliveries (event_id, queue, delivery, at_us) VALUES (?, ?, ?, ?)",
             event.id, event.queue, event.delivery, now_us());
  if (!noted) return std::unexpected(noted.error());
  return {};
}

// The handler's own transaction is undone, so the note is another one's work.
void note_dead_letter(Service& service, const Event& event, const std::string& reason) {
  (void)service.run_async("notes", [&service, id = event.id, queue = event.queue, reason] {
    (void)service.write([&](Tx& tx) {
      return tx.run(
          "INSERT OR REPLACE INTO dead_letters (event_id, queue, reason, at_us) VALUES (?, ?, ?, ?)", id,
          queue, reason, now_us());
    });
  });
}

Result<Json> ledger_of(Tx& tx, const Books& books) {
  auto ledger = books.ledger(tx);
  if (!ledger) return ledger;
  std::string last = "0";
  for (const std::string& table : books.effects) {
    last = fmt::format("MAX({}, (SELECT COALESCE(MAX(at_us), 0) FROM {}))", last, table);
  }
  for (const auto& [name, query] : {std::pair<const char*, std::string>{"last_effect_us", "SELECT " + last},
                                    {"published", "SELECT COUNT(*) FROM outbox WHERE status = 'done'"},
                                    {"redelivered", "SELECT COUNT(*) FROM redeliveries"},
                                    {"given_up", "SELECT COUNT(*) FROM dead_letters"}}) {
    auto figure = number(tx, query);
    if (!figure) return std::unexpected(figure.error());
    (*ledger)[name] = *figure;
  }
  return ledger;
}

}  // namespace

int64_t now_us() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

void work_for(std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  auto end = std::chrono::steady_clock::now() + time;
  never.wait_until(lock, end, [&] { return std::chrono::steady_clock::now() >= end; });
}

pabal::sdk::EventHandler of_order(Service& service, OrderHandler handler) {
  return [&service, handler = std::move(handler)](Tx& tx, const Event& event) -> Result<void> {
    auto order = order_from_json(event.data);
    Result<void> done = order ? handler(tx, *order, event) : std::unexpected(order.error());
    if (done && event.delivery > 1) done = note_redelivery(tx, event);
    if (!done && pabal::sdk::is_permanent(done.error()))
      note_dead_letter(service, event, done.error().message);
    return done;
  };
}

pabal::sdk::QueueOptions hearing(std::string topic, std::vector<std::string> types, int workers) {
  pabal::sdk::QueueOptions options{.topic = std::move(topic), .types = std::move(types), .workers = workers};
  options.ahead = 16;
  options.visibility = std::chrono::seconds(3);
  options.backoff = {.first = std::chrono::milliseconds(200), .max = std::chrono::seconds(5)};
  return options;
}

Result<Order> order_in(const Request& request) {
  auto body = request.json();
  if (!body) return std::unexpected(body.error());
  return order_from_json(*body);
}

Event about(const Order& order, std::string type, Json more) {
  Json data = to_json(order);
  data.update(more);
  return {.type = std::move(type), .key = order.id, .data = std::move(data)};
}

Result<void> tell(Tx& tx, const Order& order, std::string type, Json more) {
  if (order.flow == "chain") return {};
  auto published = tx.publish(about(order, std::move(type), std::move(more)));
  if (!published) return std::unexpected(published.error());
  return {};
}

Result<void> answer_by_event(Tx& tx, const Order& order, std::string type, Json more) {
  if (order.flow != "async") return {};
  return tell(tx, order, std::move(type), std::move(more));
}

void keep_books(Service& service, Books books) {
  std::vector<std::string> tables = books.own_tables;
  for (auto name : {"redeliveries", "dead_letters"}) {
    tables.push_back(std::string("CREATE TABLE IF NOT EXISTS ") + name +
                     " (event_id TEXT, queue TEXT, delivery INTEGER, reason TEXT, at_us INTEGER,"
                     " PRIMARY KEY (event_id, queue))");
  }
  service.tables(std::move(tables));
  service.pool("notes", {.threads = 1, .waiting_max = 10'000});
  service.http("GET", "/health", [prepare = books.prepare](const Request&) -> Result<Response> {
    if (auto ready = prepare ? prepare() : Result<void>(); !ready) return std::unexpected(ready.error());
    return Response{.body = {{"ok", true}}};
  });
  std::string unfinished = books.unfinished.empty() ? "0" : "(" + books.unfinished + ")";
  service.http("GET", "/waiting", [&service, unfinished](const Request&) -> Result<Response> {
    auto waiting = service.read([&](Tx& tx) {
      return number(tx, "SELECT " + unfinished + " + COUNT(*) FROM outbox WHERE status = 'waiting'");
    });
    if (!waiting) return std::unexpected(waiting.error());
    return Response{.body = {{"waiting", *waiting}}};
  });
  service.http("GET", "/ledger", [&service, books = std::move(books)](const Request&) -> Result<Response> {
    auto ledger = service.read([&](Tx& tx) { return ledger_of(tx, books); });
    if (!ledger) return std::unexpected(ledger.error());
    return Response{.body = std::move(*ledger)};
  });
}

Result<Json> texts(Tx& tx, const std::string& query) {
  auto rows = tx.query(query);
  if (!rows) return std::unexpected(rows.error());
  Json result = Json::array();
  for (const auto& row : *rows) result.push_back(row.text(0));
  return result;
}

Result<Json> pairs(Tx& tx, const std::string& query) {
  auto rows = tx.query(query);
  if (!rows) return std::unexpected(rows.error());
  Json result = Json::array();
  for (const auto& row : *rows) result.push_back({row.text(0), row.text(1)});
  return result;
}

}  // namespace shop
