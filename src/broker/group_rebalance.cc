#include <algorithm>

#include "base/check.h"
#include "base/units.h"
#include "broker/group.h"

// The rebalances of a group: from the first join to the last sync.
namespace pabal::broker {

void Group::prepare_rebalance(Instant now, std::string reason) {
  if (state_ != GroupState::preparing_rebalance) {
    recall_rebalance(now, std::move(reason));
    fail_syncs(GroupError::rebalance_in_progress, now);
    in_first_delay_ = state_ == GroupState::empty;
    state_ = GroupState::preparing_rebalance;
    first_delay_end_ = now + rebalance_timeout();
    phase_end_ = in_first_delay_ ? std::min(now + first_members_delay, first_delay_end_) : first_delay_end_;
  }
  maybe_complete_join(now);
}

void Group::recall_rebalance(Instant at, std::string reason) {
  rebalanced_at_ = at;
  rebalance_reason_ = std::move(reason);
}

void Group::maybe_complete_join(Instant now) {
  if (state_ != GroupState::preparing_rebalance || in_first_delay_ || !pending_.empty()) return;
  bool all = std::ranges::all_of(members_, [](const auto& member) { return bool(member.second.join); });
  if (all) complete_join(now);
}

void Group::complete_join(Instant now) {
  in_first_delay_ = false;
  // Who has not come is out, but for static members, who may be starting anew.
  for (const auto& [id, member] : members_) {
    if (member.join || member.saved.instance) continue;
    rebalance_reason_ += fmt::format("; {}", why(member, "did not join in time", {}));
    break;  // one is enough to look for the others
  }
  std::erase_if(members_, [](const auto& m) { return !m.second.join && !m.second.saved.instance; });
  if (!members_.empty() && !elect_leader()) {
    phase_end_ = now + rebalance_timeout();  // static members only, and none of them is here
    return;
  }
  generation_ = Generation(generation_.value() == INT32_MAX ? 1 : generation_.value() + 1);
  if (members_.empty()) {
    state_ = GroupState::empty;
    protocol_.clear();
    leader_.clear();
    phase_end_ = Instant::max();
    unsaved_ = true;
    return;
  }
  state_ = GroupState::completing_rebalance;
  protocol_ = choose_protocol();
  phase_end_ = now + rebalance_timeout();
  for (auto& [id, member] : members_) {
    member.is_new = false;
    member.is_to_sync = true;
    touch(member, now);
    auto reply = std::exchange(member.join, nullptr);
    if (!reply) continue;
    JoinAnswer answer = current(member);
    if (id == leader_) answer.members = joined_members();
    reply(std::move(answer));
  }
}

// Somebody who has joined: the one who was it, or any other. False when nobody has.
bool Group::elect_leader() {
  auto leader = members_.find(leader_);
  if (leader != members_.end() && leader->second.join) return true;
  for (const auto& [id, member] : members_) {
    if (!member.join) continue;
    leader_ = id;
    return true;
  }
  return false;
}

// Of those that all members speak the one that most of them like best.
std::string Group::choose_protocol() const {
  check(!members_.empty(), "group {} has no members to choose a protocol", name_);
  std::map<std::string, size_t> spoken_by;
  for (const auto& [id, member] : members_) {
    for (const GroupProtocol& protocol : member.saved.protocols) ++spoken_by[protocol.name];
  }
  std::map<std::string, size_t> votes;
  for (const auto& [id, member] : members_) {
    const auto& theirs = member.saved.protocols;
    auto best = std::ranges::find_if(
        theirs, [&](const GroupProtocol& protocol) { return spoken_by[protocol.name] >= members_.size(); });
    if (best != theirs.end()) ++votes[best->name];
  }
  if (votes.empty()) return protocol_;  // a member has changed its mind: its next join is refused
  return std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; })->first;
}

void Group::fail_syncs(GroupError error, Instant now) {
  proposed_.reset();
  saves_proposal_ = false;
  for (auto& [id, member] : members_) {
    auto reply = std::exchange(member.sync, nullptr);
    if (!reply) continue;
    touch(member, now);  // while it waited it could be silent
    reply({.error = error});
  }
}

