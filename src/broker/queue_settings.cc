#include <nlohmann/json.hpp>

#include "broker/names.h"
#include "broker/queue_table.h"

// What the server remembers of a queue's settings, and which changes it takes.

namespace pabal::broker {
namespace {

using Json = nlohmann::json;

constexpr Duration visibility_max = std::chrono::hours(24 * 7);
constexpr int max_deliveries_max = 1000;
constexpr int64_t look_ahead_max = 1'000'000;
constexpr int push_concurrency_max = 256;

int64_t ns_of(Duration d) { return d.count(); }

// Throws for a number that is not whole: a conversion could have any outcome.
int64_t whole(const Json& json) { return json.get_ref<const Json::number_integer_t&>(); }
int whole_int(const Json& json) { return static_cast<int>(whole(json)); }

Json json_of(const StartPoint& from) {
  if (const WallTime* time = std::get_if<WallTime>(&from)) return time->time_since_epoch().count();
  return std::get<StartAt>(from) == StartAt::earliest ? "earliest" : "latest";
}

StartPoint start_of(const Json& json) {
  if (json.is_number_integer()) return WallTime(std::chrono::milliseconds(json.get<int64_t>()));
  return json == "earliest" ? StartAt::earliest : StartAt::latest;
}

Json json_of(const Filter& filter) {
  Json all = Json::array();
  for (const auto& [name, matches] : filter.headers) {
    Json tests = Json::array();
    for (const Match& m : matches) {
      tests.push_back({{"kind", static_cast<int>(m.kind)},
                       {"text", m.text},
                       {"numeric", m.numeric},
                       {"exists", m.exists},
                       {"any_of", m.any_of}});
    }
    all.push_back({{"name", name}, {"tests", tests}});
  }
  return all;
}

Filter filter_of(const Json& json) {
  Filter filter;
  for (const Json& header : json) {
    std::vector<Match> matches;
    for (const Json& test : header.at("tests")) {
      matches.push_back({static_cast<Match::Kind>(whole_int(test.at("kind"))),
                         test.at("text").get<std::string>(),
                         test.at("numeric").get<std::vector<std::pair<std::string, double>>>(),
                         test.at("exists").get<bool>(), test.at("any_of").get<std::vector<std::string>>()});
    }
    filter.headers.emplace_back(header.at("name").get<std::string>(), std::move(matches));
  }
  return filter;
}

Json json_of(const std::optional<PushSettings>& push) {
  if (!push) return nullptr;
  return {{"url", push->url},
          {"concurrency", push->concurrency},
          {"timeout_ns", ns_of(push->timeout)},
          {"secret", push->secret}};
}

std::optional<PushSettings> push_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return PushSettings{json.at("url").get<std::string>(), whole_int(json.at("concurrency")),
                      Duration(whole(json.at("timeout_ns"))), json.at("secret").get<std::string>()};
}

Json json_of(const QueueSettings& s) {
  return {{"topic", s.topic},
          {"from", json_of(s.from)},
          {"filter", json_of(s.filter)},
          {"visibility_ns", ns_of(s.visibility)},
          {"max_deliveries", s.max_deliveries},
          {"backoff", {ns_of(s.backoff.first), s.backoff.factor, ns_of(s.backoff.max)}},
          {"dead_letter", s.dead_letter},
          {"by_key", s.order == KeyOrder::by_key},
          {"hold", s.on_dead == OnDead::hold},
          {"look_ahead", s.look_ahead},
          {"max_depth", s.max_depth},
          {"max_bytes", s.max_bytes},
          {"max_age_ns", ns_of(s.max_age)},
          {"release", s.overflow == Overflow::release},
          {"push", json_of(s.push)}};
}

// Throws on anything missing.
QueueSettings settings_of(const Json& json) {
  QueueSettings s;
  s.topic = json.at("topic").get<std::string>();
  s.from = start_of(json.at("from"));
  s.filter = filter_of(json.at("filter"));
  s.visibility = Duration(whole(json.at("visibility_ns")));
  s.max_deliveries = whole_int(json.at("max_deliveries"));
  const Json& backoff = json.at("backoff");
  s.backoff = {Duration(whole(backoff.at(0))), backoff.at(1).get<double>(), Duration(whole(backoff.at(2)))};
  s.dead_letter = json.at("dead_letter").get<std::string>();
  s.order = json.at("by_key").get<bool>() ? KeyOrder::by_key : KeyOrder::none;
  s.on_dead = json.at("hold").get<bool>() ? OnDead::hold : OnDead::carry_on;
  s.look_ahead = whole(json.at("look_ahead"));
  s.max_depth = whole(json.at("max_depth"));
  s.max_bytes = static_cast<uint64_t>(whole(json.at("max_bytes")));
  s.max_age = Duration(whole(json.at("max_age_ns")));
  s.overflow = json.at("release").get<bool>() ? Overflow::release : Overflow::dead_letter;
  s.push = push_of(json.at("push"));
  return s;
}

std::unexpected<Error> bad(std::string field, std::string problem) {
  return std::unexpected(
      Error{ErrorCode::invalid, fmt::format("{}: {}", field, problem), {{std::move(field), problem}}});
}

Result<void> check_settings(const QueueSettings& s) {
  if (s.visibility <= Duration::zero() || s.visibility > visibility_max) {
    return bad("visibility", "must be above 0 and at most 7d");
  }
  if (s.max_deliveries < 1 || s.max_deliveries > max_deliveries_max) {
    return bad("max_deliveries", fmt::format("{} is not from 1 to {}", s.max_deliveries, max_deliveries_max));
  }
  if (s.backoff.first < Duration::zero() || s.backoff.max < s.backoff.first) {
    return bad("backoff", "max must not be below first");
  }
  if (!(s.backoff.factor >= 1 && s.backoff.factor <= 100))
    return bad("backoff.factor", "must be from 1 to 100");
  if (s.look_ahead < 1 || s.look_ahead > look_ahead_max) {
    return bad("look_ahead", fmt::format("{} is not from 1 to {}", s.look_ahead, look_ahead_max));
  }
  if (s.max_depth < 1) return bad("max_depth", "must be at least 1");
  if (s.max_bytes < 1) return bad("max_bytes", "must be at least 1");
  if (s.max_age <= Duration::zero()) return bad("max_age", "must be above 0");
  if (!is_topic_name(s.dead_letter) || is_internal_name(s.dead_letter)) {
    return bad("dead_letter", fmt::format("{:?} is no topic name", s.dead_letter));
  }
  if (s.dead_letter == s.topic) return bad("dead_letter", "must not be the topic that the queue reads");
  if (s.push && (s.push->concurrency < 1 || s.push->concurrency > push_concurrency_max)) {
    return bad("push.concurrency", fmt::format("must be from 1 to {}", push_concurrency_max));
  }
  return {};
}

template <class T>
void take(T& field, const std::optional<T>& change) {
  if (change) field = *change;
}

}  // namespace

