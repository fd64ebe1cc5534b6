#include "broker/groups.h"

#include "broker/broker_fixture.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;

class GroupsTest : public BrokerFixture {
 protected:
  Groups& groups() { return broker->groups(); }
  void put_topic(const std::string& name, int32_t partitions = 2) {
    ASSERT_TRUE(shards.run(broker->put_topic(name, {.partitions = partitions})));
  }
  static GroupOffset at(const std::string& topic, int partition, int64_t offset, std::string metadata = "") {
    return {{topic, PartitionIndex(partition)}, Offset(offset), LeaderEpoch(0), std::move(metadata)};
  }
  // The first error of a commit.
  GroupError commit(GroupOffset offset, MemberClaim claim = {.group = "g"}) {
    auto errors = shards.run(groups().commit({std::move(claim), {std::move(offset)}}));
    return errors.error != GroupError::none ? errors.error : errors.each.at(0);
  }
  int64_t committed(const std::string& topic, int partition, const std::string& group = "g") {
    std::vector<TopicPartition> which{{topic, PartitionIndex(partition)}};
    return shards.run(groups().offsets(group, which)).at(0).offset.value();
  }
  size_t how_many() { return shards.run(groups().offsets("g", std::nullopt)).size(); }

  // One member that has its assignment.
  JoinAnswer join() {
    JoinAnswer joined = shards.run(groups().join({.group = "g",
                                                  .client = "c",
                                                  .session_timeout = 10s,
                                                  .rebalance_timeout = 60s,
                                                  .protocol_type = "consumer",
                                                  .protocols = {{"range", {}}}}));
    EXPECT_EQ(joined.error, GroupError::none);
    SyncGroup sync{.claim = {"g", joined.member, {}, joined.generation}};
    sync.assignments[joined.member] = {7};
    EXPECT_EQ(shards.run(groups().sync(std::move(sync))).assignment, Bytes{7});
    return joined;
  }
};

TEST_F(GroupsTest, offsets_are_there_after_a_restart_and_go_with_their_topic) {
  put_topic("orders");
  put_topic("mails");
  EXPECT_EQ(commit(at("orders", 0, 5, "note")), GroupError::none);
  EXPECT_EQ(commit(at("orders", 1, 6)), GroupError::none);
  EXPECT_EQ(commit(at("mails", 0, 7)), GroupError::none);
  restart();
  EXPECT_EQ(committed("orders", 0), 5);
  EXPECT_EQ(shards.run(groups().offsets("g", std::nullopt)).at(1).metadata, "note");
  EXPECT_EQ(how_many(), 3u);
  EXPECT_EQ(committed("orders", 0, "other"), -1);
  ASSERT_TRUE(shards.run(broker->delete_topic("orders")));
  put_topic("orders");
  EXPECT_EQ(committed("orders", 0), -1);
  EXPECT_EQ(how_many(), 1u);
  restart();
  EXPECT_EQ(how_many(), 1u);
}

TEST_F(GroupsTest, a_commit_that_cannot_be_kept_says_why) {
  put_topic("orders");
  EXPECT_EQ(commit(at("nothing", 0, 1)), GroupError::unknown_topic);
  EXPECT_EQ(commit(at("orders", 2, 1)), GroupError::unknown_topic);
  EXPECT_EQ(commit(at("orders", 0, 1, std::string(offset_metadata_bytes_max + 1, 'x'))),
            GroupError::metadata_too_large);
  EXPECT_EQ(commit(at("orders", 0, 1), {.group = ""}), GroupError::invalid_group);
  EXPECT_EQ(commit(at("orders", 0, 1), {.group = "g", .generation = Generation(1)}),
            GroupError::unknown_member);
  EXPECT_EQ(commit(at("orders", 0, 1), {.group = "h", .generation = Generation(1)}),
            GroupError::group_not_found);
  EXPECT_EQ(how_many(), 0u);
}

TEST_F(GroupsTest, a_member_goes_on_after_a_restart_without_a_rebalance) {
  put_topic("orders");
  JoinAnswer joined = join();
  MemberClaim me{"g", joined.member, {}, joined.generation};
  EXPECT_EQ(commit(at("orders", 0, 5), me), GroupError::none);
  restart();
  EXPECT_EQ(shards.run(groups().heartbeat(me)), GroupError::none);
  EXPECT_EQ(commit(at("orders", 0, 6), me), GroupError::none);
  GroupInfo info = shards.run(groups().info("g"));
  EXPECT_EQ(info.state, GroupState::stable);
  EXPECT_EQ(info.members.at(0).assignment, Bytes{7});
  shards.advance(10s);
  EXPECT_EQ(shards.run(groups().info("g")).state, GroupState::empty);
  restart();
  EXPECT_EQ(shards.run(groups().info("g")).state, GroupState::empty);
  EXPECT_EQ(committed("orders", 0), 6);
}

