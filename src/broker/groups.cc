#include "broker/groups.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/logging.h"
#include "broker/group_slot.h"
#include "broker/names.h"
#include "broker/partitioner.h"
#include "broker/well_known.h"

namespace pabal::broker {

using runtime::Task;

namespace {

bool is_group_name(const std::string& name) {
  return !name.empty() && name.size() <= group_name_bytes_max && is_utf8(name);
}

// What a coroutine waits for that a group answers later, on the same shard.
template <class T>
struct Waiting {
  explicit Waiting(runtime::Executor executor) : wakeup(std::move(executor)) {}
  std::optional<T> answer;
  Wakeup wakeup;
};

template <class T>
Group::Reply<T> reply_to(const std::shared_ptr<Waiting<T>>& waiting) {
  return [waiting](T answer) {
    waiting->answer = std::move(answer);
    waiting->wakeup.wake();
  };
}

template <class T>
Task<T> answer_of(std::shared_ptr<Waiting<T>> waiting, runtime::Timers& timers) {
  while (!waiting->answer) std::ignore = co_await waiting->wakeup.wait(timers, Deadline::never());
  co_return std::move(*waiting->answer);
}

GroupError check_join(const JoinGroup& request) {
  if (!is_group_name(request.group)) return GroupError::invalid_group;
  if (request.session_timeout < session_timeout_min || request.session_timeout > session_timeout_max) {
    return GroupError::invalid_session_timeout;
  }
  bool sound = request.rebalance_timeout >= Duration::zero() &&
               request.rebalance_timeout <= rebalance_timeout_max &&
               request.instance.value_or("i").size() <= member_text_bytes_max && request.instance != "";
  return sound ? GroupError::none : GroupError::invalid_request;
}

std::string new_member_id(const JoinGroup& request, Random& random) {
  return fmt::format("{}-{}", request.instance.value_or(request.client), Uuid::random(random));
}

}  // namespace

Groups::Groups(runtime::Shards& shards, engine::Engine& engine, Topics& topics, GroupFaults faults)
    : shards_(shards), engine_(engine), topics_(topics), faults_(faults) {
  for (size_t i = 0; i < tables; ++i) slots_.push_back(std::make_unique<Slot>(i, shards.owner_of(i)));
}

Groups::~Groups() = default;

Groups::Slot& Groups::slot_of(const std::string& group) { return *slots_[murmur2(as_bytes(group)) % tables]; }

Groups::Held Groups::find(Slot& slot, const std::string& group) const {
  auto found = slot.groups.find(group);
  return found == slot.groups.end() ? nullptr : found->second;
}

Instant Groups::now(const Slot& slot) { return slot.shard.timers().clock().now(); }

WallTime Groups::wall_of(const Slot& slot, Instant at) {
  const Clock& clock = slot.shard.timers().clock();
  return clock.wall_now() - std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - at);
}

// -- opening
// --------------------------------------------------------------------------------------------------------

Task<Result<std::unique_ptr<Groups>>> Groups::open(runtime::Shards& shards, engine::Engine& engine,
                                                   Topics& topics, GroupFaults faults) {
  std::unique_ptr<Groups> groups(new Groups(shards, engine, topics, faults));
  for (const auto& slot : groups->slots_) {
    if (!engine.range(groups_log(slot->index))) continue;  // no group has come here yet
    std::function<Task<Result<void>>()> load = [&] { return groups->load(*slot); };
    auto loaded = co_await groups->at_slot<Result<void>>(*slot, load);
    if (!loaded) co_return std::unexpected(loaded.error());
  }
  topics.set_deleted([g = groups.get()](std::string topic) { return g->forget_topic(std::move(topic)); });
  co_return groups;
}

Task<Result<void>> Groups::load(Slot& slot) {
  auto table = co_await engine::Table::open(engine_, slot.shard.timers(), groups_log(slot.index),
                                            {.name = std::string(groups_log_name)});
  if (!table) co_return std::unexpected(table.error());
  slot.table = std::move(*table);
  engine::TableChanges stale;
  for (const auto& [key, entry] : slot.table->entries()) {
    if (auto name = group_of_key(key)) {
      auto record = GroupRecord::decode(entry.value);
      if (!record) co_return std::unexpected(record.error());
      restore(slot, *name, std::move(*record));
    } else if (auto loaded = co_await load_offset(slot, key, entry.value, stale); !loaded) {
      co_return loaded;
    }
  }
  // Not before: a group that has lost its members is kept for longer when it has offsets.
  for (const auto& [name, open] : slot.groups) settle(slot, open);
  if (stale.empty()) co_return Result<void>();
  co_return co_await slot.table->change(std::move(stale));
}

