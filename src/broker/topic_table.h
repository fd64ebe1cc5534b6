#pragma once

#include <string>

#include "base/error.h"
#include "broker/topic.h"

namespace pabal::broker {

// What the table `__pabal.topics` holds for a topic, under its name.
struct TopicRecord {
  TopicId id;
  TopicSettings settings;

  [[nodiscard]] std::string encode() const;
  static Result<TopicRecord> decode(std::string_view text);

  friend bool operator==(const TopicRecord&, const TopicRecord&) = default;
};

// The settings after a change: invalid for values out of range, conflict for fewer partitions and for more of
// a compacted topic.
[[nodiscard]] Result<TopicSettings> changed(TopicSettings settings, const TopicChange& change);
[[nodiscard]] Result<void> check_durability(const TopicSettings& standing, const TopicChange& change);

// The log that holds a topic's producer sequences and idempotency keys.
[[nodiscard]] engine::LogId producers_log(TopicId topic);
// The log that holds what is known of a topic's idempotent producers.
[[nodiscard]] engine::LogId idempotence_log(TopicId topic);
[[nodiscard]] engine::LogId partition_log(TopicId topic, PartitionIndex partition);
[[nodiscard]] engine::LogSettings log_settings(const std::string& name, const TopicSettings& settings);

}  // namespace pabal::broker
