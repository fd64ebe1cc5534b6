#include <gtest/gtest.h>

#include "flows/clients.h"
#include "flows/group_state.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

TEST(Clients, AreForgottenAfterATimeAndBoundedInNumber) {
  Clients clients;
  Seen seen{.kind = SeenKind::fetched, .instant = Instant(1h), .peer = "10.0.0.7", .topic = "t"};
  std::string name;
  for (size_t i = 0; i < Clients::clients_max + 5; ++i) {
    name = std::to_string(i);
    seen.service = name;
    clients.see(seen);
  }
  EXPECT_EQ(clients.all().size(), Clients::clients_max);
  EXPECT_EQ(clients.refused(), 5);
  seen.instant = Instant(2h);
  seen.service = "0";
  clients.see(seen);
  clients.forget(Instant(2h) + 30min, 1h);
  EXPECT_EQ(clients.all().size(), 1u);
  clients.forget_topic("t");
  EXPECT_TRUE(clients.all().empty());
}

TEST(GroupState, SaysWhatWasRemovedUnreadAndThatARebalanceTakesLong) {
  WallTime now(std::chrono::milliseconds(1'000'000'000));
  GroupLook look;
  look.info.state = broker::GroupState::preparing_rebalance;
  look.info.members.resize(1);
  look.info.last_rebalance = broker::Rebalance{.at = now - 20s, .reason = "a at b joined"};
  EXPECT_EQ(judge_group(look, now).trouble, GroupTrouble::none);
  look.info.last_rebalance->at = now - 45s;
  EXPECT_EQ(
      judge_group(look, now).reason,
      "Its members have been sharing out the partitions for 45 s (a at b joined); meanwhile nobody reads.");
  look.partitions.push_back({.at = {"t", PartitionIndex(0)}, .removed_unread = 2});
  EXPECT_EQ(judge_group(look, now).reason,
            "2 records were removed, by retention or by somebody, before it read them.");
}

}  // namespace
}  // namespace pabal::flows
