#pragma once

#include <compare>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/types.h"

namespace pabal::log {

// One partition's log.
struct LogId {
  TopicId topic;
  PartitionIndex partition;
  friend constexpr auto operator<=>(const LogId&, const LogId&) = default;
};

// When an append is answered and seen: once it is flushed to disk, once it is written (it outlives the
// process, not a loss of power), or at once, and then it is kept in memory alone.
enum class Durability : uint8_t { flushed, written, memory };

struct LogSettings {
  std::string name;              // of the topic, for people who look at the disk
  Duration retention_time = {};  // from append; zero keeps for ever
  uint64_t retention_bytes = 0;  // zero keeps all
  bool compact = false;          // of each key only the latest record is kept, in time
  // How long a record without a value, which deletes its key, is kept after the records before it have gone.
  Duration tombstones_kept = std::chrono::hours(24);
  Durability durability = Durability::flushed;  // of a log that exists it does not change
  friend bool operator==(const LogSettings&, const LogSettings&) = default;
};

}  // namespace pabal::log

template <>
struct std::hash<pabal::log::LogId> {
  size_t operator()(const pabal::log::LogId& id) const noexcept {
    return std::hash<pabal::Uuid>{}(id.topic) * 31 + std::hash<int32_t>{}(id.partition.value());
  }
};

template <>
struct fmt::formatter<pabal::log::LogId> : fmt::formatter<std::string> {
  auto format(const pabal::log::LogId& id, fmt::format_context& ctx) const {
    return fmt::formatter<std::string>::format(fmt::format("{}/{}", id.topic, id.partition), ctx);
  }
};
