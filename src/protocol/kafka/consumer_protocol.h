#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/types.h"

// What consumers tell one another through the group's coordinator (protocol type "consumer"): bytes to the
// server, but people want to see who reads what.
//
//   subscription  i16 version | array of topic | … (user data, what is owned, generation, rack)
//   assignment    i16 version | array of (topic | array of i32 partition) | … (user data)
//
// Strings are an i16 length and as many bytes, arrays an i32 count. Later versions add at the end.
namespace pabal::kafka {

struct AssignedTopic {
  std::string topic;
  std::vector<PartitionIndex> partitions;
  friend bool operator==(const AssignedTopic&, const AssignedTopic&) = default;
};

// `invalid` for what is none. What follows the topics is not looked at. No bytes at all: none.
[[nodiscard]] Result<std::vector<std::string>> read_subscription(BytesView bytes);
[[nodiscard]] Result<std::vector<AssignedTopic>> read_assignment(BytesView bytes);

}  // namespace pabal::kafka
