// The one header of Pabal's C++ SDK. A service declares what it handles, calls and publishes, and runs:
//
//   Service svc({.name = "shipping", .listen = "127.0.0.1:9004", .database = "shipping.db"});
//   svc.on("shipping.start", {.topic = "order.events", .types = {"OrderPaid"}}, start_shipment);
//   return svc.run();
//
// Expected failures are values (Result<T>). README.md has a whole service in 60 lines.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "calls/policy.h"
#include "relay/database.h"

namespace pabal::sdk {

using Json = nlohmann::json;
using calls::Policy;
using pabal::Error;
using pabal::error;
using pabal::ErrorCode;
using pabal::Result;
using relay::Row;

// What has happened, in the past tense: a CloudEvent. To publish one, type, key and data are enough.
struct Event {
  std::string type;         // "OrderPaid"
  std::string key = {};     // of the entity (an order number): events of one key keep their order
  Json data = {};           // the payload
  std::string topic = {};   // empty: the service's own, "<name>.events"
  std::string id = {};      // empty: a new one is made; events with the same id are handled once
  std::string source = {};  // empty: "/<service name>"
  std::string time = {};    // RFC 3339; empty: now
  // Empty: those of the event or request being handled; a new correlation where there is none.
  std::string correlation_id = {};
  std::string causation_id = {};
  std::string traceparent = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones

  // On events received:
  std::string queue = {};
  int delivery = 0;  // 1 for the first

  // data[name] as text or number; `invalid` (so: a dead letter) when it is missing or of another type.
  [[nodiscard]] Result<std::string> text(std::string_view name) const;
  [[nodiscard]] Result<int64_t> integer(std::string_view name) const;
};

// A transaction on the service's database, and what is published with it: both happen or neither. It begins
// (and takes the write lock) with its first use, so work that takes long goes before that. Belongs to the
// thread of its handler.
class Tx {
 public:
  virtual ~Tx() = default;

  // An INSERT, UPDATE or DELETE with `?` for each argument: the number of rows it changed. `conflict` when a
  // unique key is there already; the transaction can go on after that.
  template <class... Args>
  Result<int64_t> run(std::string_view sql, const Args&... args) {
    auto rows = execute(sql, {relay::to_value(args)...});
    if (!rows) return std::unexpected(rows.error());
    return rows->changed;
  }
  template <class... Args>
  Result<std::vector<Row>> query(std::string_view sql, const Args&... args) {
    auto rows = execute(sql, {relay::to_value(args)...});
    if (!rows) return std::unexpected(rows.error());
    return std::move(rows->rows);
  }
  // The first row, if any.
  template <class... Args>
  Result<std::optional<Row>> first(std::string_view sql, const Args&... args) {
    auto rows = execute(sql, {relay::to_value(args)...});
    if (!rows) return std::unexpected(rows.error());
    if (rows->rows.empty()) return std::optional<Row>();
    return std::optional<Row>(std::move(rows->rows.front()));
  }

  // Writes the event to the outbox, from where the relay (`pabal outbox relay`) publishes it after the
  // commit; returns its id.
  virtual Result<std::string> publish(Event event) = 0;
  virtual Result<relay::Rows> execute(std::string_view sql, std::vector<relay::Value> values) = 0;
};

// Handles one event. What it did through `tx` is committed when it returns success, together with the note
// that this event was handled (the inbox); only then is the event acknowledged. An error undoes it all and is
// the reason of the retry; an error that says the event itself is wrong (see is_permanent) makes it a dead
// letter at once.
using EventHandler = std::function<Result<void>(Tx& tx, const Event& event)>;

// invalid, unsupported, wrong_media, too_large: the same event will fail again.
[[nodiscard]] bool is_permanent(const Error& error);

struct Request {
  std::string method;
  std::string path;
  std::string body;
  std::string correlation_id;  // the caller's, or a new one

  // A "{name}" of the route.
  [[nodiscard]] const std::string& param(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
  // The body; `invalid` when it is not JSON.
  [[nodiscard]] Result<Json> json() const;

  std::vector<std::pair<std::string, std::string>> params = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string query_string = {};
};

struct Response {
  int status = 200;
  Json body = {};  // null: no body
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// Answers one request, on a thread that may block. An error becomes problem+json with the status of its code.
using RequestHandler = std::function<Result<Response>(const Request& request)>;

// What a called service answered: any status below 500 but 429. The others, and silence, are errors.
struct Answer {
  int status = 0;
  Json body = {};  // null when it was empty or no JSON
  std::string text = {};

  [[nodiscard]] bool ok() const { return status / 100 == 2; }
};

struct CallOptions {
  std::string idempotency_key = {};  // makes a POST safe to try again
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// Another service, called under its policy: total deadline, retries of what is safe to repeat, circuit
// breaker. The correlation and the trace go along, and each call is reported to the server.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual Result<Answer> send(std::string_view method, std::string_view path, const Json& body,
                              CallOptions options) = 0;

