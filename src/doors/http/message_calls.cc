#include "doors/http/message_calls.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include "doors/http/answers.h"
#include "doors/http/message_body.h"
#include "doors/http/record_json.h"

namespace pabal::doors {
namespace {

// Names each receive for giving it up, over all connections.
std::atomic<uint64_t> polls = 0;

Json results_json(const std::vector<broker::LeaseResult>& results) {
  Json list = Json::array();
  for (const broker::LeaseResult& r : results) {
    Json one = {{"lease", r.lease}, {"ok", r.ok}};
    if (!r.ok) one["problem"] = r.problem;
    list.push_back(std::move(one));
  }
  return {{"results", std::move(list)}};
}

}  // namespace

void MessageCalls::add_to(RouteTable& table) {
  constexpr std::string_view results = R"({"results": [{"lease": "n1-17-1", "ok": true}]})";
  table.add(
      {"POST",
       "/v1/queues/{queue}/messages",
       {"Queues", "Post messages meant for this queue alone", 200,
        R"({"messages": [{"body": {"to": "a@example.org"}, "key": "O-4711", "headers": {"a": "b"}, "delay": "5m"}]})",
        R"({"messages": [{"id": "notification.mail/17"}]})"},
       [this](Call c) { return post(std::move(c)); }});
  table.add(
      {"POST",
       "/v1/queues/{queue}/receive",
       {"Queues", "Take messages; waits up to `wait` for the first", 200,
        R"({"max": 10, "wait": "20s", "visibility": "30s"})",
        R"({"messages": [{"id": "order.events/0/17", "lease": "n1-17-1", "key": "O-4711", "body": {"order_id": "O-4711"}, "headers": {"ce_type": "OrderPaid"}, "delivery": 1, "enqueued_at": "2026-01-02T03:04:05.678Z"}]})"},
       [this](Call c) { return receive(std::move(c)); }});
  table.add({"POST",
             "/v1/queues/{queue}/ack",
             {"Queues", "Done with these messages; durable when answered", 200, R"({"leases": ["n1-17-1"]})",
              results},
             [this](Call c) { return ack(std::move(c)); }});
  table.add({"POST",
             "/v1/queues/{queue}/nack",
             {"Queues", "Not done: back after the delay (default: the backoff), or dead now", 200,
              R"({"leases": ["n1-17-1"], "delay": "10s", "reason": "mail server is down", "dead": false})",
              results},
             [this](Call c) { return nack(std::move(c)); }});
  table.add({"POST",
             "/v1/queues/{queue}/extend",
             {"Queues", "Keep these messages longer", 200, R"({"leases": ["n1-17-1"], "visibility": "60s"})",
              results},
             [this](Call c) { return extend(std::move(c)); }});
}

MessageCalls::Answer MessageCalls::post(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto messages = read_messages(call.request, clock_.wall_now(), make_id_);
  if (!messages) co_return std::unexpected(messages.error());
  auto ids = co_await broker_.post(call.name("queue"), std::move(*messages));
  if (!ids) co_return std::unexpected(ids.error());
  Json list = Json::array();
  for (const std::string& id : *ids) list.push_back({{"id", id}});
  co_return json_answer(200, Json{{"messages", std::move(list)}});
}

MessageCalls::Answer MessageCalls::receive(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto receive = read_receive(call.request.body);
  if (!receive) co_return std::unexpected(receive.error());
  receive->queue = call.name("queue");
  receive->service = call.service;
  auto messages = co_await receive_unless_gone(std::move(*receive), call.request.hang_up);
  if (!messages) co_return std::unexpected(messages.error());
  std::string out = "{\"messages\":[";
  for (const broker::Message& message : *messages) {
    if (!out.ends_with('[')) out += ',';
    append_message(out, message);
  }
  co_return json_answer(200, out + "]}");
}

// A client that hangs up in its long poll must neither take a message with it nor count as a consumer.
runtime::Task<Result<std::vector<broker::Message>>> MessageCalls::receive_unless_gone(
    broker::Receive receive, std::shared_ptr<runtime::HangUp> hang_up) {
  Draining::Waiting waiting(draining_);
  std::string queue = receive.queue;
  receive.poll = ++polls;
  if (hang_up && hang_up->happened()) co_return error(ErrorCode::cancelled, "the caller has gone");
  if (hang_up) {
    auto executor = co_await asio::this_coro::executor;
    hang_up->then([executor, &broker = broker_, queue, poll = receive.poll] {
      asio::co_spawn(executor, broker.give_up(queue, poll), asio::detached);
    });
  }
  auto messages = co_await broker_.receive(std::move(receive));
  if (!hang_up) co_return messages;
  hang_up->then({});
  if (!hang_up->happened() || !messages) co_return messages;
  broker::Nack back{
      .leases = {}, .delay = Duration::zero(), .reason = "the consumer hung up", .counts = false};
  for (const broker::Message& message : *messages) back.leases.push_back(message.lease);
  if (!back.leases.empty()) (void)co_await broker_.nack(queue, std::move(back));
  co_return error(ErrorCode::unavailable, "the caller has gone, or the server is stopping");
}

MessageCalls::Answer MessageCalls::ack(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto leases = read_ack(call.request.body);
  if (!leases) co_return std::unexpected(leases.error());
  auto results = co_await broker_.ack(call.name("queue"), std::move(*leases));
  if (!results) co_return std::unexpected(results.error());
  co_return json_answer(200, results_json(*results));
}

MessageCalls::Answer MessageCalls::nack(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto nack = read_nack(call.request.body);
  if (!nack) co_return std::unexpected(nack.error());
  auto results = co_await broker_.nack(call.name("queue"), std::move(*nack));
  if (!results) co_return std::unexpected(results.error());
  co_return json_answer(200, results_json(*results));
}

MessageCalls::Answer MessageCalls::extend(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto extend = read_extend(call.request.body);
  if (!extend) co_return std::unexpected(extend.error());
  auto results = co_await broker_.extend(call.name("queue"), std::move(extend->leases), extend->visibility);
  if (!results) co_return std::unexpected(results.error());
  co_return json_answer(200, results_json(*results));
}

}  // namespace pabal::doors
