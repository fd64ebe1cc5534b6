#include "flows/group_look.h"

#include <algorithm>
#include <map>

namespace pabal::flows {
namespace {

constexpr std::string_view consumers = "consumer";  // the protocol type whose bytes are understood

using Partitions = std::map<broker::TopicPartition, GroupLook::Partition>;

GroupLook::Partition& partition_at(Partitions& all, const broker::TopicPartition& at) {
  return all.try_emplace(at, GroupLook::Partition{.at = at}).first->second;
}

const broker::TopicInfo* find(const std::vector<broker::TopicInfo>& topics, const std::string& name) {
  auto found = std::ranges::lower_bound(topics, name, {}, &broker::TopicInfo::name);
  return found != topics.end() && found->name == name ? &*found : nullptr;
}

void count(GroupLook::Partition& partition) {
  if (!partition.committed || !partition.range) return;
  const engine::LogRange& range = *partition.range;
  partition.removed_unread = std::max<int64_t>(0, range.first - *partition.committed);
  partition.lag = std::max<int64_t>(0, range.next - std::max(range.first, *partition.committed));
}

void read_members(GroupLook& look, Partitions& partitions) {
  for (size_t i = 0; i < look.info.members.size(); ++i) {
    const broker::GroupMember& member = look.info.members[i];
    GroupLook::Member& out = look.members.emplace_back();
    if (look.info.protocol_type != consumers) continue;
    if (auto topics = kafka::read_subscription(member.metadata)) out.subscribed = std::move(*topics);
    auto assigned = kafka::read_assignment(member.assignment);
    if (!assigned) continue;
    out.assigned = std::move(*assigned);
    for (const kafka::AssignedTopic& topic : out.assigned) {
      for (PartitionIndex p : topic.partitions) partition_at(partitions, {topic.topic, p}).member = i;
    }
  }
}

void read_offsets(const std::vector<broker::StoredOffset>& offsets,
                  const std::vector<broker::TopicInfo>& topics, Partitions& partitions) {
  for (const broker::StoredOffset& stored : offsets) {
    const broker::TopicInfo* topic = find(topics, stored.offset.at.topic);
    if (topic == nullptr || topic->id != stored.topic) continue;  // of one that had this name before
    GroupLook::Partition& partition = partition_at(partitions, stored.offset.at);
    partition.committed = stored.offset.offset;
    partition.metadata = stored.offset.metadata;
  }
}

}  // namespace

std::set<std::string> GroupLook::topics() const {
  std::set<std::string> names;
  for (const Partition& partition : partitions) names.insert(partition.at.topic);
  for (const Member& member : members) names.insert(member.subscribed.begin(), member.subscribed.end());
  return names;
}

GroupLook look_at(broker::GroupView view, const std::vector<broker::TopicInfo>& topics) {
  GroupLook look{.info = std::move(view.info)};
  Partitions partitions;
  read_members(look, partitions);
  read_offsets(view.offsets, topics, partitions);
  for (auto& [at, partition] : partitions) {
    const broker::TopicInfo* topic = find(topics, at.topic);
    auto index = static_cast<size_t>(at.partition.value());
    bool there = topic != nullptr && at.partition >= PartitionIndex(0) && index < topic->partitions.size();
    if (there) partition.range = topic->partitions[index].range;
    count(partition);
    if (partition.lag) look.lag = look.lag.value_or(0) + *partition.lag;
    look.partitions.push_back(std::move(partition));
  }
  return look;
}

std::string_view name_of(broker::GroupState state) {
  switch (state) {
    case broker::GroupState::empty:
      return "empty";
    case broker::GroupState::preparing_rebalance:
      return "preparing_rebalance";
    case broker::GroupState::completing_rebalance:
      return "completing_rebalance";
    case broker::GroupState::stable:
      return "stable";
    case broker::GroupState::dead:
      return "dead";
  }
  return "";
}

std::string_view address_of(const broker::GroupMember& member) {
  std::string_view host = member.host;
  if (host.starts_with('/')) host.remove_prefix(1);
  return host;
}

}  // namespace pabal::flows
