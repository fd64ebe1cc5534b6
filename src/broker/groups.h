#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/group.h"
#include "broker/topics.h"
#include "broker/wakeup.h"
#include "engine/table.h"
#include "runtime/shards.h"

namespace pabal::broker {

struct OffsetCommit {
  MemberClaim claim = {};
  std::vector<GroupOffset> offsets = {};
};

// A committed offset, and the topic it was committed for: the name may be another's by now.
struct StoredOffset {
  GroupOffset offset;
  std::optional<TopicId> topic = {};
};

struct GroupView {
  GroupInfo info;
  std::vector<StoredOffset> offsets;  // by topic and partition
};

// For tests, which must find it.
struct GroupFaults {
  bool assign_before_saved = false;
};

struct GroupErrors {
  GroupError error = GroupError::none;  // of the call as a whole
  std::vector<GroupError> each = {};    // in the order asked, when the whole is fine
};

// All consumer groups. A group's name says in which of a few tables it and its offsets are kept, and the
// table's number says which shard owns both; a table is made when its first group comes. Calls may come from
// any shard and continue there. What a call changed is durable when it returns. Limits: group_types.h.
class Groups {
 public:
  static constexpr size_t tables = 8;

  static runtime::Task<Result<std::unique_ptr<Groups>>> open(runtime::Shards& shards, engine::Engine& engine,
                                                             Topics& topics, GroupFaults faults = {});
  ~Groups();

  // Return when the rebalance has come so far, or at once with an error.
  runtime::Task<JoinAnswer> join(JoinGroup request);
  runtime::Task<SyncAnswer> sync(SyncGroup request);

  runtime::Task<GroupError> heartbeat(MemberClaim claim);
  runtime::Task<GroupErrors> leave(std::string group, std::vector<LeavingMember> members);
  runtime::Task<GroupErrors> commit(OffsetCommit commit);
  // Those asked for, in that order, with offset -1 where nothing is committed; nullopt: all there are. A
  // group that does not exist has committed nothing.
  runtime::Task<std::vector<GroupOffset>> offsets(std::string group,
                                                  std::optional<std::vector<TopicPartition>> which);
  // Forgets offsets, of a group without members only.
  runtime::Task<GroupErrors> remove_offsets(std::string group, std::vector<TopicPartition> which);
  // Group and offsets; only without members.
  runtime::Task<GroupError> remove(std::string group);
  // Groups with all that is known of them, by name. A list of more than one is without what members said when
  // they joined, and ends at `views_max`.
  runtime::Task<std::optional<GroupView>> view(std::string group);
  runtime::Task<std::vector<GroupView>> views(size_t views_max);
  // State `dead`: there is none.
  runtime::Task<GroupInfo> info(std::string group);
  runtime::Task<std::vector<GroupInfo>> list();  // sorted by name, without members

  // Answers all joins and syncs, those that come later too, so that connections can end.
  runtime::Task<> end_waits();
  runtime::Task<> stop();

 private:
  struct OpenGroup;
  struct Slot;
  using Held = std::shared_ptr<OpenGroup>;

  Groups(runtime::Shards& shards, engine::Engine& engine, Topics& topics, GroupFaults faults);

  [[nodiscard]] Slot& slot_of(const std::string& group);
  template <class T>
  runtime::Task<T> at_slot(Slot& slot, std::function<runtime::Task<T>()> work);
  [[nodiscard]] Held find(Slot& slot, const std::string& group) const;
  [[nodiscard]] static Instant now(const Slot& slot);
  [[nodiscard]] static WallTime wall_of(const Slot& slot, Instant at);
  [[nodiscard]] static GroupInfo info_of(const Slot& slot, const OpenGroup& open);

  runtime::Task<Result<void>> load(Slot& slot);
  runtime::Task<Result<void>> load_offset(Slot& slot, const std::string& key, const std::string& value,
                                          engine::TableChanges& stale);
  runtime::Task<Held> make(Slot& slot, std::string group);
  Held hold(Slot& slot, Group group);
  void restore(Slot& slot, std::string name, GroupRecord record);

  runtime::Task<JoinAnswer> join_here(Slot& slot, JoinGroup request);
  runtime::Task<SyncAnswer> sync_here(Slot& slot, SyncGroup request);
  runtime::Task<GroupError> heartbeat_here(Slot& slot, const MemberClaim& claim);
  runtime::Task<GroupErrors> leave_here(Slot& slot, const std::string& group,
                                        const std::vector<LeavingMember>& members);
  runtime::Task<GroupErrors> commit_here(Slot& slot, const OffsetCommit& commit,
                                         const std::vector<std::optional<TopicId>>& ids);
  runtime::Task<std::vector<StoredOffset>> offsets_here(
      Slot& slot, const std::string& group, const std::optional<std::vector<TopicPartition>>& which);
  [[nodiscard]] static std::vector<std::pair<TopicPartition, std::string>> committed(
      Slot& slot, const std::string& group);
  static void note_offsets(Slot& slot, OpenGroup& open);
  runtime::Task<GroupErrors> remove_offsets_here(Slot& slot, const std::string& group,
                                                 const std::vector<TopicPartition>& which);
  runtime::Task<GroupError> remove_here(Slot& slot, const std::string& group);
  runtime::Task<GroupInfo> info_here(Slot& slot, const std::string& group);
  runtime::Task<std::vector<GroupInfo>> list_here(Slot& slot);
  static GroupView view_here(Slot& slot, const OpenGroup& open);
  runtime::Task<bool> forget_topic_here(Slot& slot, const std::string& topic);
  runtime::Task<bool> end_waits_here(Slot& slot);
  runtime::Task<bool> stop_here(Slot& slot);
  runtime::Task<bool> forget_topic(std::string topic);
  runtime::Task<std::vector<std::optional<TopicId>>> topics_of(const std::vector<GroupOffset>& offsets);

  // After anything that may have changed the group: sets its timer and starts to save it.
  void settle(Slot& slot, const Held& open);
  void on_time(Slot& slot, const Held& open);
  [[nodiscard]] static std::optional<Instant> forgotten_at(const Slot& slot, const OpenGroup& open);
  static runtime::Task<> save(Groups& groups, Slot& slot, Held open);
  static runtime::Task<> forget_idle(Groups& groups, Slot& slot, std::string group);

  runtime::Shards& shards_;
  engine::Engine& engine_;
  Topics& topics_;
  GroupFaults faults_;
  std::vector<std::unique_ptr<Slot>> slots_;  // each touched by its shard only
  std::atomic<size_t> count_ = 0;             // of groups, over all shards
};

}  // namespace pabal::broker
