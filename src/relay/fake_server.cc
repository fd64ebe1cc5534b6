#include "relay/fake_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include "base/units.h"
#include "runtime/http_problem.h"

namespace pabal::relay {

namespace {

constexpr Duration look_every = std::chrono::milliseconds(2);

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    std::string_view segment = path.substr(0, path.find('/'));
    out.push_back(runtime::percent_decode(segment).value_or(""));
    path.remove_prefix(segment.size());
  }
  return out;
}

}  // namespace

FakeServer::FakeServer() : FakeServer("127.0.0.1:0") {}

FakeServer::FakeServer(const std::string& address) : shards_(runtime::start_shards(1)) {
  server_ =
      runtime::HttpServer::listen({.address = address}, shards_->executors(), [this](runtime::HttpRequest r) {
        return handle(std::move(r));
      }).value();
}

FakeServer::~FakeServer() {
  Deadline soon = Deadline::after(system_clock(), std::chrono::seconds(1));
  asio::co_spawn(shards_->at(0).executor(), server_->stop(soon), asio::use_future).get();
}

std::vector<FakeServer::Record> FakeServer::records(const std::string& topic) const {
  std::lock_guard lock(mutex_);
  auto it = topics_.find(topic);
  return it == topics_.end() ? std::vector<Record>() : it->second;
}

void FakeServer::publish(const std::string& topic, Record record) {
  std::lock_guard lock(mutex_);
  topics_[topic].push_back(std::move(record));
  changed_.notify_all();
}

std::vector<FakeServer::Nack> FakeServer::nacks() const {
  std::lock_guard lock(mutex_);
  return nacks_;
}

size_t FakeServer::acked() const {
  std::lock_guard lock(mutex_);
  return acked_;
}

size_t FakeServer::extended() const {
  std::lock_guard lock(mutex_);
  return extended_;
}

FakeServer::Json FakeServer::queue(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto it = queues_.find(name);
  return it == queues_.end() ? Json() : it->second.settings;
}

std::vector<FakeServer::Json> FakeServer::spans() const {
  std::lock_guard lock(mutex_);
  return spans_;
}

void FakeServer::expire_leases() {
  std::lock_guard lock(mutex_);
  for (auto& [name, queue] : queues_) {
    for (Message& message : queue.messages) message.lease.clear();
  }
}

bool FakeServer::wait_until(const std::function<bool()>& holds) const {
  Deadline deadline = Deadline::after(system_clock(), std::chrono::seconds(30));
  while (!holds()) {
    if (deadline.passed(system_clock())) return false;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, look_every);
  }
  return true;
}

void FakeServer::set_fault(Fault fault) {
  std::lock_guard lock(mutex_);
  fault_ = fault;
}

void FakeServer::refuse_key(const std::string& key) {
  std::lock_guard lock(mutex_);
  refused_keys_.insert(key);
}

void FakeServer::set_full(const std::string& topic, bool full) {
  std::lock_guard lock(mutex_);
  full ? (void)full_topics_.insert(topic) : (void)full_topics_.erase(topic);
}

runtime::HttpResponse FakeServer::answer(int status, const Json& body) {
  runtime::HttpResponse response{.status = status, .body = body.dump()};
  response.fields.add("Content-Type", "application/json");
  return response;
}

runtime::Task<runtime::HttpResponse> FakeServer::handle(runtime::HttpRequest request) {
  std::vector<std::string> path = segments_of(request.path());
  Json body = Json::parse(request.body, nullptr, false);
  if (path.size() == 4 && path[1] == "queues" && path[3] == "receive") {
    co_return co_await receive(path[2], body, request.hang_up);
  }
  std::lock_guard lock(mutex_);
  changed_.notify_all();
  if (path.size() == 4 && path[1] == "topics" && path[3] == "records") co_return store(path[2], request);
  if (path.size() == 3 && path[1] == "queues" && request.method == "PUT") co_return put_queue(path[2], body);
  if (path.size() == 4 && path[1] == "queues") co_return settle(path[2], path[3], body);
  if (path.size() == 2 && path[1] == "traces") {
    spans_.push_back(body);
    co_return answer(200, Json::object());
  }
  co_return runtime::problem_response(404, "the fake server does not know " + request.target);
}

