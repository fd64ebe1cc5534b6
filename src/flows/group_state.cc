#include "flows/group_state.h"

#include "flows/words.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

constexpr Duration unattended_min = 3s;
constexpr Duration unattended_max = 24h;
constexpr Duration rebalance_long = 30s;

std::string because(const broker::Rebalance& rebalance) { return quotable(rebalance.reason, 300); }

std::optional<GroupJudgement> removed_unread(const GroupLook& group) {
  int64_t removed = 0;
  for (const auto& partition : group.partitions) removed += partition.removed_unread;
  if (removed == 0) return std::nullopt;
  return GroupJudgement{GroupTrouble::removed_unread,
                        fmt::format("{} removed, by retention or by somebody, before it read them.",
                                    counted(removed, "record was", "records were")),
                        std::nullopt};
}

}  // namespace

GroupJudgement judge_group(const GroupLook& group, WallTime now) {
  const auto& last = group.info.last_rebalance;
  Duration ago = last ? Duration(now - last->at) : unattended_max;
  bool alone = group.info.members.empty();
  if (alone && ago >= unattended_max) return {};
  if (auto removed = removed_unread(group)) return *removed;
  int64_t lag = group.lag.value_or(0);
  if (alone && lag > 0 && ago >= unattended_min) {
    return {GroupTrouble::no_members,
            fmt::format("Nobody is in it for {} ({}). {}, none is lost.", lasting(ago), because(*last),
                        counted(lag, "record waits", "records wait")),
            last->at};
  }
  bool settled = group.info.state == broker::GroupState::stable || alone;
  if (last && !settled && ago >= rebalance_long) {
    return {
        GroupTrouble::rebalancing,
        fmt::format("Its members have been sharing out the partitions for {} ({}); meanwhile nobody reads.",
                    lasting(ago), because(*last)),
        last->at};
  }
  return {};
}

}  // namespace pabal::flows
