#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "runtime/http_server.h"
#include "runtime/shards.h"

namespace pabal::relay {

// For tests: as much of the server's HTTP API as relays and services use, in memory, with faults on demand.
// Topics know producers' sequences and idempotency keys; a queue reads one topic from its beginning, leases,
// takes acks and nacks. Safe from any thread.
class FakeServer {
 public:
  using Json = nlohmann::json;

  FakeServer();
  // On a given port, such as one that a fake server before it had.
  explicit FakeServer(const std::string& address);
  ~FakeServer();

  [[nodiscard]] std::string url() const { return "http://" + server_->address(); }
  [[nodiscard]] std::string address() const { return server_->address(); }

  struct Record {
    std::string key;
    Json value;
    std::map<std::string, std::string> headers;
    std::string service;
  };
  [[nodiscard]] std::vector<Record> records(const std::string& topic) const;
  void publish(const std::string& topic, Record record);

  struct Nack {
    std::string id;
    std::string reason;
    bool dead;
  };
  [[nodiscard]] std::vector<Nack> nacks() const;
  [[nodiscard]] size_t acked() const;
  [[nodiscard]] size_t extended() const;
  [[nodiscard]] Json queue(const std::string& name) const;  // what it was put with
  [[nodiscard]] std::vector<Json> spans() const;
  // Makes every lease run out now.
  void expire_leases();

  // Until `holds` or ten seconds have passed; it is asked whenever something has changed.
  bool wait_until(const std::function<bool()>& holds) const;

  // What publishing does until told otherwise.
  enum class Fault {
    none,
    refuse_new,    // 503, nothing stored
    lose_answers,  // stored, then 500
    garbage,       // 200 with a body that is none
  };
  void set_fault(Fault fault);
  void refuse_key(const std::string& key);             // 400 for any call that holds a record of it
  void set_full(const std::string& topic, bool full);  // 503 for this topic only

 private:
  struct Message {
    std::string id;
    size_t record;
    int delivery = 0;
    std::string lease = {};  // empty: ready
  };
  struct Queue {
    Json settings;
    std::string topic;
    size_t scanned = 0;
    std::deque<Message> messages;
  };

  runtime::Task<runtime::HttpResponse> handle(runtime::HttpRequest request);
  runtime::Task<runtime::HttpResponse> receive(std::string queue, Json body,
                                               std::shared_ptr<runtime::HangUp> hang_up);
  runtime::HttpResponse store(const std::string& topic, const runtime::HttpRequest& request);
  runtime::HttpResponse put_queue(const std::string& name, const Json& body);
  runtime::HttpResponse settle(const std::string& queue, const std::string& verb, const Json& body);
  Json take(Queue& queue, size_t max);
  void scan(Queue& queue);
  static runtime::HttpResponse answer(int status, const Json& body);

  mutable std::mutex mutex_;  // of everything below: tests look in from their own thread
  mutable std::condition_variable changed_;
  std::map<std::string, std::vector<Record>> topics_;
  std::map<std::pair<std::string, std::string>, int64_t> sequences_;
  std::map<std::string, Json> idempotency_;
  std::map<std::string, Queue> queues_;
  std::vector<Nack> nacks_;
  std::vector<Json> spans_;
  std::set<std::string> refused_keys_;
  std::set<std::string> full_topics_;
  Fault fault_ = Fault::none;
  size_t acked_ = 0;
  size_t extended_ = 0;
  int64_t next_lease_ = 1;

  std::unique_ptr<runtime::Shards> shards_;
  std::unique_ptr<runtime::HttpServer> server_;
};

}  // namespace pabal::relay