  Result<Answer> get(std::string_view path) { return send("GET", path, {}, {}); }
  Result<Answer> post(std::string_view path, const Json& body, std::string_view idempotency_key = {}) {
    return send("POST", path, body, {.idempotency_key = std::string(idempotency_key)});
  }
};

// What becomes of an event that could not be published now.
enum class OnFailure {
  ignore,  // it is dropped, and counted
  retry,   // tried again until Options::publish_timeout, then the caller gets the error
  log,     // noted in the service's database (publish_failures) and sent from there, by itself and by
           // `pabal outbox retry --failures`
};

struct Backoff {
  Duration first = std::chrono::seconds(1);
  double factor = 2;
  Duration max = std::chrono::minutes(5);
};

// A queue over a topic. What is not given keeps the server's value.
struct QueueOptions {
  std::string topic;
  std::vector<std::string> types = {};  // of events; empty: all
  int workers = 1;                      // handlers at work at a time
  int ahead = 0;                        // messages held ready beyond those; 0: as many as workers
  std::string from = "earliest";        // where a new queue begins: earliest, latest or a time
  std::optional<Duration> visibility = {};
  std::optional<int> max_deliveries = {};
  std::optional<Backoff> backoff = {};
  std::optional<std::string> dead_letter = {};
  bool order_by_key = false;
};

struct PushOptions {
  std::string topic;
  std::vector<std::string> types = {};
  int concurrency = 8;
  std::string path = {};  // empty: "/events/<queue>"
  std::string from = "earliest";
  Duration timeout = std::chrono::seconds(10);
  std::string secret = {};  // "whsec_…": requests without its signature are refused
  std::optional<int> max_deliveries = {};
  std::optional<Backoff> backoff = {};
  std::optional<std::string> dead_letter = {};
};

struct PoolOptions {
  int threads = 2;
  size_t waiting_max = 1'000;
};

// Counts since the start.
struct Counters {
  uint64_t handled = 0;           // events, each once
  uint64_t duplicates = 0;        // events that had been handled before
  uint64_t failed = 0;            // deliveries that ended in an error
  uint64_t dead = 0;              // of these, given up at once
  uint64_t published = 0;         // directly, not by way of the outbox
  uint64_t publish_ignored = 0;   // dropped under OnFailure::ignore
  uint64_t publish_logged = 0;    // noted under OnFailure::log
  uint64_t requests = 0;          // HTTP requests handled
  uint64_t requests_refused = 0;  // 503: every worker busy and the line full
};

// One service. Declare everything first, then run(). Owns its threads, its listener and its database.
// on_*, http, peer, pool and tables only before start(); the rest from any thread after it.
class Service {
 public:
  struct Options {
    std::string name;
    std::string listen = {};  // "127.0.0.1:9004"; empty: no listener; port 0: a free one
    std::string server = "http://127.0.0.1:8080";
    std::string token = {};     // sent as Authorization: Bearer
    std::string database = {};  // a file; empty: none
    int http_workers = 16;
    size_t http_waiting_max = 1'000;
    Duration publish_timeout = std::chrono::seconds(5);  // of publish() in all
    Duration stop_timeout = std::chrono::seconds(5);     // handlers at work get so long to finish
    // A wait before each request to a peer and each of its answers, for demonstrations on one machine.
    Duration network_delay = {};
    std::string log_level = "info";  // of run(), to standard error
  };

  explicit Service(Options options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // SQL that start() runs once, in order: CREATE TABLE IF NOT EXISTS …
  void tables(std::vector<std::string> statements);
  // "/reservations/{id}" in `path` matches one segment.
  void http(std::string method, std::string path, RequestHandler handler);
  // Pulls from `queue`, which is made over options.topic when it does not exist.
  void on(std::string queue, QueueOptions options, EventHandler handler);
  // Lets the server push the queue's messages to this service.
  void on_push(std::string queue, PushOptions options, EventHandler handler);
  // Another service's address and how it is called.
  void peer(std::string name, std::string address, Policy policy = {});
  void pool(std::string name, PoolOptions options);

  // Opens the database, listens, begins to pull. The server may be away: pulling begins when it is there.
  Result<void> start();
  // Finishes what is at work, hands back what is not, within options.stop_timeout.
  void stop();
  // start(), then waits for SIGTERM or SIGINT, then stop(). The program's exit status: 0, or 1 with the
  // reason on standard error.
  int run();
  // "127.0.0.1:9004" once started.
  [[nodiscard]] std::string address() const;

  // Runs `work` in one transaction (its Tx also publishes) and commits when it returns success.
  template <class Work>
  auto write(Work&& work) {
    return transact(true, std::forward<Work>(work));
  }
  // The same for looking only; sees one state of the database.
  template <class Work>
  auto read(Work&& work) {
    return transact(false, std::forward<Work>(work));
  }

  // Publishes now, without the outbox: durable when it returns the event's id.
  Result<std::string> publish(Event event, OnFailure on_failure = OnFailure::retry);
  // What publish() noted under OnFailure::log is sent again by itself for as long as that can help; this
  // gives those that were refused for good another chance. How many.
  Result<int64_t> retry_refused();

  // A peer declared before.
  Peer& call(std::string_view name);
  // Hands work to a declared pool and returns; over_limit when its line is full. The work runs with the
  // correlation of the caller.
  Result<void> run_async(std::string_view pool, std::function<void()> work);

  [[nodiscard]] Counters counters() const;
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] relay::Database& database();

 private:
  template <class Work>
  auto transact(bool writing, Work&& work) -> std::invoke_result_t<Work, Tx&> {
    std::optional<std::invoke_result_t<Work, Tx&>> answer;
    Result<void> done = transact_erased(writing, [&](Tx& tx) -> Result<void> {
      answer = work(tx);
      if (!*answer) return std::unexpected(answer->error());
      return {};
    });
    if (!done) return std::unexpected(done.error());
    return std::move(*answer);
  }
  Result<void> transact_erased(bool writing, const std::function<Result<void>(Tx&)>& work);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What is being handled on this thread: flows into everything it publishes and calls.
struct Context {
  std::string correlation_id = {};
  std::string causation_id = {};  // the event being handled
  std::string traceparent = {};
  std::vector<std::pair<std::string, std::string>> tags = {};
};
[[nodiscard]] const Context& current_context();

// Names what this thread works on ("pabal.order", "O-4711"), until the handler returns: the calls it makes
// are found by it in the server's traces.
void tag(std::string name, std::string value);

}  // namespace pabal::sdk
