#include "doors/http/group_calls.h"

#include <algorithm>

namespace pabal::doors {
namespace {

using broker::GroupError;

constexpr std::string_view group_row =
    R"({"name": "analytics", "state": "stable", "protocol_type": "consumer", "protocol": "range", "generation": 3, "topics": ["order.events"], "members": 1, "lag": 12, "last_rebalance": {"at": "2026-01-02T03:04:05.678Z", "reason": "analytics at 127.0.0.1 joined"}})";
constexpr std::string_view whole_group =
    R"({"name": "analytics", "state": "stable", "protocol_type": "consumer", "protocol": "range", "generation": 3, "topics": ["order.events"], "members": 1, "lag": 12, "last_rebalance": {"at": "2026-01-02T03:04:05.678Z", "reason": "analytics at 127.0.0.1 joined"}, "member_list": [{"id": "analytics-0193f0c2", "instance": null, "client": "analytics", "address": "127.0.0.1", "subscribed": ["order.events"], "assigned": [{"topic": "order.events", "partitions": [0]}]}], "partitions": [{"topic": "order.events", "partition": 0, "committed": 17, "first_offset": 0, "next_offset": 29, "lag": 12, "removed_unread": 0, "metadata": "", "member": "analytics-0193f0c2", "client": "analytics"}]})";
constexpr std::string_view reset_body =
    R"({"topic": "order.events", "partition": 0, "to": "earliest", "dry_run": true})";
constexpr std::string_view reset_answer =
    R"({"dry_run": true, "partitions": [{"topic": "order.events", "partition": 0, "from": 17, "to": 0}]})";

Error no_group(const std::string& group) {
  return {ErrorCode::not_found, fmt::format("there is no consumer group '{}'", group)};
}

// What the groups answer, as a sentence.
Result<void> as_result(GroupError problem, const std::string& group) {
  switch (problem) {
    case GroupError::none:
      return {};
    case GroupError::group_not_found:
      return std::unexpected(no_group(group));
    case GroupError::not_empty:
    case GroupError::unknown_member:
      return error(ErrorCode::conflict, "group '{}' has members; stop its consumers first", group);
    case GroupError::invalid_group:
      return error(ErrorCode::invalid, "'{}' is no name of a group: right are 1 to {} bytes of UTF-8", group,
                   broker::group_name_bytes_max);
    case GroupError::too_many_offsets:
      return error(ErrorCode::over_limit, "these are too many offsets; at most {} at once",
                   broker::offsets_per_commit_max);
    case GroupError::unknown_topic:
      return error(ErrorCode::conflict, "a topic was deleted meanwhile; nothing of it was changed");
    default:
      return error(ErrorCode::unavailable, "the group could not be changed; try again");
  }
}

}  // namespace

void GroupCalls::add_to(RouteTable& table) {
  static const std::string all = fmt::format(R"({{"groups": [{}]}})", group_row);
  table.add({"GET",
             "/v1/groups",
             {"Groups", "All consumer groups with their state, lag and last rebalance", 200, "", all},
             [this](Call c) { return list(std::move(c)); }});
  table.add({"GET",
             "/v1/groups/{group}",
             {"Groups", "One consumer group: its members, and how far it is in each partition", 200, "",
              whole_group},
             [this](Call c) { return get(std::move(c)); }});
  table.add({"DELETE",
             "/v1/groups/{group}",
             {"Groups", "Delete a group without members, and its offsets", 204},
             [this](Call c) { return remove(std::move(c)); }});
  table.add({"POST",
             "/v1/groups/{group}/reset",
             {"Groups",
              "Set the offsets of a group without members: to earliest, latest, a time, or one offset; a dry "
              "run only "
              "says what it would do",
              200, reset_body, reset_answer},
             [this](Call c) { return reset(std::move(c)); }});
}

GroupCalls::Answer GroupCalls::list(Call) {
  auto topics = co_await broker_.topics();
  if (!topics) co_return std::unexpected(topics.error());
  Json groups = Json::array();
  for (broker::GroupView& view : co_await broker_.groups().views(broker::groups_max)) {
    groups.push_back(group_json(flows::look_at(std::move(view), *topics)));
  }
  co_return json_answer(200, Json{{"groups", std::move(groups)}});
}

runtime::Task<Result<flows::GroupLook>> GroupCalls::look(std::string group) {
  auto topics = co_await broker_.topics();
  if (!topics) co_return std::unexpected(topics.error());
  auto view = co_await broker_.groups().view(group);
  if (!view) co_return std::unexpected(no_group(group));
  co_return flows::look_at(std::move(*view), *topics);
}

GroupCalls::Answer GroupCalls::get(Call call) {
  auto group = co_await look(call.name("group"));
  if (!group) co_return std::unexpected(group.error());
  co_return json_answer(200, whole_group_json(*group));
}

GroupCalls::Answer GroupCalls::remove(Call call) {
  const std::string& group = call.name("group");
  auto removed = as_result(co_await broker_.groups().remove(group), group);
  if (!removed) co_return std::unexpected(removed.error());
  co_return no_content();
}

// Those of the topic that is named; else all that something is committed for.
runtime::Task<Result<std::vector<broker::TopicPartition>>> GroupCalls::partitions_of(
    std::string group, const GroupReset& reset) {
  std::vector<broker::TopicPartition> all;
  if (!reset.topic) {
    auto known = co_await look(group);
    if (!known) co_return std::unexpected(known.error());
    for (const auto& partition : known->partitions) {
      if (partition.committed && partition.range) all.push_back(partition.at);
    }
    if (all.empty())
      co_return error(ErrorCode::conflict, "group '{}' has no offsets; say which topic", group);
    co_return all;
  }
  auto topic = co_await broker_.topic(*reset.topic);
  if (!topic) co_return std::unexpected(topic.error());
  for (const broker::PartitionInfo& partition : topic->partitions) {
    if (!reset.partition || partition.partition == *reset.partition)
      all.push_back({topic->name, partition.partition});
  }
  if (all.empty()) {
    co_return error(ErrorCode::invalid, "partition {} is not from 0 to {}", *reset.partition,
                    topic->partitions.size() - 1);
  }
  co_return all;
}

runtime::Task<Result<Offset>> GroupCalls::target(const broker::TopicPartition& at, const GroupReset& reset) {
  if (const auto* start = std::get_if<broker::StartPoint>(&reset.to)) {
    co_return co_await broker_.find(at.topic, at.partition, *start);
  }
  Offset offset = std::get<Offset>(reset.to);
  auto first = co_await broker_.find(at.topic, at.partition, broker::StartAt::earliest);
  if (!first) co_return std::unexpected(first.error());
  auto next = co_await broker_.find(at.topic, at.partition, broker::StartAt::latest);
  if (!next) co_return std::unexpected(next.error());
  if (offset >= *first && offset <= *next) co_return offset;
  co_return error(ErrorCode::invalid, "partition {} of {} has no offset {}: right is {} to {}", at.partition,
                  at.topic, offset, *first, *next);
}

// Every target is found before the first offset is set; they are set in one commit.
GroupCalls::Answer GroupCalls::reset(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto asked = read_group_reset(call.request.body);
  if (!asked) co_return std::unexpected(asked.error());
  const std::string& group = call.name("group");
  broker::GroupInfo info = co_await broker_.groups().info(group);
  if (!info.members.empty()) co_return std::unexpected(as_result(GroupError::not_empty, group).error());
  auto partitions = co_await partitions_of(group, *asked);
  if (!partitions) co_return std::unexpected(partitions.error());
  auto before = co_await broker_.groups().offsets(group, *partitions);
  broker::OffsetCommit commit{.claim = {.group = group}};
  Json changes = Json::array();
  for (const broker::GroupOffset& old : before) {
    auto to = co_await target(old.at, *asked);
    if (!to) co_return std::unexpected(to.error());
    commit.offsets.push_back({.at = old.at, .offset = *to});
    changes.push_back({{"topic", old.at.topic},
                       {"partition", old.at.partition.value()},
                       {"from", old.offset < Offset(0) ? Json(nullptr) : Json(old.offset.value())},
                       {"to", to->value()}});
  }
  if (!asked->dry_run) {
    broker::GroupErrors errors = co_await broker_.groups().commit(std::move(commit));
    auto worst = std::ranges::find_if(errors.each, [](GroupError e) { return e != GroupError::none; });
    if (errors.error == GroupError::none && worst != errors.each.end()) errors.error = *worst;
    if (auto done = as_result(errors.error, group); !done) co_return std::unexpected(done.error());
  }
  co_return json_answer(200, Json{{"dry_run", asked->dry_run}, {"partitions", std::move(changes)}});
}

}  // namespace pabal::doors
