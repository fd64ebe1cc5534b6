#include "broker/group.h"

#include <gtest/gtest.h>
#include <memory>

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;

Bytes bytes(std::string_view text) {
  BytesView view = as_bytes(text);
  return {view.begin(), view.end()};
}

// A group with time turned by hand, and a disk that takes everything unless a test holds it.
class GroupTest : public testing::Test {
 protected:
  Group group{"readers"};
  Instant now = Instant(1h);
  bool disk_holds = false;
  std::optional<GroupRecord> kept;

  template <class T>
  using Answer = std::shared_ptr<std::optional<T>>;

  template <class T>
  static Group::Reply<T> into(const Answer<T>& answer) {
    return [answer](T given) { *answer = std::move(given); };
  }
  void save() {
    while (!disk_holds) {
      auto record = group.begin_save();
      if (!record) return;
      kept = GroupRecord::decode(record->encode()).value();
      group.end_save(true, now);
    }
  }
  void pass(Duration time) {
    Instant until = now + time;
    while (auto next = group.next_deadline()) {
      if (*next > until) break;
      now = std::max(now, *next);
      group.advance(now);
      save();
    }
    now = until;
  }

  static JoinGroup request(std::string member, std::vector<std::string> protocols = {"range"}) {
    JoinGroup join{.group = "readers",
                   .member = std::move(member),
                   .client = "c",
                   .host = "/h",
                   .session_timeout = 10s,
                   .rebalance_timeout = 60s,
                   .protocol_type = "consumer"};
    for (auto& name : protocols) join.protocols.push_back({name, bytes("reads with " + name)});
    return join;
  }
  Answer<JoinAnswer> join(JoinGroup join, const std::string& new_id) {
    auto answer = std::make_shared<std::optional<JoinAnswer>>();
    group.join(std::move(join), new_id, now, into(answer));
    save();
    return answer;
  }
  Answer<JoinAnswer> join(const std::string& id) { return join(request(""), id); }
  Answer<JoinAnswer> rejoin(const std::string& id) { return join(request(id), "unused"); }
  Answer<SyncAnswer> sync(const std::string& id, std::map<std::string, std::string> assignments = {}) {
    SyncGroup call{.claim = {"readers", id, {}, group.info().generation}};
    for (auto& [member, what] : assignments) call.assignments[member] = bytes(what);
    auto answer = std::make_shared<std::optional<SyncAnswer>>();
    group.sync(std::move(call), now, into(answer));
    save();
    return answer;
  }
  GroupError beat(const std::string& id) {
    return group.heartbeat({"readers", id, {}, group.info().generation}, now);
  }
  static std::string text(const Answer<JoinAnswer>& answer) {
    if (!*answer) return "waits";
    const JoinAnswer& a = **answer;
    if (a.error != GroupError::none) return fmt::format("error {}", static_cast<int>(a.error));
    std::string members;
    for (const JoinedMember& member : a.members) members += " " + member.id;
    return fmt::format("{} gen {} {} led by {}:{}", a.member, a.generation, a.protocol, a.leader, members);
  }
  static std::string text(const Answer<SyncAnswer>& answer) {
    if (!*answer) return "waits";
    if ((*answer)->error != GroupError::none)
      return fmt::format("error {}", static_cast<int>((*answer)->error));
    return std::string(as_text((*answer)->assignment));
  }
  static std::string text(GroupError error) { return fmt::format("error {}", static_cast<int>(error)); }

  // Two members, a leading, who have their partitions.
  void start_with_two() {
    auto a = join("a");
    auto b = join("b");
    pass(first_members_delay);
    ASSERT_EQ(text(a), "a gen 1 range led by a: a b");
    ASSERT_EQ(text(b), "b gen 1 range led by a:");
    auto of_b = sync("b");
    EXPECT_EQ(text(of_b), "waits");
    EXPECT_EQ(text(sync("a", {{"a", "0"}, {"b", "1"}})), "0");
    EXPECT_EQ(text(of_b), "1");
    ASSERT_EQ(group.state(), GroupState::stable);
  }
};