runtime::HttpResponse FakeServer::store(const std::string& topic, const runtime::HttpRequest& request) {
  if (fault_ == Fault::refuse_new || full_topics_.contains(topic)) {
    return runtime::problem_response(503, "full on purpose");
  }
  if (fault_ == Fault::garbage) return {.body = "<html>hello</html>"};
  std::string idempotency_key(request.fields.get("Idempotency-Key"));
  if (!idempotency_key.empty() && idempotency_.contains(idempotency_key)) {
    return answer(200, idempotency_[idempotency_key]);
  }
  Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body["records"].is_array()) return runtime::problem_response(400, "no records");
  for (const Json& record : body["records"]) {
    if (refused_keys_.contains(record.value("key", ""))) return runtime::problem_response(400, "a bad key");
  }
  Json places = Json::array();
  std::string producer(request.fields.get("Pabal-Producer"));
  for (const Json& record : body["records"]) {
    int64_t& highest = sequences_[{producer, topic}];
    if (!producer.empty() && record.at("sequence").get<int64_t>() <= highest) {
      places.push_back({{"duplicate", true}});
      continue;
    }
    if (!producer.empty()) highest = record.at("sequence").get<int64_t>();
    places.push_back({{"partition", 0}, {"offset", topics_[topic].size()}});
    topics_[topic].push_back({.key = record.value("key", ""),
                              .value = record.value("value", Json()),
                              .headers = record.at("headers").get<std::map<std::string, std::string>>(),
                              .service = std::string(request.fields.get("Pabal-Service"))});
  }
  Json stored = {{"records", places}};
  if (!idempotency_key.empty()) idempotency_[idempotency_key] = stored;
  if (fault_ == Fault::lose_answers) return runtime::problem_response(500, "the answer is lost on purpose");
  return answer(200, stored);
}

runtime::HttpResponse FakeServer::put_queue(const std::string& name, const Json& body) {
  Queue& queue = queues_[name];
  queue.settings = body;
  queue.topic = body.value("topic", name);
  return answer(201, body);
}

void FakeServer::scan(Queue& queue) {
  const std::vector<Record>& records = topics_[queue.topic];
  Json types = queue.settings.contains("filter") ? queue.settings["filter"]["type"] : Json();
  for (; queue.scanned < records.size(); ++queue.scanned) {
    const Record& record = records[queue.scanned];
    auto type = record.headers.find("ce_type");
    bool wanted = types.is_null() || (type != record.headers.end() &&
                                      std::ranges::find(types, Json(type->second)) != types.end());
    if (wanted) queue.messages.push_back({.id = fmt::format("m-{}", queue.scanned), .record = queue.scanned});
  }
}

FakeServer::Json FakeServer::take(Queue& queue, size_t max) {
  scan(queue);
  Json messages = Json::array();
  for (Message& message : queue.messages) {
    if (messages.size() == max) break;
    if (!message.lease.empty()) continue;
    message.lease = fmt::format("lease-{}", next_lease_++);
    ++message.delivery;
    const Record& record = topics_[queue.topic][message.record];
    messages.push_back({{"id", message.id},
                        {"lease", message.lease},
                        {"key", record.key},
                        {"body", record.value},
                        {"headers", record.headers},
                        {"delivery", message.delivery},
                        {"enqueued_at", "2026-01-01T00:00:00.000Z"}});
  }
  return messages;
}

runtime::Task<runtime::HttpResponse> FakeServer::receive(std::string name, Json body,
                                                         std::shared_ptr<runtime::HangUp> hang_up) {
  Deadline deadline =
      Deadline::after(system_clock(), parse_duration(body.value("wait", "0s")).value_or(Duration::zero()));
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (true) {
    {
      std::lock_guard lock(mutex_);
      auto it = queues_.find(name);
      if (it == queues_.end()) co_return runtime::problem_response(404, "no queue " + name);
      Json messages = hang_up->happened() ? Json::array() : take(it->second, body.value("max", size_t{10}));
      if (!messages.empty() || hang_up->happened() || deadline.passed(system_clock())) {
        co_return answer(200, {{"messages", messages}});
      }
    }
    timer.expires_after(look_every);
    (void)co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

runtime::HttpResponse FakeServer::settle(const std::string& name, const std::string& verb, const Json& body) {
  Queue& queue = queues_[name];
  Json results = Json::array();
  for (const Json& lease : body.at("leases")) {
    auto it = std::ranges::find(queue.messages, lease.get<std::string>(), &Message::lease);
    if (it == queue.messages.end()) {
      results.push_back({{"lease", lease}, {"ok", false}, {"problem", "expired"}});
      continue;
    }
    results.push_back({{"lease", lease}, {"ok", true}});
    if (verb == "extend") {
      ++extended_;
      continue;
    }
    bool dead = body.value("dead", false);
    if (verb == "nack") nacks_.push_back({it->id, body.value("reason", ""), dead});
    if (verb == "ack") ++acked_;
    if (verb == "ack" || dead) {
      queue.messages.erase(it);
    } else {
      it->lease.clear();
    }
  }
  return answer(200, {{"results", results}});
}

}  // namespace pabal::relay
