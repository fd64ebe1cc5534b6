#include "doors/http/queue_calls.h"

#include "doors/http/query.h"
#include "doors/http/queue_json.h"
#include "doors/http/record_json.h"

namespace pabal::doors {
namespace {

constexpr int64_t look_default = 100;
constexpr int64_t look_max = 1'000;
constexpr size_t ids_max = 10'000;
constexpr double rate_max = 1'000'000;

constexpr std::string_view queue_body =
    R"({"topic": "order.events", "from": "earliest", "filter": {"type": ["OrderPaid"]}, "visibility": "30s", "max_deliveries": 10, "backoff": {"first": "1s", "factor": 2, "max": "5m"}, "order": "key", "push": {"url": "http://127.0.0.1:9005/events", "concurrency": 8, "timeout": "10s", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}})";
constexpr std::string_view queue_answer =
    R"({"name": "notification.mail", "topic": "order.events", "from": "latest", "filter": {"type": ["OrderPaid"]}, "visibility": "30s", "max_deliveries": 10, "backoff": {"first": "1s", "factor": 2.0, "max": "5m"}, "dead_letter": "notification.mail.dead", "order": "none", "on_dead": "continue", "look_ahead": 100000, "max_depth": 1000000, "max_bytes": "10GiB", "max_age": "14d", "overflow": "dead_letter", "push": null, "ready": 3, "leased": 1, "delayed": 0, "dead": 0, "unscanned": 0, "oldest_ready_age": "1.2s", "oldest_ready_age_s": 1.2, "delivered_per_second": 12.5, "acked_per_second": 12.5, "retried_per_second": 0.0, "consumers": 1, "consumer_list": [], "stalled": null, "paused": false, "paused_since": null, "oldest_dead_at": null, "lost_to_retention": 0})";
constexpr std::string_view looks_answer =
    R"({"messages": [{"id": "order.events/0/17", "state": "dead", "key": "O-4711", "body": {"order_id": "O-4711"}, "headers": {"ce_type": "OrderPaid"}, "deliveries": 10, "reason": "the address is empty", "enqueued_at": "2026-01-02T03:04:05.678Z", "died_at": "2026-01-02T03:09:05.678Z", "topic": "order.events", "partition": 0, "offset": 17}]})";
constexpr std::string_view redrive_answer =
    R"({"redrive_id": "r1", "state": "running", "total": 3, "moved": 1, "links": {"self": "/v1/queues/notification.mail/redrives/r1"}})";

std::optional<broker::MessageState> state_of(std::string_view text) {
  if (text == "ready") return broker::MessageState::ready;
  if (text == "leased") return broker::MessageState::leased;
  if (text == "delayed") return broker::MessageState::delayed;
  if (text == "dead") return broker::MessageState::dead;
  return std::nullopt;
}

std::string_view name_of(broker::RedriveProgress::State state) {
  switch (state) {
    case broker::RedriveProgress::State::running:
      return "running";
    case broker::RedriveProgress::State::done:
      return "done";
    case broker::RedriveProgress::State::stopped:
      return "stopped";
  }
  return "";
}

std::string redrive_path(const std::string& queue, const std::string& id) {
  return "/v1/queues/" + runtime::percent_encode(queue) + "/redrives/" + runtime::percent_encode(id);
}

Json redrive_json(const std::string& queue, const broker::RedriveProgress& progress) {
  return {{"redrive_id", progress.id},
          {"state", name_of(progress.state)},
          {"total", progress.total},
          {"moved", progress.moved},
          {"links", {{"self", redrive_path(queue, progress.id)}}}};
}

Result<broker::Broker::Redrive> read_redrive(std::string_view body) {
  broker::Broker::Redrive redrive;
  bool given_ids = false;
  auto add_id = [&](const Field& f) {
    if (auto id = f.text()) redrive.ids.push_back(std::move(*id));
  };
  auto read =
      read_object(body, false,
                  {{"ids", [&](const Field& f) { given_ids = true, f.array(ids_max, add_id); }},
                   {"all", [&](const Field& f) { redrive.all = f.boolean().value_or(false); }},
                   {"rate", [&](const Field& f) { redrive.rate = f.number(0, rate_max).value_or(0); }}});
  if (!read) return std::unexpected(read.error());
  if (given_ids == redrive.all) {
    return error(ErrorCode::invalid,
                 "which dead letters? right is {{\"ids\": [\"…\"]}} or {{\"all\": true}}");
  }
  return redrive;
}

}  // namespace

void QueueCalls::add_to(RouteTable& table) {
  table.add({"PUT",
             "/v1/queues/{queue}",
             {"Queues", "Make a queue, or change its settings: 201 when made, 200 as it stands", 201,
              queue_body, queue_answer},
             [this](Call c) { return put(std::move(c)); }});
  table.add({"GET",
             "/v1/queues",
             {"Queues", "All queues with their settings and state", 200, "", R"({"queues": []})"},
             [this](Call c) { return list(std::move(c)); }});
  table.add({"GET",
             "/v1/queues/{queue}",
             {"Queues", "One queue: settings and state", 200, "", queue_answer},
             [this](Call c) { return get(std::move(c)); }});
  table.add(
      {"DELETE", "/v1/queues/{queue}", {"Queues", "Delete a queue; its topic stays", 204}, [this](Call c) {
         return remove(std::move(c));
       }});
  table.add({"GET",
             "/v1/queues/{queue}/messages",
             {"Queues",
              "Look at messages without taking them",
              200,
              "",
              looks_answer,
              {{"state", "ready (default), leased, delayed or dead"},
               {"key", "only this key"},
               {"id", "only this message"},
               {"limit", "1 to 1,000 messages, 100 by default"}}},
             [this](Call c) { return look(std::move(c)); }});
  add_redrives_to(table);
}

void QueueCalls::add_redrives_to(RouteTable& table) {
  constexpr std::string_view by_id = "/v1/queues/{queue}/redrives/{redrive}";
  table.add({"POST",
             "/v1/queues/{queue}/redrive",
             {"Queues", "Put dead letters back into the queue; stoppable at any time", 202,
              R"({"all": true, "rate": 100})", redrive_answer},
             [this](Call c) { return redrive(std::move(c)); }});
  table.add({"GET", by_id, {"Queues", "How far a redrive has come", 200, "", redrive_answer}, [this](Call c) {
               return redrive_progress(std::move(c));
             }});
  table.add(
      {"DELETE",
       by_id,
       {"Queues", "Stop a redrive; what it moved stays moved, the rest stays dead", 200, "", redrive_answer},
       [this](Call c) { return stop_redrive(std::move(c)); }});
  table.add({"POST",
             "/v1/queues/{queue}/pause",
             {"Queues", "Give out no more messages until resumed", 204},
             [this](Call c) { return pause(std::move(c)); }});
  table.add({"POST", "/v1/queues/{queue}/resume", {"Queues", "Give out messages again", 204}, [this](Call c) {
               return resume(std::move(c));
             }});
  table.add({"POST",
             "/v1/queues/{queue}/purge",
             {"Queues", "Throw away what waits", 200, "", R"({"purged": 3})"},
             [this](Call c) { return purge(std::move(c)); }});
}

QueueCalls::Answer QueueCalls::put(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto now = co_await broker_.queue(call.name("queue"));
  if (!now && now.error().code != ErrorCode::not_found) co_return std::unexpected(now.error());
  auto change = read_queue_change(call.request.body, now ? now->settings : broker::QueueSettings{});
  if (!change) co_return std::unexpected(change.error());
  if (change->push && *change->push) {
    if (auto ok = check_push_(**change->push); !ok) co_return std::unexpected(ok.error());
  }
  auto put = co_await broker_.put_queue(call.name("queue"), std::move(*change));
  if (!put) co_return std::unexpected(put.error());
  auto queue = co_await broker_.queue(call.name("queue"));
  if (!queue) co_return std::unexpected(queue.error());
  co_return json_answer(put->created ? 201 : 200, queue_json(*queue));
}

QueueCalls::Answer QueueCalls::list(Call call) {
  auto queues = co_await broker_.queues();
  if (!queues) co_return std::unexpected(queues.error());
  Json list = Json::array();
  for (const broker::QueueInfo& queue : *queues) list.push_back(queue_json(queue));
  co_return json_answer(200, Json{{"queues", std::move(list)}});
}

QueueCalls::Answer QueueCalls::get(Call call) {
  auto queue = co_await broker_.queue(call.name("queue"));
  if (!queue) co_return std::unexpected(queue.error());
  co_return json_answer(200, queue_json(*queue));
}

QueueCalls::Answer QueueCalls::remove(Call call) {
  auto removed = co_await broker_.delete_queue(call.name("queue"));
  if (!removed) co_return std::unexpected(removed.error());
  co_return no_content();
}

QueueCalls::Answer QueueCalls::look(Call call) {
  Query query(call.request.query());
  broker::Broker::Look look{.queue = call.name("queue"), .key = query.text("key"), .id = query.text("id")};
  look.limit = static_cast<int>(query.integer("limit", 1, look_max).value_or(look_default));
  if (auto text = query.text("state")) {
    auto state = state_of(*text);
    if (!state) query.problem("state", "read '" + *text + "'; right is ready, leased, delayed or dead");
    look.state = state.value_or(look.state);
  }
  if (auto ok = query.finish(); !ok) co_return std::unexpected(ok.error());
  auto messages = co_await broker_.messages(std::move(look));
  if (!messages) co_return std::unexpected(messages.error());
  std::string out = "{\"messages\":[";
  for (const broker::MessageLook& message : *messages) {
    if (!out.ends_with('[')) out += ',';
    append_look(out, message);
  }
  co_return json_answer(200, out + "]}");
}

QueueCalls::Answer QueueCalls::redrive(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto redrive = read_redrive(call.request.body);
  if (!redrive) co_return std::unexpected(redrive.error());
  redrive->queue = call.name("queue");
  auto progress = co_await broker_.redrive(std::move(*redrive));
  if (!progress) co_return std::unexpected(progress.error());
  auto response = json_answer(202, redrive_json(call.name("queue"), *progress));
  response.fields.add("Location", redrive_path(call.name("queue"), progress->id));
  co_return response;
}

QueueCalls::Answer QueueCalls::redrive_progress(Call call) {
  auto progress = co_await broker_.redrive_progress(call.name("queue"), call.name("redrive"));
  if (!progress) co_return std::unexpected(progress.error());
  co_return json_answer(200, redrive_json(call.name("queue"), *progress));
}

QueueCalls::Answer QueueCalls::stop_redrive(Call call) {
  auto progress = co_await broker_.stop_redrive(call.name("queue"), call.name("redrive"));
  if (!progress) co_return std::unexpected(progress.error());
  co_return json_answer(200, redrive_json(call.name("queue"), *progress));
}

QueueCalls::Answer QueueCalls::pause(Call call) {
  auto done = co_await broker_.pause(call.name("queue"));
  if (!done) co_return std::unexpected(done.error());
  co_return no_content();
}

QueueCalls::Answer QueueCalls::resume(Call call) {
  auto done = co_await broker_.resume(call.name("queue"));
  if (!done) co_return std::unexpected(done.error());
  co_return no_content();
}

QueueCalls::Answer QueueCalls::purge(Call call) {
  auto purged = co_await broker_.purge(call.name("queue"));
  if (!purged) co_return std::unexpected(purged.error());
  co_return json_answer(200, Json{{"purged", *purged}});
}

}  // namespace pabal::doors