// Groups come before offsets in the table. Offsets of topics whose deletion a crash cut off are stale.
Task<Result<void>> Groups::load_offset(Slot& slot, const std::string& key, const std::string& value,
                                       engine::TableChanges& stale) {
  auto named = offset_of_key(key);
  auto record = OffsetRecord::decode(value);
  if (!named) co_return error(ErrorCode::corrupt, "{:?} is no key of a committed offset", key.substr(0, 100));
  if (!record) co_return std::unexpected(record.error());
  auto topic = co_await topics_.record(named->at.topic);
  if (!topic || topic->id != record->topic) {
    stale.push_back({key, std::nullopt});
    co_return Result<void>();
  }
  Held open = find(slot, named->group);
  if (!open) open = hold(slot, Group(named->group));
  open->has_offsets = true;
  co_return Result<void>();
}

void Groups::restore(Slot& slot, std::string name, GroupRecord record) {
  const Clock& clock = slot.shard.timers().clock();
  // A clock that was turned back must not keep a group for longer than one that it has just met.
  auto then = [&](WallTime at) {
    auto ago = clock.wall_now() - at;
    return clock.now() - std::clamp<Duration>(ago, Duration::zero(), 2 * idle_offsets_kept);
  };
  Rebalance last = std::move(record.rebalance);
  WallTime used = record.used;
  Held open = hold(slot, Group(std::move(name), std::move(record), clock.now()));
  if (last.at != WallTime{}) open->group.recall_rebalance(then(last.at), std::move(last.reason));
  if (used != WallTime{}) open->used = *(open->used_saved = then(used));
}

Groups::Held Groups::hold(Slot& slot, Group group) {
  std::string name = group.name();
  auto open = std::make_shared<OpenGroup>(std::move(group), now(slot));
  slot.groups[name] = open;
  ++count_;
  return open;
}

// Nothing when there are too many, or the table cannot be made.
Task<Groups::Held> Groups::make(Slot& slot, std::string group) {
  if (!slot.table) {
    FifoLock::Turn turn = co_await slot.opening.take(slot.shard.timers());
    if (!slot.table) {
      auto loaded = co_await load(slot);
      if (!loaded) {
        SPDLOG_WARN("broker: no table for groups: {}", loaded.error().message);
        co_return nullptr;
      }
    }
  }
  if (Held open = find(slot, group)) co_return open;
  if (slot.stopping || count_ >= groups_max) co_return nullptr;
  co_return hold(slot, Group(std::move(group)));
}

// -- members
// --------------------------------------------------------------------------------------------------------

Task<JoinAnswer> Groups::join(JoinGroup request) {
  if (GroupError problem = check_join(request); problem != GroupError::none) {
    co_return JoinAnswer{.error = problem, .member = request.member};
  }
  Slot& slot = slot_of(request.group);
  co_return co_await at_slot<JoinAnswer>(slot, [&] { return join_here(slot, std::move(request)); });
}

Task<JoinAnswer> Groups::join_here(Slot& slot, JoinGroup request) {
  Held open = find(slot, request.group);
  if (!open && !request.member.empty()) {
    co_return JoinAnswer{.error = GroupError::unknown_member, .member = request.member};
  }
  if (!open) open = co_await make(slot, request.group);
  if (!open) co_return JoinAnswer{.error = GroupError::unavailable};
  open->used = now(slot);
  std::string id = new_member_id(request, slot.shard.random());
  auto waiting = std::make_shared<Waiting<JoinAnswer>>(slot.shard.executor());
  open->group.join(std::move(request), std::move(id), now(slot), reply_to(waiting));
  settle(slot, open);
  co_return co_await answer_of(std::move(waiting), slot.shard.timers());
}

Task<SyncAnswer> Groups::sync(SyncGroup request) {
  if (!is_group_name(request.claim.group)) co_return SyncAnswer{.error = GroupError::invalid_group};
  Slot& slot = slot_of(request.claim.group);
  co_return co_await at_slot<SyncAnswer>(slot, [&] { return sync_here(slot, std::move(request)); });
}

Task<SyncAnswer> Groups::sync_here(Slot& slot, SyncGroup request) {
  Held open = find(slot, request.claim.group);
  if (!open) co_return SyncAnswer{.error = GroupError::unknown_member};
  auto waiting = std::make_shared<Waiting<SyncAnswer>>(slot.shard.executor());
  open->group.sync(std::move(request), now(slot), reply_to(waiting));
  settle(slot, open);
  co_return co_await answer_of(std::move(waiting), slot.shard.timers());
}

Task<GroupError> Groups::heartbeat(MemberClaim claim) {
  if (!is_group_name(claim.group)) co_return GroupError::invalid_group;
  Slot& slot = slot_of(claim.group);
  co_return co_await at_slot<GroupError>(slot, [&] { return heartbeat_here(slot, claim); });
}

Task<GroupError> Groups::heartbeat_here(Slot& slot, const MemberClaim& claim) {
  Held open = find(slot, claim.group);
  if (!open) co_return GroupError::unknown_member;
  GroupError problem = open->group.heartbeat(claim, now(slot));
  settle(slot, open);
  co_return problem;
}

