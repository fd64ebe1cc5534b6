#pragma once

#include <optional>
#include <string>
#include <variant>

#include "broker/topic.h"
#include "doors/http/answers.h"
#include "flows/group_look.h"

namespace pabal::doors {

// A group as GET /groups lists it, and with its members and partitions as GET /groups/{group} shows it.
[[nodiscard]] Json group_json(const flows::GroupLook& look);
[[nodiscard]] Json whole_group_json(const flows::GroupLook& look);

// The body of POST /groups/{group}/reset.
struct GroupReset {
  std::optional<std::string> topic = {};  // else all that something is committed for
  std::optional<PartitionIndex> partition = {};
  std::variant<broker::StartPoint, Offset> to = broker::StartPoint(broker::StartAt::earliest);
  bool dry_run = false;
};
Result<GroupReset> read_group_reset(std::string_view body);

}  // namespace pabal::doors
