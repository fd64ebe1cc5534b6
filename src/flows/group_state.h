#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "flows/group_look.h"

namespace pabal::flows {

// What may be wrong with a consumer group; the first that applies.
enum class GroupTrouble { none, removed_unread, no_members, rebalancing };

struct GroupJudgement {
  GroupTrouble trouble = GroupTrouble::none;
  std::string reason = {};  // sentences
  std::optional<WallTime> since = {};
};

// A group is not declared as a queue is: one that nobody has been in for a day is believed to be done.
[[nodiscard]] GroupJudgement judge_group(const GroupLook& group, WallTime now);

}  // namespace pabal::flows
