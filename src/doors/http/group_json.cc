#include "doors/http/group_json.h"

#include "base/units.h"
#include "broker/topic.h"
#include "doors/http/fields.h"

namespace pabal::doors {
namespace {

constexpr std::string_view to_words = R"("earliest", "latest" or a time like "2026-01-02T03:04:05Z")";

Json lag_json(const std::optional<int64_t>& lag) { return lag ? Json(*lag) : Json(nullptr); }

Json member_json(const broker::GroupMember& member, const flows::GroupLook::Member& look) {
  Json assigned = Json::array();
  for (const kafka::AssignedTopic& topic : look.assigned) {
    Json partitions = Json::array();
    for (PartitionIndex partition : topic.partitions) partitions.push_back(partition.value());
    assigned.push_back({{"topic", topic.topic}, {"partitions", std::move(partitions)}});
  }
  return {{"id", member.id},
          {"instance", member.instance ? Json(*member.instance) : Json(nullptr)},
          {"client", member.client},
          {"address", flows::address_of(member)},
          {"subscribed", look.subscribed},
          {"assigned", std::move(assigned)}};
}

Json partition_json(const flows::GroupLook& look, const flows::GroupLook::Partition& partition) {
  const broker::GroupMember* member = partition.member ? &look.info.members[*partition.member] : nullptr;
  auto offset = [&](Offset engine::LogRange::* end) {
    return partition.range ? Json(((*partition.range).*end).value()) : Json(nullptr);
  };
  return {{"topic", partition.at.topic},
          {"partition", partition.at.partition.value()},
          {"committed", partition.committed ? Json(partition.committed->value()) : Json(nullptr)},
          {"first_offset", offset(&engine::LogRange::first)},
          {"next_offset", offset(&engine::LogRange::next)},
          {"lag", lag_json(partition.lag)},
          {"removed_unread", partition.removed_unread},
          {"metadata", partition.metadata},
          {"member", member ? Json(member->id) : Json(nullptr)},
          {"client", member ? Json(member->client) : Json(nullptr)}};
}

std::optional<broker::StartPoint> read_to(const Field& field) {
  std::optional<std::string> text = field.value().text();
  if (text == "earliest") return broker::StartAt::earliest;
  if (text == "latest") return broker::StartAt::latest;
  auto at = parse_time(text.value_or(""));
  if (at) return *at;
  field.wrong(to_words);
  return std::nullopt;
}

}  // namespace

Json group_json(const flows::GroupLook& look) {
  const broker::GroupInfo& info = look.info;
  Json rebalance = nullptr;
  if (info.last_rebalance) {
    rebalance = {{"at", format_time(info.last_rebalance->at)}, {"reason", info.last_rebalance->reason}};
  }
  return {{"name", info.name},
          {"state", flows::name_of(info.state)},
          {"protocol_type", info.protocol_type},
          {"protocol", info.protocol},
          {"generation", info.generation.value()},
          {"topics", look.topics()},
          {"members", info.members.size()},
          {"lag", lag_json(look.lag)},
          {"last_rebalance", std::move(rebalance)}};
}

Json whole_group_json(const flows::GroupLook& look) {
  Json json = group_json(look);
  json["member_list"] = Json::array();
  for (size_t i = 0; i < look.info.members.size(); ++i) {
    json["member_list"].push_back(member_json(look.info.members[i], look.members[i]));
  }
  json["partitions"] = Json::array();
  for (const auto& partition : look.partitions) json["partitions"].push_back(partition_json(look, partition));
  return json;
}

Result<GroupReset> read_group_reset(std::string_view body) {
  GroupReset reset;
  int ways = 0;
  auto read =
      read_object(body, false,
                  {{"topic", [&](const Field& f) { reset.topic = f.text(); }},
                   {"partition",
                    [&](const Field& f) {
                      if (auto n = f.integer(0, broker::partitions_max))
                        reset.partition = PartitionIndex(static_cast<int32_t>(*n));
                    }},
                   {"to",
                    [&](const Field& f) {
                      ++ways;
                      if (auto to = read_to(f)) reset.to = *to;
                    }},
                   {"offset",
                    [&](const Field& f) {
                      ++ways;
                      if (auto n = f.integer(0, INT64_MAX)) reset.to = Offset(*n);
                    }},
                   {"dry_run", [&](const Field& f) { reset.dry_run = f.boolean().value_or(false); }}});
  if (!read) return std::unexpected(read.error());
  if (ways != 1) {
    return error(ErrorCode::invalid, "where to? right is one of \"to\": {}, or \"offset\": 17", to_words);
  }
  if (reset.partition && !reset.topic) {
    return error(ErrorCode::invalid, "partition {} of which topic? say \"topic\" too", *reset.partition);
  }
  return reset;
}

}  // namespace pabal::doors