// The leader's assignment is durable.
void Group::hand_out(Instant now) {
  check(state_ == GroupState::completing_rebalance && proposed_, "group {}: no assignment to hand out",
        name_);
  state_ = GroupState::stable;
  auto assignments = std::exchange(proposed_, std::nullopt);
  bool all_synced = true;
  for (auto& [id, member] : members_) {
    auto assigned = assignments->find(id);
    member.saved.assignment = assigned == assignments->end() ? Bytes() : std::move(assigned->second);
    all_synced = all_synced && !member.is_to_sync;
    auto reply = std::exchange(member.sync, nullptr);
    if (!reply) continue;
    touch(member, now);
    reply({GroupError::none, protocol_type_, protocol_, member.saved.assignment});
  }
  if (all_synced) phase_end_ = Instant::max();
}

void Group::drop_late_syncs(Instant now) {
  phase_end_ = Instant::max();
  std::vector<std::string> late;
  for (const auto& [id, member] : members_) {
    if (member.is_to_sync) late.push_back(id);
  }
  for (const std::string& id : late) {
    remove_member(id, now, why(members_.at(id), "did not ask for its assignment in time", {}));
  }
}

void Group::remove_member(const std::string& id, Instant now, std::string reason) {
  auto node = members_.extract(id);
  if (node.empty()) return;
  Member& member = node.mapped();
  if (member.saved.instance) instances_.erase(*member.saved.instance);
  refuse(member.join, GroupError::unknown_member, id);
  if (auto sync = std::exchange(member.sync, nullptr)) sync({.error = GroupError::unknown_member});
  if (leader_ == id) leader_ = members_.empty() ? "" : members_.begin()->first;
  if (members_.empty() && in_first_delay_) in_first_delay_ = false;  // nobody is left to wait
  prepare_rebalance(now, std::move(reason));
}

void Group::advance(Instant now) {
  if (state_ == GroupState::dead || stopped_) return;
  std::erase_if(pending_, [&](const auto& pending) { return pending.second <= now; });
  maybe_complete_join(now);
  std::vector<std::string> silent;
  for (const auto& [id, member] : members_) {
    if (!may_be_silent(member) && member.expires <= now) silent.push_back(id);
  }
  for (const std::string& id : silent) {
    const Member& member = members_.at(id);
    std::string timeout = format_duration(member.saved.session_timeout);
    remove_member(id, now, why(member, fmt::format("was silent for its session timeout, {}", timeout), {}));
  }
  if (phase_end_ > now) return;
  if (state_ == GroupState::preparing_rebalance) {
    complete_join(now);
  } else {
    drop_late_syncs(now);
  }
}

std::optional<Instant> Group::next_deadline() const {
  if (state_ == GroupState::dead || stopped_) return std::nullopt;
  Instant next = phase_end_;
  for (const auto& [id, until] : pending_) next = std::min(next, until);
  for (const auto& [id, member] : members_) {
    if (!may_be_silent(member)) next = std::min(next, member.expires);
  }
  return next == Instant::max() ? std::nullopt : std::optional(next);
}

Duration Group::rebalance_timeout() const {
  Duration longest{};
  for (const auto& [id, member] : members_) longest = std::max(longest, member.saved.rebalance_timeout);
  return longest;
}

// Who did what, and what it said about it: "analytics-1 at /10.0.0.7 left: the consumer is being closed".
std::string Group::why(const Member& member, std::string_view did, std::string_view said) {
  const std::string& client = member.saved.client.empty() ? member.id : member.saved.client;
  std::string_view address = member.saved.host;
  if (address.starts_with('/')) address.remove_prefix(1);  // as Kafka shows it
  std::string reason = fmt::format("{} at {} {}", member.saved.instance.value_or(client), address, did);
  if (!said.empty()) reason += fmt::format(": {}", said);
  if (reason.size() > rebalance_reason_bytes_max) reason.resize(rebalance_reason_bytes_max);
  return reason;
}

// A member that waits for an answer cannot say that it is there; one that waits for its first may have gone.
bool Group::may_be_silent(const Member& member) { return !member.is_new && (member.join || member.sync); }

void Group::touch(Member& member, Instant now) {
  member.expires = now + (member.is_new ? new_member_timeout : member.saved.session_timeout);
}

JoinAnswer Group::current(const Member& member) const {
  return {.member = member.id,
          .generation = generation_,
          .protocol_type = protocol_type_,
          .protocol = protocol_,
          .leader = leader_};
}

std::vector<JoinedMember> Group::joined_members() const {
  std::vector<JoinedMember> all;
  for (const auto& [id, member] : members_) {
    JoinedMember& joined = all.emplace_back(id, member.saved.instance, Bytes());
    for (const GroupProtocol& protocol : member.saved.protocols) {
      if (protocol.name == protocol_) joined.metadata = protocol.metadata;
    }
  }
  return all;
}

}  // namespace pabal::broker
