#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/group_record.h"
#include "broker/group_types.h"

namespace pabal::broker {

// One consumer group: who is in it, and the rebalances through which its members agree on who reads what.
// The rules are those of Kafka's classic protocol. Pure: time is told, nothing is written, and whoever waits
// is answered through the function it came with (which must not call back). One shard.
//
//   empty --join--> preparing --all joined, or time is up--> completing --leader's sync, saved--> stable
//                      ^                                          |                                 |
//                      +------- a member joins, leaves or is silent for too long ------------------+
//
// What has to survive a restart is fetched with begin_save() after any call, and end_save() says how it went:
// members get their assignment, and a static member that came back its new id, only once that is durable.
class Group {
 public:
  template <class T>
  using Reply = std::move_only_function<void(T)>;

  explicit Group(std::string name) : name_(std::move(name)) {}
  // As it was saved; every member is given its whole session timeout.
  Group(std::string name, GroupRecord record, Instant now);

  // `new_id` is the member's, should it need one.
  void join(JoinGroup request, std::string new_id, Instant now, Reply<JoinAnswer> reply);
  void sync(SyncGroup request, Instant now, Reply<SyncAnswer> reply);
  [[nodiscard]] GroupError heartbeat(const MemberClaim& claim, Instant now);
  [[nodiscard]] GroupError leave(const LeavingMember& leaving, Instant now);
  // Whether these offsets may be written. No member and no generation: from outside, while there are no
  // members.
  [[nodiscard]] GroupError check_commit(const MemberClaim& claim, Instant now);

  // Time has come to next_deadline().
  void advance(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] bool has_unsaved() const { return unsaved_ && state_ != GroupState::dead; }
  void want_save() { unsaved_ = true; }
  // What is to be made durable, if anything has changed. One save at a time.
  [[nodiscard]] std::optional<GroupRecord> begin_save();
  void end_save(bool saved, Instant now);

  // Answers everyone that waits with `unavailable`; joins and syncs that come later too.
  void stop(Instant now);
  // It is deleted: whoever still holds it is told to look for it again.
  void bury(Instant now);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] GroupState state() const { return state_; }
  [[nodiscard]] bool has_nobody() const { return members_.empty() && pending_.empty(); }
  [[nodiscard]] GroupInfo info() const;  // but for when the last rebalance was
  // Of the last rebalance: when it began, and why; nullopt while there was none.
  [[nodiscard]] std::optional<Instant> rebalanced_at() const { return rebalanced_at_; }
  void recall_rebalance(Instant at, std::string reason);

 private:
  struct Member {
    std::string id;
    SavedMember saved;
    Instant expires;
    bool is_new = true;           // waits for its first rebalance
    bool is_to_sync = false;      // has not yet, in this generation
    Reply<JoinAnswer> join = {};  // waits
    Reply<SyncAnswer> sync = {};  // waits
  };
  struct Unanswered {
    JoinAnswer answer;
    Reply<JoinAnswer> reply;
  };

  void join_new(JoinGroup& request, std::string new_id, Instant now, Reply<JoinAnswer> reply);
  void join_again(JoinGroup& request, Instant now, Reply<JoinAnswer> reply);
  void join_static_again(JoinGroup& request, std::string new_id, Instant now, Reply<JoinAnswer> reply);
  void add_member(JoinGroup& request, std::string id, Instant now, Reply<JoinAnswer> reply);
  void take_join(Member& member, JoinGroup& request, Instant now, Reply<JoinAnswer> reply);
  void remove_member(const std::string& id, Instant now, std::string reason);
  [[nodiscard]] GroupError check_member(const std::string& id,
                                        const std::optional<std::string>& instance) const;
  [[nodiscard]] bool fits(const JoinGroup& request) const;
  [[nodiscard]] bool speaks(const JoinGroup& request) const;
  [[nodiscard]] size_t bytes() const;

  void prepare_rebalance(Instant now, std::string reason);
  void maybe_complete_join(Instant now);
  void complete_join(Instant now);
  [[nodiscard]] bool elect_leader();
  [[nodiscard]] std::string choose_protocol() const;
  void fail_syncs(GroupError error, Instant now);
  void hand_out(Instant now);
  void drop_late_syncs(Instant now);
  [[nodiscard]] Duration rebalance_timeout() const;

  [[nodiscard]] JoinAnswer current(const Member& member) const;
  [[nodiscard]] std::vector<JoinedMember> joined_members() const;
  static bool may_be_silent(const Member& member);
  static std::string why(const Member& member, std::string_view did, std::string_view said);
  static void touch(Member& member, Instant now);
  static void refuse(Reply<JoinAnswer>& reply, GroupError error, std::string member = {});

  std::string name_;
  GroupState state_ = GroupState::empty;
  Generation generation_{0};
  std::string protocol_type_;
  std::string protocol_;
  std::string leader_;
  std::map<std::string, Member> members_;
  std::map<std::string, std::string> instances_;  // instance id to member id
  std::map<std::string, Instant> pending_;        // were given an id, and until when they may use it
  Instant phase_end_ = Instant::max();            // of preparing, or of waiting for syncs
  Instant first_delay_end_ = Instant::max();      // that new members cannot put off any further
  bool in_first_delay_ = false;
  std::optional<std::map<std::string, Bytes>> proposed_;  // the leader's, until it is saved
  bool unsaved_ = false;
  bool saves_proposal_ = false;  // what is being saved holds proposed_
  bool stopped_ = false;
  std::optional<Instant> rebalanced_at_;
  std::string rebalance_reason_;
  std::vector<Unanswered> after_save_;
  std::vector<Unanswered> being_saved_;
};

}  // namespace pabal::broker
