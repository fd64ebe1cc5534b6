#pragma once

#include <string_view>

#include "base/types.h"
#include "engine/engine.h"

namespace pabal::broker {

// The ids of the server's own logs. Topics and queues have version-7 UUIDs, so that none of theirs is one of
// these: the tables' are version 8 with a zero time.
constexpr TopicId well_known_topic(uint8_t number) {
  TopicId id;
  id.bytes[6] = 0x80;
  id.bytes[8] = 0x80;
  id.bytes[15] = number;
  return id;
}

inline constexpr engine::LogId topics_log{well_known_topic(1), PartitionIndex(0)};
inline constexpr engine::LogId queues_log{well_known_topic(2), PartitionIndex(0)};

// Consumer groups and their offsets, in a few tables.
constexpr engine::LogId groups_log(size_t table) {
  return {well_known_topic(3), PartitionIndex(static_cast<int32_t>(table))};
}
inline constexpr std::string_view groups_log_name = "__pabal.groups";

// Users and rules of access.
inline constexpr engine::LogId security_log{well_known_topic(8), PartitionIndex(0)};
inline constexpr std::string_view security_log_name = "__pabal.security";

// Which producer ids have been given out.
inline constexpr engine::LogId producer_ids_log{well_known_topic(7), PartitionIndex(0)};

constexpr bool is_well_known(const TopicId& id) {
  return id == topics_log.topic || id == queues_log.topic || id == groups_log(0).topic ||
         id == security_log.topic || id == producer_ids_log.topic;
}

// A queue's two logs are told from a topic's partitions by their id: variant bits 0b110, which RFC 9562
// leaves to others.
constexpr bool is_queue_log(const engine::LogId& log) { return (log.topic.bytes[8] & 0xE0) == 0xC0; }
constexpr TopicId queue_id_from(Uuid id) {
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x1F) | 0xC0);
  return id;
}
// What a queue has settled and tried.
constexpr engine::LogId queue_table_log(TopicId queue) { return {queue, PartitionIndex(0)}; }
// Its own messages.
constexpr engine::LogId queue_own_log(TopicId queue) { return {queue, PartitionIndex(1)}; }

}  // namespace pabal::broker