TEST_F(GroupsTest, a_group_with_members_is_not_deleted_and_one_without_wholly) {
  put_topic("orders");
  JoinAnswer joined = join();
  EXPECT_EQ(commit(at("orders", 0, 5), {"g", joined.member, {}, joined.generation}), GroupError::none);
  EXPECT_EQ(shards.run(groups().remove("g")), GroupError::not_empty);
  EXPECT_EQ(shards.run(groups().remove_offsets("g", {{"orders", PartitionIndex(0)}})).error,
            GroupError::not_empty);
  EXPECT_EQ(shards.run(groups().leave("g", {{.member = joined.member}})).each.at(0), GroupError::none);
  EXPECT_EQ(shards.run(groups().list()).size(), 1u);
  EXPECT_EQ(shards.run(groups().remove("g")), GroupError::none);
  EXPECT_EQ(shards.run(groups().remove("g")), GroupError::group_not_found);
  restart();
  EXPECT_TRUE(shards.run(groups().list()).empty());
  EXPECT_EQ(committed("orders", 0), -1);
}

TEST_F(GroupsTest, offsets_of_an_empty_group_are_removed_one_by_one) {
  put_topic("orders");
  EXPECT_EQ(commit(at("orders", 0, 5)), GroupError::none);
  EXPECT_EQ(commit(at("orders", 1, 6)), GroupError::none);
  auto errors = shards.run(groups().remove_offsets("g", {{"orders", PartitionIndex(0)}}));
  EXPECT_EQ(errors.error, GroupError::none);
  EXPECT_EQ(committed("orders", 0), -1);
  EXPECT_EQ(committed("orders", 1), 6);
}

TEST_F(GroupsTest, a_group_that_nobody_uses_is_forgotten) {
  put_topic("orders");
  EXPECT_EQ(commit(at("orders", 0, 5)), GroupError::none);
  shards.advance(idle_offsets_kept - 1h);
  EXPECT_EQ(committed("orders", 0), 5);
  shards.advance(1h);
  EXPECT_EQ(committed("orders", 0), -1);
  EXPECT_TRUE(shards.run(groups().list()).empty());
}

TEST_F(GroupsTest, a_restart_does_not_make_an_idle_group_young_again) {
  put_topic("orders");
  EXPECT_EQ(commit(at("orders", 0, 5)), GroupError::none);
  for (int day = 1; day < 7; ++day) {
    shards.advance(24h);
    restart();
  }
  EXPECT_EQ(committed("orders", 0), 5);
  shards.advance(22h);
  EXPECT_EQ(commit(at("orders", 0, 6)), GroupError::none);
  restart();
  shards.advance(idle_offsets_kept - 2h);
  EXPECT_EQ(committed("orders", 0), 6);
  restart();
  shards.advance(2h);
  EXPECT_TRUE(shards.run(groups().list()).empty());
  EXPECT_EQ(committed("orders", 0), -1);
}

TEST_F(GroupsTest, a_group_that_lost_its_members_counts_from_then) {
  put_topic("orders");
  JoinAnswer joined = join();
  EXPECT_EQ(commit(at("orders", 0, 5), {"g", joined.member, {}, joined.generation}), GroupError::none);
  shards.advance(10s);
  EXPECT_EQ(shards.run(groups().info("g")).state, GroupState::empty);
  shards.advance(idle_offsets_kept - 1h);
  restart();
  EXPECT_EQ(committed("orders", 0), 5);
  shards.advance(1h);
  EXPECT_TRUE(shards.run(groups().list()).empty());
}

TEST_F(GroupsTest, the_last_rebalance_is_known_after_a_restart) {
  put_topic("orders");
  WallTime before = shards.clock().wall_now();
  join();
  auto rebalance = shards.run(groups().info("g")).last_rebalance;
  ASSERT_TRUE(rebalance);
  EXPECT_EQ(rebalance->at, before);
  EXPECT_EQ(rebalance->reason, "c at  joined");
  shards.advance(5s);
  restart();
  EXPECT_EQ(shards.run(groups().info("g")).last_rebalance, rebalance);
  shards.advance(10s);
  rebalance = shards.run(groups().info("g")).last_rebalance;
  EXPECT_EQ(rebalance->reason, "c at  was silent for its session timeout, 10s");
  EXPECT_EQ(rebalance->at, shards.clock().wall_now());
}

TEST_F(GroupsTest, a_join_that_waits_ends_when_the_server_stops) {
  auto waiting = shards.start(groups().join({.group = "g",
                                             .session_timeout = 10s,
                                             .rebalance_timeout = 60s,
                                             .protocol_type = "consumer",
                                             .protocols = {{"range", {}}}}));
  shards.settle();
  EXPECT_FALSE(*waiting);
  shards.run(groups().end_waits());
  shards.settle();
  ASSERT_TRUE(*waiting);
  EXPECT_EQ((*waiting)->error, GroupError::unavailable);
}

TEST_F(GroupsTest, times_and_names_out_of_range_are_refused) {
  JoinGroup join{
      .group = "g", .session_timeout = 5s, .protocol_type = "consumer", .protocols = {{"range", {}}}};
  EXPECT_EQ(shards.run(groups().join(join)).error, GroupError::invalid_session_timeout);
  join.session_timeout = 10s;
  join.group = std::string(group_name_bytes_max + 1, 'g');
  EXPECT_EQ(shards.run(groups().join(join)).error, GroupError::invalid_group);
  join.group = "g";
  join.member = "nobody";
  EXPECT_EQ(shards.run(groups().join(join)).error, GroupError::unknown_member);
}

}  // namespace
}  // namespace pabal::broker
