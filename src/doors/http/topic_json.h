#pragma once

#include <optional>
#include <vector>

#include "broker/topic.h"
#include "doors/http/answers.h"
#include "doors/http/fields.h"

namespace pabal::doors {

// The body of PUT /topics/{topic}.
Result<broker::TopicChange> read_topic_change(std::string_view body);

// One element of the body of POST /topics/{topic}/delete_records.
struct Deletion {
  PartitionIndex partition;
  std::optional<Offset> before;  // nullopt: all
};
Result<std::vector<Deletion>> read_deletions(std::string_view body);
// invalid when a partition is not there, comes twice or ends below; says which.
[[nodiscard]] Result<void> check_deletions(const broker::TopicInfo& topic,
                                           const std::vector<Deletion>& deletions);

// Settings and partitions as GET /topics/{topic} shows them; durations and sizes as text.
[[nodiscard]] Json topic_json(const broker::TopicInfo& topic);

}  // namespace pabal::doors
