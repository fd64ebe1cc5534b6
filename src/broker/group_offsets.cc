#include <algorithm>
#include <map>

#include "base/logging.h"
#include "broker/group_slot.h"

// Committed offsets, and groups seen from outside.
namespace pabal::broker {

using runtime::Task;

namespace {

GroupError check_offset(const GroupOffset& offset) {
  if (offset.metadata.size() > offset_metadata_bytes_max) return GroupError::metadata_too_large;
  return offset.offset < Offset(-1) ? GroupError::invalid_request : GroupError::none;
}

GroupError error_of(const Error& problem) {
  bool full = problem.code == ErrorCode::over_limit || problem.code == ErrorCode::too_large;
  return full ? GroupError::too_many_offsets : GroupError::unavailable;
}

}  // namespace

// The ids of the topics that have these partitions, in this order.
Task<std::vector<std::optional<TopicId>>> Groups::topics_of(const std::vector<GroupOffset>& offsets) {
  std::map<std::string, Result<TopicRecord>> known;
  std::vector<std::optional<TopicId>> ids;
  for (const GroupOffset& offset : offsets) {
    auto found = known.find(offset.at.topic);
    if (found == known.end()) {
      auto record = co_await topics_.record(offset.at.topic);
      found = known.emplace(offset.at.topic, std::move(record)).first;
    }
    bool there = found->second && offset.at.partition >= PartitionIndex(0) &&
                 offset.at.partition.value() < found->second->settings.partitions;
    ids.push_back(there ? std::optional(found->second->id) : std::nullopt);
  }
  co_return ids;
}

Task<GroupErrors> Groups::commit(OffsetCommit commit) {
  const std::string& group = commit.claim.group;
  if (group.empty() || group.size() > group_name_bytes_max) {
    co_return GroupErrors{.error = GroupError::invalid_group};
  }
  if (commit.offsets.size() > offsets_per_commit_max) {
    co_return GroupErrors{.error = GroupError::too_many_offsets};
  }
  auto ids = co_await topics_of(commit.offsets);
  Slot& slot = slot_of(group);
  co_return co_await at_slot<GroupErrors>(slot, [&] { return commit_here(slot, commit, ids); });
}

Task<GroupErrors> Groups::commit_here(Slot& slot, const OffsetCommit& commit,
                                      const std::vector<std::optional<TopicId>>& ids) {
  const std::string& group = commit.claim.group;
  Held open = find(slot, group);
  if (!open && commit.claim.generation >= Generation(0)) {
    co_return GroupErrors{.error = GroupError::group_not_found};
  }
  if (!open) open = co_await make(slot, group);
  if (!open) co_return GroupErrors{.error = GroupError::unavailable};
  GroupErrors errors{.error = open->group.check_commit(commit.claim, now(slot))};
  open->used = now(slot);
  bool is_new = !open->used_saved || open->used - *open->used_saved >= idle_precision;
  if (errors.error == GroupError::none && open->group.has_nobody() && is_new) open->group.want_save();
  settle(slot, open);
  if (errors.error != GroupError::none) co_return errors;
  engine::TableChanges changes;
  for (size_t i = 0; i < commit.offsets.size(); ++i) {
    const GroupOffset& offset = commit.offsets[i];
    errors.each.push_back(ids[i] ? check_offset(offset) : GroupError::unknown_topic);
    if (errors.each.back() != GroupError::none) continue;
    OffsetRecord record{*ids[i], offset.offset, offset.leader_epoch, offset.metadata};
    changes.push_back({offset_key(group, offset.at), record.encode()});
  }
  if (changes.empty()) co_return errors;
  ++open->committing;
  auto written = co_await slot.table->change(std::move(changes));
  --open->committing;
  note_offsets(slot, *open);
  settle(slot, open);
  if (!written) {
    SPDLOG_WARN("broker: group {}: offsets are not committed: {}", group, written.error().message);
    std::ranges::replace(errors.each, GroupError::none, error_of(written.error()));
  }
  co_return errors;
}

void Groups::note_offsets(Slot& slot, OpenGroup& open) {
  std::string prefix = offsets_prefix(open.group.name());
  auto first = slot.table->entries().lower_bound(prefix);
  open.has_offsets = first != slot.table->entries().end() && first->first.starts_with(prefix);
}

Task<std::vector<GroupOffset>> Groups::offsets(std::string group,
                                               std::optional<std::vector<TopicPartition>> which) {
  Slot& slot = slot_of(group);
  auto found =
      co_await at_slot<std::vector<StoredOffset>>(slot, [&] { return offsets_here(slot, group, which); });
  std::vector<GroupOffset> all;
  for (const StoredOffset& stored : found) all.push_back(stored.offset);
  auto ids = co_await topics_of(all);
  for (size_t i = 0; i < all.size(); ++i) {
    if (ids[i] == found[i].topic) continue;
    all[i] = GroupOffset{.at = all[i].at};  // of a topic that had this name before
  }
  if (!which) std::erase_if(all, [](const GroupOffset& offset) { return offset.offset < Offset(0); });
  co_return all;
}

Task<std::vector<StoredOffset>> Groups::offsets_here(
    Slot& slot, const std::string& group, const std::optional<std::vector<TopicPartition>>& which) {
  std::vector<StoredOffset> all;
  auto add = [&](const TopicPartition& at, const std::string* text) {
    StoredOffset& out = all.emplace_back(GroupOffset{.at = at});
    auto record = text ? OffsetRecord::decode(*text) : error(ErrorCode::not_found, "nothing is committed");
    if (!record) return;
    out.topic = record->topic;
    out.offset = {at, record->offset, record->leader_epoch, record->metadata};
  };
  if (which) {
    for (const TopicPartition& at : *which) {
      add(at, slot.table ? slot.table->find(offset_key(group, at)) : nullptr);
    }
    co_return all;
  }
  for (const auto& [at, text] : committed(slot, group)) add(at, &text);
  co_return all;
}

std::vector<std::pair<TopicPartition, std::string>> Groups::committed(Slot& slot, const std::string& group) {
  std::vector<std::pair<TopicPartition, std::string>> all;
  if (!slot.table) return all;
  std::string prefix = offsets_prefix(group);
  const auto& entries = slot.table->entries();
  for (auto it = entries.lower_bound(prefix); it != entries.end() && it->first.starts_with(prefix); ++it) {
    if (auto key = offset_of_key(it->first)) all.emplace_back(std::move(key->at), it->second.value);
  }
  return all;
}

// -- removing
// -------------------------------------------------------------------------------------------------------

Task<GroupErrors> Groups::remove_offsets(std::string group, std::vector<TopicPartition> which) {
  Slot& slot = slot_of(group);
  co_return co_await at_slot<GroupErrors>(slot, [&] { return remove_offsets_here(slot, group, which); });
}

// Of a group with members every offset counts as in use: what topics they read only they know.
Task<GroupErrors> Groups::remove_offsets_here(Slot& slot, const std::string& group,
                                              const std::vector<TopicPartition>& which) {
  Held open = find(slot, group);
  if (!open) co_return GroupErrors{.error = GroupError::group_not_found};
  if (!open->group.has_nobody()) co_return GroupErrors{.error = GroupError::not_empty};
  GroupErrors errors;
  engine::TableChanges changes;
  for (const TopicPartition& at : which) {
    changes.push_back({offset_key(group, at), std::nullopt});
    errors.each.push_back(GroupError::none);
  }
  auto written = co_await slot.table->change(std::move(changes));
  if (!written) errors.error = GroupError::unavailable;
  note_offsets(slot, *open);
  settle(slot, open);
  co_return errors;
}

Task<GroupError> Groups::remove(std::string group) {
  Slot& slot = slot_of(group);
  co_return co_await at_slot<GroupError>(slot, [&] { return remove_here(slot, group); });
}

Task<GroupError> Groups::remove_here(Slot& slot, const std::string& group) {
  Held open = find(slot, group);
  if (!open) co_return GroupError::group_not_found;
  if (!open->group.has_nobody() || open->committing > 0 || slot.stopping) co_return GroupError::not_empty;
  engine::TableChanges changes;
  changes.push_back({group_key(group), std::nullopt});
  for (const auto& [at, text] : committed(slot, group)) {
    changes.push_back({offset_key(group, at), std::nullopt});
  }
  open->group.bury(now(slot));
  settle(slot, open);
  slot.groups.erase(group);
  --count_;
  auto written = co_await slot.table->change(std::move(changes));
  if (written) co_return GroupError::none;
  // What is in the table is a group still.
  SPDLOG_WARN("broker: group {} stays: {}", group, written.error().message);
  if (!find(slot, group)) note_offsets(slot, *hold(slot, Group(group)));
  co_return GroupError::unavailable;
}

Task<bool> Groups::forget_topic(std::string topic) {
  for (const auto& slot : slots_) {
    co_await at_slot<bool>(*slot, [&] { return forget_topic_here(*slot, topic); });
  }
  co_return true;
}

Task<bool> Groups::forget_topic_here(Slot& slot, const std::string& topic) {
  if (!slot.table) co_return true;
  engine::TableChanges changes;
  for (const auto& [key, entry] : slot.table->entries()) {
    auto named = offset_of_key(key);
    if (named && named->at.topic == topic) changes.push_back({key, std::nullopt});
  }
  if (changes.empty()) co_return true;
  auto written = co_await slot.table->change(std::move(changes));
  if (!written) SPDLOG_WARN("broker: offsets of topic {} stay: {}", topic, written.error().message);
  for (const auto& [name, open] : slot.groups) {
    note_offsets(slot, *open);
    settle(slot, open);
  }
  co_return written.has_value();
}

// -- looking
// --------------------------------------------------------------------------------------------------------

Task<GroupInfo> Groups::info(std::string group) {
  Slot& slot = slot_of(group);
  co_return co_await at_slot<GroupInfo>(slot, [&] { return info_here(slot, group); });
}

Task<GroupInfo> Groups::info_here(Slot& slot, const std::string& group) {
  Held open = find(slot, group);
  co_return open ? info_of(slot, *open) : GroupInfo{.name = group};
}

GroupInfo Groups::info_of(const Slot& slot, const OpenGroup& open) {
  GroupInfo info = open.group.info();
  auto at = open.group.rebalanced_at();
  if (at && info.last_rebalance) info.last_rebalance->at = wall_of(slot, *at);
  return info;
}

GroupView Groups::view_here(Slot& slot, const OpenGroup& open) {
  GroupView view{.info = info_of(slot, open), .offsets = {}};
  for (const auto& [at, text] : committed(slot, open.group.name())) {
    auto record = OffsetRecord::decode(text);
    if (!record) continue;
    view.offsets.push_back({{at, record->offset, record->leader_epoch, record->metadata}, record->topic});
  }
  std::ranges::sort(view.offsets, {}, [](const StoredOffset& stored) { return stored.offset.at; });
  return view;
}

Task<std::optional<GroupView>> Groups::view(std::string group) {
  Slot& slot = slot_of(group);
  auto here = [&]() -> Task<std::optional<GroupView>> {
    Held open = find(slot, group);
    co_return open ? std::optional(view_here(slot, *open)) : std::nullopt;
  };
  co_return co_await at_slot<std::optional<GroupView>>(slot, here);
}

Task<std::vector<GroupView>> Groups::views(size_t views_max) {
  std::vector<GroupView> all;
  for (const auto& slot : slots_) {
    auto here = [&]() -> Task<std::vector<GroupView>> {
      std::vector<GroupView> some;
      for (const auto& [name, open] : slot->groups) {
        if (all.size() + some.size() == views_max) break;
        some.push_back(view_here(*slot, *open));
        for (GroupMember& member : some.back().info.members) member.metadata.clear();
      }
      co_return some;
    };
    std::ranges::move(co_await at_slot<std::vector<GroupView>>(*slot, here), std::back_inserter(all));
  }
  std::ranges::sort(all, {}, [](const GroupView& view) -> const std::string& { return view.info.name; });
  co_return all;
}

Task<std::vector<GroupInfo>> Groups::list() {
  std::vector<GroupInfo> all;
  for (const auto& slot : slots_) {
    auto some = co_await at_slot<std::vector<GroupInfo>>(*slot, [&] { return list_here(*slot); });
    std::ranges::move(some, std::back_inserter(all));
  }
  std::ranges::sort(all, {}, &GroupInfo::name);
  co_return all;
}

Task<std::vector<GroupInfo>> Groups::list_here(Slot& slot) {
  std::vector<GroupInfo> all;
  for (const auto& [name, open] : slot.groups) {
    all.push_back(info_of(slot, *open));
    all.back().members.clear();
  }
  co_return all;
}

}  // namespace pabal::broker
