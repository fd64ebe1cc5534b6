#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/topic.h"

namespace pabal::doors {

// Where a reader stands in each partition of a topic: the offsets it would read next, "0:17,1:5". What
// `next`, `after` and the ids of a stream's events say; callers keep it as it is.
class Position {
 public:
  static std::optional<Position> parse(std::string_view text);

  [[nodiscard]] std::optional<Offset> at(PartitionIndex partition) const;
  void set(PartitionIndex partition, Offset next);
  // Every partition, in order.
  [[nodiscard]] const std::vector<broker::PartitionOffset>& all() const { return offsets_; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<broker::PartitionOffset> offsets_;  // sorted by partition
};

}  // namespace pabal::doors