TEST_F(GroupTest, two_members_share_what_the_leader_hands_out) { start_with_two(); }

TEST_F(GroupTest, the_first_member_waits_a_little_for_others) {
  auto a = join("a");
  pass(first_members_delay - 1ms);
  EXPECT_EQ(text(a), "waits");
  auto b = join("b");
  pass(first_members_delay - 1ms);
  EXPECT_EQ(text(a), "waits");
  pass(1ms);
  EXPECT_EQ(text(a), "a gen 1 range led by a: a b");
  EXPECT_EQ(text(b), "b gen 1 range led by a:");
}

TEST_F(GroupTest, says_what_made_it_rebalance) {
  auto reason = [&] { return group.info().last_rebalance.value().reason; };
  EXPECT_FALSE(group.info().last_rebalance);
  start_with_two();
  EXPECT_EQ(reason(), "c at h joined");
  JoinGroup again = request("b", {"range", "sticky"});
  again.reason = "need to revoke partitions";
  join(again, "unused");
  join(request("", {"sticky"}), "third");  // a later one is not the reason
  EXPECT_EQ(reason(), "c at h changed what it reads or holds: need to revoke partitions");
  EXPECT_EQ(kept->rebalance.reason, "c at h joined");
  for (int i = 0; i < 10; ++i) {
    pass(6s);
    std::ignore = beat("a");
  }
  EXPECT_EQ(reason(),
            "c at h changed what it reads or holds: need to revoke partitions; c at h did not join in time");
  EXPECT_EQ(group.leave({.member = "b", .reason = std::string(9'999, 'x')}, now), GroupError::none);
  EXPECT_TRUE(reason().starts_with("c at h left: xxx"));
  EXPECT_EQ(reason().size(), rebalance_reason_bytes_max);
}

TEST_F(GroupTest, a_third_member_makes_the_others_join_again) {
  start_with_two();
  auto c = join("c");
  EXPECT_EQ(beat("a"), GroupError::rebalance_in_progress);
  auto b = rejoin("b");
  EXPECT_EQ(text(c), "waits");
  auto a = rejoin("a");
  EXPECT_EQ(text(a), "a gen 2 range led by a: a b c");
  EXPECT_EQ(text(c), "c gen 2 range led by a:");
  auto of_b = sync("b");
  auto of_c = sync("c");
  EXPECT_EQ(text(sync("a", {{"a", "0"}, {"b", "1"}, {"c", "2"}})), "0");
  EXPECT_EQ(text(of_b) + text(of_c), "12");
}

TEST_F(GroupTest, who_does_not_join_again_in_time_is_out) {
  start_with_two();
  auto c = join("c");
  auto a = rejoin("a");
  for (int i = 0; i < 11; ++i) {  // b is there, but does not join
    pass(5s);
    EXPECT_EQ(beat("b"), GroupError::rebalance_in_progress);
  }
  EXPECT_EQ(text(a), "waits");
  pass(5s);
  EXPECT_EQ(text(a), "a gen 2 range led by a: a c");
  EXPECT_EQ(beat("b"), GroupError::unknown_member);
}

TEST_F(GroupTest, a_silent_member_is_out_after_its_session) {
  start_with_two();
  pass(9s);
  EXPECT_EQ(beat("a"), GroupError::none);
  pass(1s);
  EXPECT_EQ(beat("a"), GroupError::rebalance_in_progress);
  EXPECT_EQ(beat("b"), GroupError::unknown_member);
  EXPECT_EQ(text(rejoin("a")), "a gen 2 range led by a: a");
}

TEST_F(GroupTest, a_commit_counts_as_a_sign_of_life) {
  start_with_two();
  pass(9s);
  EXPECT_EQ(beat("a"), GroupError::none);
  EXPECT_EQ(group.check_commit({"readers", "b", {}, Generation(1)}, now), GroupError::none);
  pass(9s);
  EXPECT_EQ(beat("b"), GroupError::none);
}

TEST_F(GroupTest, when_the_leader_leaves_another_leads) {
  start_with_two();
  EXPECT_EQ(group.leave({.member = "a"}, now), GroupError::none);
  EXPECT_EQ(beat("b"), GroupError::rebalance_in_progress);
  EXPECT_EQ(text(rejoin("b")), "b gen 2 range led by b: b");
  EXPECT_EQ(text(sync("b", {{"b", "0 1"}})), "0 1");
  EXPECT_EQ(group.leave({.member = "b"}, now), GroupError::none);
  save();
  EXPECT_EQ(group.state(), GroupState::empty);
  EXPECT_TRUE(kept->members.empty());
  EXPECT_EQ(group.leave({.member = "b"}, now), GroupError::unknown_member);
}

TEST_F(GroupTest, the_protocol_is_the_one_that_all_speak_and_most_like_best) {
  auto a = join(request("", {"sticky", "range"}), "a");
  auto b = join(request("", {"other", "range", "sticky"}), "b");
  auto c = join(request("", {"range", "sticky"}), "c");
  EXPECT_EQ(text(join(request("", {"other"}), "d")), text(GroupError::inconsistent_protocol));
  JoinGroup connect = request("", {"range"});
  connect.protocol_type = "connect";
  EXPECT_EQ(text(join(std::move(connect), "e")), text(GroupError::inconsistent_protocol));
  EXPECT_EQ(text(join(request("", {}), "f")), text(GroupError::inconsistent_protocol));
  pass(2 * first_members_delay);
  EXPECT_EQ(text(b), "b gen 1 range led by a:");
  EXPECT_EQ(as_text((*a)->members.at(0).metadata), "reads with range");
}

TEST_F(GroupTest, a_new_member_is_given_its_id_and_joins_with_it) {
  JoinGroup first = request("");
  first.wants_id_first = true;
  auto asked = join(first, "a");
  EXPECT_EQ((*asked)->error, GroupError::member_id_required);
  EXPECT_EQ((*asked)->member, "a");
  auto a = rejoin("a");
  pass(first_members_delay);
  EXPECT_EQ(text(a), "a gen 1 range led by a: a");
  EXPECT_EQ(text(rejoin("stranger")), text(GroupError::unknown_member));
}

TEST_F(GroupTest, a_rebalance_waits_for_an_id_that_was_given_and_not_for_ever) {
  start_with_two();
  JoinGroup first = request("");
  first.wants_id_first = true;
  (void)join(first, "c");
  EXPECT_EQ(beat("a"), GroupError::none);  // an id alone changes nothing
  (void)group.leave({.member = "b"}, now);
  auto a = rejoin("a");
  EXPECT_EQ(text(a), "waits");
  pass(10s);
  EXPECT_EQ(text(a), "a gen 2 range led by a: a");
  EXPECT_EQ(text(rejoin("c")), text(GroupError::unknown_member));
}

TEST_F(GroupTest, what_comes_from_an_earlier_generation_is_refused) {
  start_with_two();
  MemberClaim stale{"readers", "a", {}, Generation(0)};
  EXPECT_EQ(group.heartbeat(stale, now), GroupError::illegal_generation);
  EXPECT_EQ(group.check_commit(stale, now), GroupError::illegal_generation);
  auto answer = std::make_shared<std::optional<SyncAnswer>>();
  group.sync({.claim = stale}, now, into(answer));
  EXPECT_EQ(text(answer), text(GroupError::illegal_generation));
  EXPECT_EQ(group.check_commit({"readers", "x", {}, Generation(1)}, now), GroupError::unknown_member);
  EXPECT_EQ(group.check_commit({"readers", "", {}, no_generation}, now), GroupError::unknown_member);
  auto c = join("c");
  EXPECT_EQ(group.check_commit({"readers", "a", {}, Generation(1)}, now),
            GroupError::none);  // before it joins
  (void)rejoin("a"), (void)rejoin("b");
  EXPECT_EQ(group.check_commit({"readers", "a", {}, Generation(2)}, now), GroupError::rebalance_in_progress);
}

TEST_F(GroupTest, an_assignment_is_handed_out_once_it_is_durable) {
  auto a = join("a");
  pass(first_members_delay);
  disk_holds = true;
  auto of_a = sync("a", {{"a", "0"}});
  auto record = group.begin_save();
  ASSERT_TRUE(record);
  EXPECT_EQ(as_text(record->members.at("a").assignment), "0");
  EXPECT_EQ(text(of_a), "waits");
  group.end_save(false, now);
  EXPECT_EQ(text(of_a), text(GroupError::unavailable));
  EXPECT_EQ(group.state(), GroupState::preparing_rebalance);
}

TEST_F(GroupTest, a_save_that_comes_late_hands_out_nothing_of_the_next_generation) {
  start_with_two();
  auto c = join("c");
  (void)rejoin("a"), (void)rejoin("b");
  disk_holds = true;
  auto of_a = sync("a", {{"a", "old"}});
  ASSERT_TRUE(group.begin_save());
  (void)group.leave({.member = "c"}, now);
  EXPECT_EQ(text(of_a), text(GroupError::rebalance_in_progress));
  (void)rejoin("a"), (void)rejoin("b");
  of_a = sync("a", {{"a", "new"}});
  group.end_save(true, now);  // of the old one
  EXPECT_EQ(text(of_a), "waits");
  disk_holds = false;
  save();
  EXPECT_EQ(text(of_a), "new");
}

TEST_F(GroupTest, who_joins_and_does_not_sync_is_out_after_the_rebalance_timeout) {
  auto a = join("a");
  auto b = join("b");
  pass(first_members_delay);
  EXPECT_EQ(text(sync("b")), "waits");
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(beat("a"), GroupError::none);  // there, but does not lead
    pass(5s);
  }
  EXPECT_EQ(beat("a"), GroupError::unknown_member);
  EXPECT_EQ(text(rejoin("b")), "b gen 2 range led by b: b");
}

class StaticMembers : public GroupTest {
 protected:
  static JoinGroup of(const std::string& instance, std::string member = "") {
    JoinGroup join = request(std::move(member));
    join.instance = instance;
    join.wants_id_first = true;
    return join;
  }
  void SetUp() override {
    auto a = join(of("left"), "a");
    auto b = join(of("right"), "b");
    pass(first_members_delay);
    ASSERT_EQ(text(b), "b gen 1 range led by a:");
    auto of_b = sync("b");
    (void)sync("a", {{"a", "0"}, {"b", "1"}});
    ASSERT_EQ(text(of_b), "1");
  }
};

TEST_F(StaticMembers, that_start_anew_get_what_they_had_and_nobody_else_notices) {
  auto again = join(of("right"), "b2");
  EXPECT_EQ(text(again), "b2 gen 1 range led by a:");
  EXPECT_EQ(text(sync("b2")), "1");
  EXPECT_EQ(beat("a"), GroupError::none);
  EXPECT_TRUE(kept->members.contains("b2"));
  EXPECT_FALSE(kept->members.contains("b"));
  MemberClaim old{"readers", "b", "right", Generation(1)};
  EXPECT_EQ(group.heartbeat(old, now), GroupError::fenced_instance);
  EXPECT_EQ(group.check_commit(old, now), GroupError::fenced_instance);
  EXPECT_EQ(text(join(of("right", "b"), "x")), text(GroupError::fenced_instance));
}

TEST_F(StaticMembers, that_lead_do_not_assign_anew_when_they_come_back) {
  EXPECT_EQ(text(join(of("left"), "a2")), "a2 gen 1 range led by a:");
  JoinGroup newer = of("left");
  newer.understands_skipping = true;
  auto again = join(std::move(newer), "a3");
  EXPECT_EQ(text(again), "a3 gen 1 range led by a3: a3 b");
  EXPECT_TRUE((*again)->skip_assignment);
}

TEST_F(StaticMembers, that_are_silent_for_too_long_are_out) {
  pass(9s);
  EXPECT_EQ(beat("a"), GroupError::none);
  pass(1s);
  EXPECT_EQ(beat("b"), GroupError::unknown_member);
  EXPECT_EQ(beat("a"), GroupError::rebalance_in_progress);
}

TEST_F(StaticMembers, leave_by_instance) {
  EXPECT_EQ(group.leave({.instance = "nobody"}, now), GroupError::unknown_member);
  EXPECT_EQ(group.leave({.member = "a", .instance = "right"}, now), GroupError::fenced_instance);
  EXPECT_EQ(group.leave({.instance = "right"}, now), GroupError::none);
  EXPECT_EQ(beat("a"), GroupError::rebalance_in_progress);
}

TEST_F(GroupTest, comes_back_from_its_record_without_a_rebalance) {
  start_with_two();
  now += 1h;
  Group again("readers", *kept, now);
  EXPECT_EQ(again.state(), GroupState::stable);
  EXPECT_EQ(again.heartbeat({"readers", "b", {}, Generation(1)}, now), GroupError::none);
  EXPECT_EQ(again.next_deadline(), now + 10s);
  EXPECT_EQ(as_text(again.info().members.at(1).assignment), "1");
  again.advance(now + 10s);
  EXPECT_EQ(again.state(), GroupState::empty);
}

TEST_F(GroupTest, takes_no_more_than_its_limits) {
  JoinGroup large = request("");
  large.protocols[0].metadata.resize(group_bytes_max);
  EXPECT_EQ(text(join(std::move(large), "a")), text(GroupError::group_full));
  JoinGroup first = request("");
  first.wants_id_first = true;
  for (size_t i = 0; i < group_members_max; ++i) (void)join(first, std::to_string(i));
  EXPECT_EQ(text(join(first, "more")), text(GroupError::group_full));
}

TEST_F(GroupTest, that_stops_answers_all_who_wait) {
  start_with_two();
  auto c = join("c");
  group.stop(now);
  EXPECT_EQ(text(c), text(GroupError::unavailable));
  EXPECT_EQ(text(join("d")), text(GroupError::unavailable));
}

TEST(GroupRecord, says_what_is_no_record) {
  GroupRecord record{Generation(7), "consumer", "range", "a"};
  record.members["a"] = {.instance = "i", .session_timeout = 10s, .protocols = {{"range", bytes("x")}}};
  std::string text = record.encode();
  EXPECT_EQ(GroupRecord::decode(text).value(), record);
  for (size_t cut = 0; cut < text.size(); ++cut)
    EXPECT_FALSE(GroupRecord::decode(text.substr(0, cut))) << cut;
  EXPECT_FALSE(GroupRecord::decode(text + "x"));
  text[0] = 3;
  EXPECT_FALSE(GroupRecord::decode(text));
  text[0] = 1;  // which ends after the members
  EXPECT_EQ(GroupRecord::decode(text.substr(0, text.size() - 20)).value(), record);
}

TEST(OffsetKey, keeps_groups_apart_whose_names_run_on) {
  OffsetKey key{"g/1", {"t", PartitionIndex(12)}};
  auto read = offset_of_key(offset_key(key.group, key.at));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->group, "g/1");
  EXPECT_EQ(read->at, key.at);
  EXPECT_FALSE(offset_key("ab", {"c", PartitionIndex(0)}).starts_with(offsets_prefix("a")));
  for (std::string_view bad : {"", "g", "o", "o00", "o0001", "ozzzzg", "o0001gt", "o0001gt/", "o0001gt/x"}) {
    EXPECT_FALSE(offset_of_key(bad)) << bad;
  }
}

}  // namespace
}  // namespace pabal::broker
