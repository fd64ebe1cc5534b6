#include "doors/http/queue_json.h"

#include <cmath>

#include "base/units.h"
#include "doors/http/filter_json.h"

namespace pabal::doors {
namespace {

using broker::Backoff;
using broker::PushSettings;
using broker::QueueChange;

constexpr Duration visibility_max = std::chrono::hours(12);
constexpr Duration backoff_max = std::chrono::days(1);
constexpr Duration age_max = std::chrono::days(10'000);
constexpr Duration push_timeout_max = std::chrono::minutes(10);
constexpr int64_t deliveries_max = 1'000'000;
constexpr int64_t push_concurrency_max = 1'000;
constexpr double factor_max = 1'000;
constexpr std::string_view secret_is_set = "set";

std::optional<broker::StartPoint> read_start(const Field& field) {
  auto text = field.value().text();
  if (text == "latest") return broker::StartAt::latest;
  if (text == "earliest") return broker::StartAt::earliest;
  auto time = text ? parse_time(*text) : error(ErrorCode::invalid, "no text");
  if (time) return *time;
  field.wrong("\"latest\", \"earliest\" or a time as in RFC 3339");
  return std::nullopt;
}

void read_backoff(const Field& field, const Backoff& now, QueueChange& change) {
  Backoff backoff = now;
  field.object({
      {"first", [&](const Field& f) { backoff.first = f.duration(backoff_max).value_or(backoff.first); }},
      {"factor", [&](const Field& f) { backoff.factor = f.number(1, factor_max).value_or(backoff.factor); }},
      {"max", [&](const Field& f) { backoff.max = f.duration(backoff_max).value_or(backoff.max); }},
  });
  change.backoff = backoff;
}

void read_push(const Field& field, const std::optional<PushSettings>& now, QueueChange& change) {
  if (field.is_null()) {
    change.push.emplace(std::nullopt);
    return;
  }
  PushSettings push = now.value_or(PushSettings{});
  bool is_object = field.object({
      {"url", [&](const Field& f) { push.url = f.text().value_or(""); }},
      {"concurrency",
       [&](const Field& f) {
         push.concurrency = static_cast<int>(f.integer(1, push_concurrency_max).value_or(push.concurrency));
       }},
      {"timeout",
       [&](const Field& f) { push.timeout = f.duration(push_timeout_max).value_or(push.timeout); }},
      {"secret",
       [&](const Field& f) {
         std::string secret = f.is_null() ? std::string() : f.text().value_or("");
         if (secret != secret_is_set || push.secret.empty()) push.secret = std::move(secret);
       }},
  });
  if (is_object && push.url.empty()) field.problem("has no url");
  change.push = std::move(push);
}

std::string start_text(const broker::StartPoint& from) {
  if (const auto* at = std::get_if<WallTime>(&from)) return format_time(*at);
  return std::get<broker::StartAt>(from) == broker::StartAt::earliest ? "earliest" : "latest";
}

Json push_json(const std::optional<PushSettings>& push) {
  if (!push) return nullptr;
  return {{"url", push->url},
          {"concurrency", push->concurrency},
          {"timeout", format_duration(push->timeout)},
          {"secret", push->secret.empty() ? Json(nullptr) : Json(secret_is_set)}};
}

Json consumers_json(const std::vector<broker::ConsumerInfo>& consumers) {
  Json list = Json::array();
  for (const broker::ConsumerInfo& c : consumers) {
    list.push_back({{"service", c.service},
                    {"via", c.via},
                    {"last_seen", format_time(c.last_seen)},
                    {"leased", c.leased},
                    {"waiting", c.waiting}});
  }
  return list;
}

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

// An age to the millisecond is all anybody reads.
Duration rounded(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d); }

void add_settings(const broker::QueueSettings& s, Json& json) {
  json.update(Json{{"topic", s.topic},
                   {"from", start_text(s.from)},
                   {"filter", filter_json(s.filter)},
                   {"visibility", format_duration(s.visibility)},
                   {"max_deliveries", s.max_deliveries},
                   {"backoff",
                    {{"first", format_duration(s.backoff.first)},
                     {"factor", s.backoff.factor},
                     {"max", format_duration(s.backoff.max)}}},
                   {"dead_letter", s.dead_letter},
                   {"order", s.order == broker::KeyOrder::by_key ? "key" : "none"},
                   {"on_dead", s.on_dead == broker::OnDead::hold ? "hold" : "continue"},
                   {"look_ahead", s.look_ahead},
                   {"max_depth", s.max_depth},
                   {"max_bytes", format_size(s.max_bytes)},
                   {"max_age", format_duration(s.max_age)},
                   {"overflow", s.overflow == broker::Overflow::release ? "release" : "dead_letter"},
                   {"push", push_json(s.push)}});
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json time_or_null(std::optional<WallTime> at) { return at ? Json(format_time(*at)) : Json(nullptr); }

}  // namespace

Result<QueueChange> read_queue_change(std::string_view body, const broker::QueueSettings& now) {
  QueueChange change;
  auto read = read_object(
      body, true,
      {{"topic", [&](const Field& f) { change.topic = f.text(); }},
       {"from", [&](const Field& f) { change.from = read_start(f); }},
       {"filter", [&](const Field& f) { read_filter(f, change.filter.emplace()); }},
       {"visibility", [&](const Field& f) { change.visibility = f.duration(visibility_max); }},
       {"max_deliveries",
        [&](const Field& f) {
          if (auto n = f.integer(1, deliveries_max)) change.max_deliveries = static_cast<int>(*n);
        }},
       {"backoff", [&](const Field& f) { read_backoff(f, now.backoff, change); }},
       {"dead_letter", [&](const Field& f) { change.dead_letter = f.text(); }},
       {"order",
        [&](const Field& f) {
          change.order = f.one_of<broker::KeyOrder>(
              {{"none", broker::KeyOrder::none}, {"key", broker::KeyOrder::by_key}});
        }},
       {"on_dead",
        [&](const Field& f) {
          change.on_dead = f.one_of<broker::OnDead>(
              {{"continue", broker::OnDead::carry_on}, {"hold", broker::OnDead::hold}});
        }},
       {"look_ahead", [&](const Field& f) { change.look_ahead = f.integer(1, 10'000'000); }},
       {"max_depth", [&](const Field& f) { change.max_depth = f.integer(1, 1'000'000'000); }},
       {"max_bytes", [&](const Field& f) { change.max_bytes = f.size(); }},
       {"max_age", [&](const Field& f) { change.max_age = f.duration(age_max); }},
       {"overflow",
        [&](const Field& f) {
          change.overflow = f.one_of<broker::Overflow>(
              {{"dead_letter", broker::Overflow::dead_letter}, {"release", broker::Overflow::release}});
        }},
       {"push", [&](const Field& f) { read_push(f, now.push, change); }}});
  if (!read) return std::unexpected(read.error());
  return change;
}

Json queue_json(const broker::QueueInfo& queue) {
  Json json = {{"name", queue.name}};
  add_settings(queue.settings, json);
  Json age = nullptr;
  Json age_s = nullptr;
  if (queue.oldest_ready_age) {
    age = format_duration(rounded(*queue.oldest_ready_age));
    age_s = seconds(rounded(*queue.oldest_ready_age));
  }
  json.update(Json{{"ready", queue.ready},
                   {"leased", queue.leased},
                   {"delayed", queue.delayed},
                   {"dead", queue.dead},
                   {"unscanned", queue.unscanned},
                   {"oldest_ready_age", age},
                   {"oldest_ready_age_s", age_s},
                   {"delivered_per_second", queue.delivered_per_second},
                   {"acked_per_second", queue.acked_per_second},
                   {"retried_per_second", queue.retried_per_second},
                   {"consumers", queue.consumers_here()},
                   {"consumer_list", consumers_json(queue.consumers)},
                   {"stalled", or_null(queue.stalled)},
                   {"paused", queue.paused},
                   {"paused_since", time_or_null(queue.paused_since)},
                   {"oldest_dead_at", time_or_null(queue.oldest_dead_at)},
                   {"lost_to_retention", queue.lost_to_retention}});
  return json;
}

}  // namespace pabal::doors