Result<QueueSettings> changed(QueueSettings settings, const QueueChange& change) {
  take(settings.topic, change.topic);
  take(settings.from, change.from);
  take(settings.filter, change.filter);
  take(settings.visibility, change.visibility);
  take(settings.max_deliveries, change.max_deliveries);
  take(settings.backoff, change.backoff);
  take(settings.dead_letter, change.dead_letter);
  take(settings.order, change.order);
  take(settings.on_dead, change.on_dead);
  take(settings.look_ahead, change.look_ahead);
  take(settings.max_depth, change.max_depth);
  take(settings.max_bytes, change.max_bytes);
  take(settings.max_age, change.max_age);
  take(settings.overflow, change.overflow);
  take(settings.push, change.push);
  if (auto sound = check_settings(settings); !sound) return std::unexpected(sound.error());
  return settings;
}

std::string QueueRecord::encode() const {
  Json json{{"id", id.to_string()}, {"settings", json_of(settings)}};
  if (paused_since) json["paused_since"] = paused_since->time_since_epoch().count();
  return json.dump();
}

Result<QueueRecord> QueueRecord::decode(std::string_view text) {
  try {
    Json json = Json::parse(text);
    auto id = Uuid::parse(json.at("id").get<std::string>());
    if (!id) return error(ErrorCode::corrupt, "a queue's id cannot be read");
    QueueRecord record{*id, settings_of(json.at("settings"))};
    if (json.contains("paused_since")) {
      record.paused_since = WallTime(std::chrono::milliseconds(whole(json.at("paused_since"))));
    }
    return record;
  } catch (const Json::exception& e) {
    return error(ErrorCode::corrupt, "a queue's record cannot be read: {}", e.what());
  }
}

}  // namespace pabal::broker
