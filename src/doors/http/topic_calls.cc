#include "doors/http/topic_calls.h"

#include <functional>

#include "doors/http/query.h"
#include "doors/http/topic_json.h"

namespace pabal::doors {
namespace {

// A member that is text; empty for one that is missing or null.
std::string text_of(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A member as it is; null for one that is missing.
Json member_of(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() ? *found : Json(nullptr);
}

// The nodes at the other ends of a topic's edges: who publishes to it, or which queues, groups and clients
// read it. An edge without traffic has neither rate nor time.
Json neighbours(const Json& flow, const std::string& topic, const char* end, const char* other,
                std::string_view edge_kind) {
  Json list = Json::array();
  std::string id = "topic:" + topic;
  for (const Json& edge : member_of(flow, "edges")) {
    if (!edge.is_object() || text_of(edge, "kind") != edge_kind || text_of(edge, end) != id) continue;
    std::string node = text_of(edge, other);
    size_t colon = node.find(':');
    std::string name = colon == std::string::npos ? node : node.substr(colon + 1);
    list.push_back({{"name", name},
                    {node.substr(0, colon), name},
                    {"rate", member_of(edge, "rate")},
                    {"last_seen", member_of(edge, "last_seen")}});
    if (Json clients = member_of(edge, "clients"); clients.is_array())
      list.back()["clients"] = std::move(clients);
  }
  return list;
}

}  // namespace

void TopicCalls::add_to(RouteTable& table) {
  constexpr std::string_view body =
      R"({"partitions": 1, "retention": {"time": "7d", "size": "10GiB"}, "cleanup": "delete", "tombstones_kept": "24h", "durability": "flushed", "timestamps": "create", "max_message_size": "1MiB"})";
  constexpr std::string_view topic =
      R"({"name": "order.events", "id": "0193f0c2-77aa-7b01-9b1e-2c3d4e5f6071", "partitions": [{"partition": 0, "first_offset": 0, "next_offset": 18, "bytes": 4096, "lost": 0}], "retention": {"time": "7d", "size": null}, "cleanup": "delete", "durability": "flushed", "max_message_size": "4MiB", "timestamps": "create", "internal": false, "producers": [{"name": "till", "service": "till", "rate": 12.5, "last_seen": "2026-01-02T03:04:05.678Z", "clients": [{"client": "till", "address": "10.0.0.7", "user": null, "last_seen": "2026-01-02T03:04:05.678Z"}]}], "consumers": [{"name": "analytics", "group": "analytics", "rate": 12.5, "last_seen": "2026-01-02T03:04:05.678Z"}]})";
  constexpr std::string_view all = R"({"topics": []})";
  table.add(
      {"PUT",
       "/v1/topics/{topic}",
       {"Topics", "Make a topic, or change its settings: 201 when made, 200 as it stands", 201, body, topic},
       [this](Call c) { return put(std::move(c)); }});
  table.add({"GET",
             "/v1/topics",
             {"Topics",
              "All topics with their settings and partitions",
              200,
              "",
              all,
              {{"internal", "true: the server's own tables too"}}},
             [this](Call c) { return list(std::move(c)); }});
  table.add({"GET",
             "/v1/topics/{topic}",
             {"Topics", "One topic, with who published to it and read it of late", 200, "", topic},
             [this](Call c) { return get(std::move(c)); }});
  table.add(
      {"DELETE", "/v1/topics/{topic}", {"Topics", "Delete a topic and its records", 204}, [this](Call c) {
         return remove(std::move(c));
       }});
  table.add(
      {"POST",
       "/v1/topics/{topic}/delete_records",
       {"Topics",
        "Delete the records of partitions below an offset, for every reader; \"next\" means all of them", 200,
        R"({"partitions": [{"partition": 0, "before_offset": "next"}]})",
        R"({"partitions": [{"partition": 0, "first_offset": 17}]})"},
       [this](Call c) { return delete_records(std::move(c)); }});
}

TopicCalls::Answer TopicCalls::put(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto change = read_topic_change(call.request.body);
  if (!change) co_return std::unexpected(change.error());
  auto put = co_await broker_.put_topic(call.name("topic"), *change);
  if (!put) co_return std::unexpected(put.error());
  auto topic = co_await broker_.topic(call.name("topic"));
  if (!topic) co_return std::unexpected(topic.error());
  co_return json_answer(put->created ? 201 : 200, topic_json(*topic));
}

TopicCalls::Answer TopicCalls::list(Call call) {
  Query query(call.request.query());
  auto internal = query.text("internal");
  if (auto ok = query.finish(); !ok) co_return std::unexpected(ok.error());
  auto topics = co_await broker_.topics();
  if (!topics) co_return std::unexpected(topics.error());
  Json list = Json::array();
  for (const broker::TopicInfo& topic : *topics) {
    if (!topic.internal || internal == "true") list.push_back(topic_json(topic));
  }
  co_return json_answer(200, Json{{"topics", std::move(list)}});
}

TopicCalls::Answer TopicCalls::get(Call call) {
  auto topic = co_await broker_.topic(call.name("topic"));
  if (!topic) co_return std::unexpected(topic.error());
  co_return json_answer(200, co_await shown(std::move(*topic)));
}

runtime::Task<Json> TopicCalls::shown(broker::TopicInfo topic) {
  Json json = topic_json(topic);
  auto texts = co_await seeing_.current();
  Json flow = texts ? Json::parse((*texts)->flow, nullptr, false) : Json::object();
  if (!flow.is_object()) flow = Json::object();
  json["producers"] = neighbours(flow, topic.name, "to", "from", "publishes");
  json["consumers"] = neighbours(flow, topic.name, "from", "to", "delivers");
  co_return json;
}

// All of them are looked at before the first one is trimmed.
TopicCalls::Answer TopicCalls::delete_records(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto asked = read_deletions(call.request.body);
  if (!asked) co_return std::unexpected(asked.error());
  auto topic = co_await broker_.topic(call.name("topic"));
  if (!topic) co_return std::unexpected(topic.error());
  if (auto ok = check_deletions(*topic, *asked); !ok) co_return std::unexpected(ok.error());
  Json partitions = Json::array();
  for (const Deletion& deletion : *asked) {
    auto first = co_await broker_.delete_records(topic->name, deletion.partition, deletion.before);
    if (!first) co_return std::unexpected(first.error());
    partitions.push_back({{"partition", deletion.partition.value()}, {"first_offset", first->value()}});
  }
  co_return json_answer(200, Json{{"partitions", std::move(partitions)}});
}

TopicCalls::Answer TopicCalls::remove(Call call) {
  auto removed = co_await broker_.delete_topic(call.name("topic"));
  if (!removed) co_return std::unexpected(removed.error());
  co_return no_content();
}

}  // namespace pabal::doors
