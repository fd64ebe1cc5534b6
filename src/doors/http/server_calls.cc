#include "doors/http/server_calls.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

#include "doors/http/answers.h"
#include "doors/http/openapi.h"

namespace pabal::doors {
namespace {

std::string_view name_of(engine::EngineHealth::State state) {
  switch (state) {
    case engine::EngineHealth::State::ok:
      return "ok";
    case engine::EngineHealth::State::disk_full:
      return "disk_full";
    case engine::EngineHealth::State::read_only:
      return "read_only";
  }
  return "";
}

template <class... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

struct QueueGauge {
  std::string_view name;
  std::string_view help;
  double (*value)(const broker::QueueInfo&);
};

constexpr QueueGauge queue_gauges[] = {
    {"pabal_queue_ready", "Messages that wait for a consumer.",
     [](const broker::QueueInfo& q) { return double(q.ready); }},
    {"pabal_queue_leased", "Messages that a consumer has.",
     [](const broker::QueueInfo& q) { return double(q.leased); }},
    {"pabal_queue_delayed", "Messages that wait for their time.",
     [](const broker::QueueInfo& q) { return double(q.delayed); }},
    {"pabal_queue_dead", "Dead letters.", [](const broker::QueueInfo& q) { return double(q.dead); }},
    {"pabal_queue_unscanned", "Records of the topic not yet looked at.",
     [](const broker::QueueInfo& q) { return double(q.unscanned); }},
    {"pabal_queue_consumers", "Consumers that are there.",
     [](const broker::QueueInfo& q) { return double(q.consumers_here()); }},
    {"pabal_queue_oldest_ready_age_seconds", "How long the oldest ready message waits.",
     [](const broker::QueueInfo& q) {
       return std::chrono::duration<double>(q.oldest_ready_age.value_or(Duration::zero())).count();
     }},
    {"pabal_queue_lost_to_retention_total", "Messages that retention took, as `overflow: release` allows.",
     [](const broker::QueueInfo& q) { return double(q.lost_to_retention); }},
};

void append_queues(std::string& out, const std::vector<broker::QueueInfo>& queues) {
  for (const QueueGauge& gauge : queue_gauges) {
    append_metric_head(out, gauge.name, gauge.name.ends_with("_total") ? "counter" : "gauge", gauge.help);
    for (const broker::QueueInfo& q : queues) {
      append(out, "{}{{queue=\"{}\"}} {}\n", gauge.name, label_value(q.name), gauge.value(q));
    }
  }
}

// How many records topics that are not flushed may have lost, ever.
void append_lost(std::string& out, const std::vector<broker::TopicInfo>& topics) {
  append_metric_head(
      out, "pabal_lost_offsets_total", "counter",
      "Offsets of topics that are not flushed that may have held records which a crash, or the "
      "end of the process, has taken.");
  for (const broker::TopicInfo& topic : topics) {
    if (topic.settings.durability == broker::Durability::flushed) continue;
    int64_t lost = 0;
    for (const broker::PartitionInfo& partition : topic.partitions) lost += partition.range.lost;
    append(out, "pabal_lost_offsets_total{{topic=\"{}\",durability=\"{}\"}} {}\n", topic.name,
           broker::name_of(topic.settings.durability), lost);
  }
}

void append_topics(std::string& out, const std::vector<broker::TopicInfo>& topics) {
  append_metric_head(out, "pabal_topic_next_offset", "gauge",
                     "The offset the next record of a partition gets.");
  for (const broker::TopicInfo& t : topics) {
    for (const broker::PartitionInfo& p : t.partitions) {
      append(out, "pabal_topic_next_offset{{topic=\"{}\",partition=\"{}\"}} {}\n", label_value(t.name),
             p.partition, p.range.next);
    }
  }
  append_metric_head(out, "pabal_topic_bytes", "gauge", "Bytes of the records that a topic keeps.");
  for (const broker::TopicInfo& t : topics) {
    uint64_t bytes = 0;
    for (const broker::PartitionInfo& p : t.partitions) bytes += p.range.bytes;
    append(out, "pabal_topic_bytes{{topic=\"{}\"}} {}\n", label_value(t.name), bytes);
  }
}

runtime::HttpResponse text_answer(int status, std::string_view type, std::string body) {
  runtime::HttpResponse response{.status = status, .body = std::move(body)};
  response.fields.add("Content-Type", std::string(type));
  return response;
}

}  // namespace

void ServerCalls::add_to(RouteTable& table) {
  table.add({"GET",
             "/healthz",
             {"Server", "Is the process alive", 200, "", R"({"status": "ok"})"},
             [this](Call c) { return healthz(std::move(c)); },
             Admission::open});
  table.add({"GET",
             "/readyz",
             {"Server", "Does it take requests: 200, or 503 while it stops or takes no writes", 200, "",
              R"({"status": "ready", "storage": "ok", "reason": null})"},
             [this](Call c) { return readyz(std::move(c)); },
             Admission::open});
  table.add(
      {"GET", "/metrics", {"Server", "Prometheus metrics", 200, "", "", {}, "text/plain"}, [this](Call c) {
         return metrics(std::move(c));
       }});
  table.add({"GET",
             "/v1/openapi.json",
             {"Server", "This description", 200, "", R"({"openapi": "3.1.0"})"},
             [this](Call c) { return openapi(std::move(c)); },
             Admission::open});
}

ServerCalls::Answer ServerCalls::healthz(Call) {
  co_return json_answer(200, Json{{"status", "ok"}, {"version", parts_.version}});
}

ServerCalls::Answer ServerCalls::readyz(Call) {
  engine::EngineHealth health = parts_.engine.health();
  bool ready = health.state != engine::EngineHealth::State::read_only;
  Json reason = health.reason.empty() ? Json(nullptr) : Json(health.reason);
  Json body = {
      {"status", ready ? "ready" : "not ready"}, {"storage", name_of(health.state)}, {"reason", reason}};
  auto response = json_answer(ready ? 200 : 503, body);
  if (!ready) response.fields.add("Retry-After", "10");
  co_return response;
}

ServerCalls::Answer ServerCalls::metrics(Call) {
  auto queues = co_await parts_.broker.queues();
  auto topics = co_await parts_.broker.topics();
  std::string out;
  append_metric_head(out, "pabal_info", "gauge", "The version that runs.");
  append(out, "pabal_info{{version=\"{}\"}} 1\n", parts_.version);
  parts_.requests.append_to(out, parts_.table);
  append_engine(out);
  parts_.backups.append_to(out);
  if (queues) append_queues(out, *queues);
  if (topics) append_topics(out, *topics);
  if (topics) append_lost(out, *topics);
  if (parts_.more_metrics) parts_.more_metrics(out);
  co_return text_answer(200, "text/plain; version=0.0.4; charset=utf-8", std::move(out));
}

void ServerCalls::append_engine(std::string& out) const {
  engine::EngineHealth health = parts_.engine.health();
  append_metric_head(out, "pabal_storage_state", "gauge", "1 for the state the storage is in.");
  for (auto state : {engine::EngineHealth::State::ok, engine::EngineHealth::State::disk_full,
                     engine::EngineHealth::State::read_only}) {
    append(out, "pabal_storage_state{{state=\"{}\"}} {}\n", name_of(state), state == health.state ? 1 : 0);
  }
  append_metric_head(out, "pabal_damaged_partitions", "gauge",
                     "Partitions that take no more records because what was stored is damaged.");
  append(out, "pabal_damaged_partitions {}\n", health.damaged.size());
  append_metric_head(out, "pabal_storage_bytes", "gauge", "Bytes that the data take on disk.");
  append(out, "pabal_storage_bytes {}\n", health.bytes);
  append_metric_head(out, "pabal_storage_free_bytes", "gauge", "Bytes that are free on that disk.");
  append(out, "pabal_storage_free_bytes {}\n", health.free_bytes);
  std::vector<double> commits = parts_.engine.recent_commit_seconds();
  std::ranges::sort(commits);
  append_metric_head(out, "pabal_commit_seconds", "summary",
                     "How long the latest commits took to be durable.");
  for (double q : {0.5, 0.9, 0.99}) {
    if (commits.empty()) break;
    auto at = static_cast<size_t>(q * static_cast<double>(commits.size() - 1) + 0.5);
    append(out, "pabal_commit_seconds{{quantile=\"{}\"}} {}\n", q, commits[at]);
  }
}

ServerCalls::Answer ServerCalls::openapi(Call) {
  co_return json_answer(200, openapi_json(parts_.table, parts_.version));
}

}  // namespace pabal::doors
