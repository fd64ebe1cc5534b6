#include "broker/group.h"

#include <algorithm>

#include "base/check.h"

namespace pabal::broker {
Group::Group(std::string name, GroupRecord record, Instant now)
    : name_(std::move(name)),
      generation_(record.generation),
      protocol_type_(std::move(record.protocol_type)),
      protocol_(std::move(record.protocol)),
      leader_(std::move(record.leader)) {
  for (auto& [id, saved] : record.members) {
    if (saved.instance) instances_[*saved.instance] = id;
    Member& member = members_[id];
    member.id = id;
    member.saved = std::move(saved);
    member.is_new = false;
    touch(member, now);
  }
  if (!members_.empty()) state_ = GroupState::stable;
}

// -- joining
// ---------------------------------------------------------------------------------------------------------

void Group::refuse(Reply<JoinAnswer>& reply, GroupError error, std::string member) {
  if (!reply) return;
  JoinAnswer answer;
  answer.error = error;
  answer.member = std::move(member);
  std::exchange(reply, nullptr)(std::move(answer));
}

void Group::join(JoinGroup request, std::string new_id, Instant now, Reply<JoinAnswer> reply) {
  if (state_ == GroupState::dead || stopped_) return refuse(reply, GroupError::unavailable);
  bool known = members_.contains(request.member) || pending_.contains(request.member);
  if (!known && request.member.empty() && members_.size() + pending_.size() >= group_members_max) {
    return refuse(reply, GroupError::group_full);
  }
  if (!fits(request)) return refuse(reply, GroupError::group_full, request.member);
  if (!speaks(request)) return refuse(reply, GroupError::inconsistent_protocol, request.member);
  if (request.member.empty()) {
    join_new(request, std::move(new_id), now, std::move(reply));
  } else {
    join_again(request, now, std::move(reply));
  }
}

void Group::join_new(JoinGroup& request, std::string new_id, Instant now, Reply<JoinAnswer> reply) {
  if (request.instance) {
    bool known = instances_.contains(*request.instance);
    return known ? join_static_again(request, std::move(new_id), now, std::move(reply))
                 : add_member(request, std::move(new_id), now, std::move(reply));
  }
  if (!request.wants_id_first) return add_member(request, std::move(new_id), now, std::move(reply));
  pending_[new_id] = now + request.session_timeout;
  refuse(reply, GroupError::member_id_required, new_id);
}

void Group::join_again(JoinGroup& request, Instant now, Reply<JoinAnswer> reply) {
  if (pending_.contains(request.member)) {
    if (request.instance) return refuse(reply, GroupError::unknown_member, request.member);
    return add_member(request, request.member, now, std::move(reply));
  }
  if (GroupError problem = check_member(request.member, request.instance); problem != GroupError::none) {
    return refuse(reply, problem, request.member);
  }
  Member& member = members_.at(request.member);
  bool same = member.saved.protocols == request.protocols;
  bool is_leader = leader_ == member.id;
  // Its first answer was lost, or it is not one that changes anything: the generation stands.
  bool stands = (state_ == GroupState::completing_rebalance && same) ||
                (state_ == GroupState::stable && same && !is_leader);
  if (stands) {
    touch(member, now);
    JoinAnswer answer = current(member);
    if (is_leader) answer.members = joined_members();
    return reply(std::move(answer));
  }
  std::string reason = why(member, same ? "joined again" : "changed what it reads or holds", request.reason);
  take_join(member, request, now, std::move(reply));
  prepare_rebalance(now, std::move(reason));
}

// A static member has started anew and does not know its id. While the others need not agree anew on a
// protocol, it takes its old place and nobody else notices.
void Group::join_static_again(JoinGroup& request, std::string new_id, Instant now, Reply<JoinAnswer> reply) {
  std::string old_id = instances_.at(*request.instance);
  auto node = members_.extract(old_id);
  check(!node.empty(), "group {}: instance {} is no member", name_, *request.instance);
  refuse(node.mapped().join, GroupError::fenced_instance, old_id);
  if (auto sync = std::exchange(node.mapped().sync, nullptr)) sync({.error = GroupError::fenced_instance});
  node.key() = new_id;
  node.mapped().id = new_id;
  Member& member = members_.insert(std::move(node)).position->second;
  instances_[*request.instance] = new_id;
  bool was_leader = leader_ == old_id;
  if (was_leader) leader_ = new_id;
  bool understands_skipping = request.understands_skipping;
  take_join(member, request, now, std::move(reply));
  if (state_ != GroupState::stable || choose_protocol() != protocol_) {
    return prepare_rebalance(now, why(member, "came back with other protocols", {}));
  }
  JoinAnswer answer = current(member);
  if (was_leader && understands_skipping) {
    answer.members = joined_members();
    answer.skip_assignment = true;
  } else if (was_leader) {
    answer.leader = old_id;  // so that it does not assign anew, which nobody would hear of
  }
  after_save_.push_back({std::move(answer), std::exchange(member.join, nullptr)});
  touch(member, now);
  unsaved_ = true;
}

void Group::add_member(JoinGroup& request, std::string id, Instant now, Reply<JoinAnswer> reply) {
  pending_.erase(id);
  if (members_.empty()) protocol_type_ = request.protocol_type;
  if (leader_.empty()) leader_ = id;
  if (request.instance) instances_[*request.instance] = id;
  Member& member = members_[id];
  member.id = std::move(id);
  std::string said = std::move(request.reason);
  take_join(member, request, now, std::move(reply));
  std::string reason = why(member, "joined", said);
  if (in_first_delay_) {  // others may come along still
    phase_end_ = std::min(now + first_members_delay, first_delay_end_);
  }
  prepare_rebalance(now, std::move(reason));
}

void Group::take_join(Member& member, JoinGroup& request, Instant now, Reply<JoinAnswer> reply) {
  refuse(member.join, GroupError::rebalance_in_progress, member.id);  // it asks again, on another connection
  member.saved.instance = std::move(request.instance);
  member.saved.client = std::move(request.client);
  member.saved.host = std::move(request.host);
  member.saved.session_timeout = request.session_timeout;
  member.saved.rebalance_timeout = request.rebalance_timeout;
  member.saved.protocols = std::move(request.protocols);
  member.join = std::move(reply);
  touch(member, now);
}

// -- the other calls
// -------------------------------------------------------------------------------------------------

void Group::sync(SyncGroup request, Instant now, Reply<SyncAnswer> reply) {
  auto refused = [&](GroupError problem) { reply({.error = problem}); };
  if (state_ == GroupState::dead || stopped_) return refused(GroupError::unavailable);
  GroupError problem = check_member(request.claim.member, request.claim.instance);
  if (problem != GroupError::none) return refused(problem);
  if (request.claim.generation != generation_) return refused(GroupError::illegal_generation);
  if (request.protocol_type.value_or(protocol_type_) != protocol_type_ ||
      request.protocol.value_or(protocol_) != protocol_) {
    return refused(GroupError::inconsistent_protocol);
  }
  Member& member = members_.at(request.claim.member);
  if (state_ == GroupState::preparing_rebalance) return refused(GroupError::rebalance_in_progress);
  touch(member, now);
  member.is_to_sync = false;
  if (state_ == GroupState::stable) {
    if (std::ranges::none_of(members_, [](const auto& m) { return m.second.is_to_sync; })) {
      phase_end_ = Instant::max();
    }
    return reply({GroupError::none, protocol_type_, protocol_, member.saved.assignment});
  }
  if (member.id == leader_ && !proposed_) {
    size_t size = bytes();
    for (const auto& [id, assignment] : request.assignments) size += id.size() + assignment.size();
    if (size > group_bytes_max) return refused(GroupError::group_full);
    proposed_ = std::move(request.assignments);
    unsaved_ = true;
  }
  if (auto older = std::exchange(member.sync, std::move(reply))) {
    older({.error = GroupError::rebalance_in_progress});
  }
}

GroupError Group::heartbeat(const MemberClaim& claim, Instant now) {
  if (state_ == GroupState::dead) return GroupError::unavailable;
  if (GroupError problem = check_member(claim.member, claim.instance); problem != GroupError::none) {
    return problem;
  }
  if (claim.generation != generation_) return GroupError::illegal_generation;
  touch(members_.at(claim.member), now);
  return state_ == GroupState::preparing_rebalance ? GroupError::rebalance_in_progress : GroupError::none;
}

GroupError Group::leave(const LeavingMember& leaving, Instant now) {
  if (state_ == GroupState::dead) return GroupError::unavailable;
  std::string id = leaving.member;
  if (id.empty()) {
    if (!leaving.instance || !instances_.contains(*leaving.instance)) return GroupError::unknown_member;
    id = instances_.at(*leaving.instance);
  } else if (!leaving.instance && pending_.erase(id) > 0) {
    maybe_complete_join(now);
    return GroupError::none;
  }
  if (GroupError problem = check_member(id, leaving.instance); problem != GroupError::none) return problem;
  std::string reason = why(members_.at(id), "left", leaving.reason);
  remove_member(id, now, std::move(reason));
  return GroupError::none;
}

GroupError Group::check_commit(const MemberClaim& claim, Instant now) {
  if (state_ == GroupState::dead) return GroupError::unavailable;
  bool from_outside = claim.generation < Generation(0) && claim.member.empty() && !claim.instance;
  if (claim.generation < Generation(0) && members_.empty()) return GroupError::none;
  if (from_outside) return GroupError::unknown_member;
  if (GroupError problem = check_member(claim.member, claim.instance); problem != GroupError::none) {
    return problem;
  }
  if (claim.generation != generation_) return GroupError::illegal_generation;
  touch(members_.at(claim.member), now);
  // What is committed now was read under an assignment that the member has given up by joining.
  return state_ == GroupState::completing_rebalance ? GroupError::rebalance_in_progress : GroupError::none;
}

GroupError Group::check_member(const std::string& id, const std::optional<std::string>& instance) const {
  if (instance) {
    auto known = instances_.find(*instance);
    if (known == instances_.end()) return GroupError::unknown_member;
    if (known->second != id) return GroupError::fenced_instance;
  }
  return members_.contains(id) ? GroupError::none : GroupError::unknown_member;
}

bool Group::speaks(const JoinGroup& request) const {
  if (request.protocol_type.empty() || request.protocols.empty()) return false;
  if (members_.empty()) return true;
  if (request.protocol_type != protocol_type_) return false;
  return std::ranges::any_of(request.protocols, [&](const GroupProtocol& protocol) {
    return std::ranges::all_of(members_, [&](const auto& member) {
      const auto& theirs = member.second.saved.protocols;
      return std::ranges::find(theirs, protocol.name, &GroupProtocol::name) != theirs.end();
    });
  });
}

bool Group::fits(const JoinGroup& request) const {
  size_t size =
      bytes() + request.member.size() + request.client.size() + request.instance.value_or("").size();
  for (const GroupProtocol& protocol : request.protocols) {
    size += protocol.name.size() + protocol.metadata.size();
  }
  return size <= group_bytes_max;
}

size_t Group::bytes() const {
  size_t sum = 0;
  for (const auto& [id, member] : members_) {
    sum += id.size() + member.saved.client.size() + member.saved.assignment.size();
    for (const GroupProtocol& protocol : member.saved.protocols) {
      sum += protocol.name.size() + protocol.metadata.size();
    }
  }
  return sum;
}

// -- what is kept
// ----------------------------------------------------------------------------------------------------

std::optional<GroupRecord> Group::begin_save() {
  if (!has_unsaved()) return std::nullopt;
  unsaved_ = false;
  being_saved_ = std::exchange(after_save_, {});
  saves_proposal_ = proposed_.has_value();
  GroupRecord record{.generation = generation_,
                     .protocol_type = protocol_type_,
                     .protocol = protocol_,
                     .leader = leader_,
                     .rebalance = {.reason = rebalance_reason_}};
  for (const auto& [id, member] : members_) {
    SavedMember& saved = record.members.emplace(id, member.saved).first->second;
    if (!proposed_) continue;
    auto assigned = proposed_->find(id);
    saved.assignment = assigned == proposed_->end() ? Bytes() : assigned->second;
  }
  return record;
}

void Group::end_save(bool saved, Instant now) {
  for (Unanswered& waiting : std::exchange(being_saved_, {})) {
    if (!saved) waiting.answer = {.error = GroupError::unavailable, .member = waiting.answer.member};
    waiting.reply(std::move(waiting.answer));
  }
  if (!std::exchange(saves_proposal_, false)) return;
  if (saved) return hand_out(now);
  fail_syncs(GroupError::unavailable, now);
  prepare_rebalance(now, "the assignment could not be saved");
}

void Group::stop(Instant now) {
  stopped_ = true;
  for (auto& [id, member] : members_) refuse(member.join, GroupError::unavailable, id);
  fail_syncs(GroupError::unavailable, now);
  for (Unanswered& waiting : std::exchange(after_save_, {})) {
    refuse(waiting.reply, GroupError::unavailable, waiting.answer.member);
  }
}

void Group::bury(Instant now) {
  stop(now);
  state_ = GroupState::dead;
}

GroupInfo Group::info() const {
  GroupInfo info{.name = name_,
                 .state = state_,
                 .protocol_type = protocol_type_,
                 .protocol = protocol_,
                 .generation = generation_};
  if (rebalanced_at_) info.last_rebalance = Rebalance{.reason = rebalance_reason_};
  for (const auto& [id, member] : members_) {
    GroupMember& out = info.members.emplace_back(id, member.saved.instance, member.saved.client,
                                                 member.saved.host, Bytes(), member.saved.assignment);
    for (const GroupProtocol& protocol : member.saved.protocols) {
      if (protocol.name == protocol_) out.metadata = protocol.metadata;
    }
  }
  return info;
}

}  // namespace pabal::broker