Task<GroupErrors> Groups::leave(std::string group, std::vector<LeavingMember> members) {
  if (!is_group_name(group)) co_return GroupErrors{.error = GroupError::invalid_group};
  Slot& slot = slot_of(group);
  co_return co_await at_slot<GroupErrors>(slot, [&] { return leave_here(slot, group, members); });
}

Task<GroupErrors> Groups::leave_here(Slot& slot, const std::string& group,
                                     const std::vector<LeavingMember>& members) {
  GroupErrors errors;
  Held open = find(slot, group);
  for (const LeavingMember& member : members) {
    errors.each.push_back(open ? open->group.leave(member, now(slot)) : GroupError::unknown_member);
  }
  if (open) {
    open->used = now(slot);
    settle(slot, open);
  }
  co_return errors;
}

// -- time and saving
// ------------------------------------------------------------------------------------------------

// When a group without members is dropped.
std::optional<Instant> Groups::forgotten_at(const Slot& slot, const OpenGroup& open) {
  if (slot.stopping || open.group.state() != GroupState::empty || !open.group.has_nobody()) {
    return std::nullopt;
  }
  return open.used + (open.has_offsets ? idle_offsets_kept : idle_group_kept);
}

void Groups::settle(Slot& slot, const Held& open) {
  if (!open->group.has_nobody()) open->used = now(slot);
  auto next = open->group.next_deadline();
  if (auto forgotten = forgotten_at(slot, *open)) next = next ? std::min(*next, *forgotten) : forgotten;
  if (next != open->armed) {
    if (open->armed) slot.shard.timers().cancel(open->timer);
    open->armed = next;
    auto ring = [this, &slot, weak = std::weak_ptr(open)] {
      if (Held held = weak.lock()) on_time(slot, held);
    };
    if (next) open->timer = slot.shard.timers().at(*next, ring);
  }
  if (!open->group.has_unsaved() || open->saving) return;
  open->saving = true;
  ++slot.saving;
  asio::co_spawn(slot.shard.executor(), save(*this, slot, open), asio::detached);
}

void Groups::on_time(Slot& slot, const Held& open) {
  open->armed.reset();
  if (slot.stopping) return;
  open->group.advance(now(slot));
  auto forgotten = forgotten_at(slot, *open);
  if (!forgotten || *forgotten > now(slot)) return settle(slot, open);
  open->used = now(slot);  // should it fail, later again
  ++slot.saving;
  asio::co_spawn(slot.shard.executor(), forget_idle(*this, slot, open->group.name()), asio::detached);
}

Task<> Groups::save(Groups& groups, Slot& slot, Held open) {
  while (auto record = open->group.begin_save()) {
    engine::TableChanges changes;
    Instant used = open->used;
    record->used = wall_of(slot, used);
    if (auto at = open->group.rebalanced_at()) record->rebalance.at = wall_of(slot, *at);
    changes.push_back({group_key(open->group.name()), record->encode()});
    if (groups.faults_.assign_before_saved) open->group.end_save(true, now(slot));
    auto written = co_await slot.table->change(std::move(changes));
    if (!written) SPDLOG_WARN("broker: group {}: {}", open->group.name(), written.error().message);
    if (written) open->used_saved = used;
    if (!groups.faults_.assign_before_saved) open->group.end_save(written.has_value(), now(slot));
  }
  open->saving = false;
  if (!slot.stopping) groups.settle(slot, open);
  --slot.saving;
  slot.saved.wake();
}

Task<> Groups::forget_idle(Groups& groups, Slot& slot, std::string group) {
  std::ignore = co_await groups.remove_here(slot, group);
  if (Held open = groups.find(slot, group)) groups.settle(slot, open);
  --slot.saving;
  slot.saved.wake();
}

Task<> Groups::end_waits() {
  for (const auto& slot : slots_) {
    co_await at_slot<bool>(*slot, [&] { return end_waits_here(*slot); });
  }
}

Task<bool> Groups::end_waits_here(Slot& slot) {
  slot.stopping = true;
  for (const auto& [name, open] : slot.groups) {
    open->group.stop(now(slot));
    if (open->armed) slot.shard.timers().cancel(open->timer);
    open->armed.reset();
  }
  co_return true;
}

Task<> Groups::stop() {
  co_await end_waits();
  for (const auto& slot : slots_) {
    co_await at_slot<bool>(*slot, [&] { return stop_here(*slot); });
  }
}

Task<bool> Groups::stop_here(Slot& slot) {
  while (slot.saving > 0) std::ignore = co_await slot.saved.wait(slot.shard.timers(), Deadline::never());
  if (slot.table) co_await slot.table->stop();
  co_return true;
}

}  // namespace pabal::broker
