#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "broker/place.h"
#include "broker/queue.h"
#include "broker/settled_set.h"
#include "engine/table.h"

namespace pabal::broker {

// What the table `__pabal.queues` holds for a queue, under its name.
struct QueueRecord {
  TopicId id;  // of its two logs
  QueueSettings settings;
  std::optional<WallTime> paused_since = {};

  [[nodiscard]] std::string encode() const;
  static Result<QueueRecord> decode(std::string_view text);
};

// The settings after a change; invalid for values out of range, unsupported for what is not built.
[[nodiscard]] Result<QueueSettings> changed(QueueSettings settings, const QueueChange& change);

// A queue's own table, one for each queue:
//   c<source>              the cursor
//   s<source>/<bucket>     ranges settled above it, SettledSet::bucket_text()
//   r<source>/<offset>     a message that was tried: Retry
//   h<hash of a key>       the key waits until its dead letter is redriven
//   d                      dead letters that stand in the dead letter topic: count, first death
// Sources: partitions of the topic from 0, the own log -1, partition p of the dead letter topic -2-p (there
// "settled" says redriven).
struct Retry {
  int deliveries = 0;
  std::optional<WallTime> due = {};
  bool open = true;
  std::string reason = {};

  [[nodiscard]] std::string encode() const;
  static Result<Retry> decode(std::string_view text);
};
struct DeadCount {
  int64_t count = 0;
  WallTime since = {};

  [[nodiscard]] std::string encode() const;
  static Result<DeadCount> decode(std::string_view text);
};

inline constexpr std::string_view dead_count_key = "d";
[[nodiscard]] std::string cursor_key(Source source);
[[nodiscard]] std::string bucket_key(Source source, int64_t bucket);
[[nodiscard]] std::string retry_key(Place place);
[[nodiscard]] std::string hold_key(uint64_t key);
// The other way round; nullopt for other keys.
[[nodiscard]] std::optional<Place> place_of_retry_key(std::string_view key);
[[nodiscard]] std::optional<uint64_t> hash_of_hold_key(std::string_view key);

[[nodiscard]] constexpr Source dead_source(PartitionIndex partition) {
  return Source(-2 - partition.value());
}

// Adds what makes the table say what the set says; takes the set's changed buckets and returns them, for
// mark_changed() when the commit fails.
std::set<int64_t> stage_settled(const engine::Table& table, Source source, SettledSet& set,
                                engine::TableChanges& changes);
// The cursor as the table has it: what lies below is durably settled.
[[nodiscard]] std::optional<Offset> stored_cursor(const engine::Table& table, Source source);
// The set as the table has it; nothing when there is no cursor.
[[nodiscard]] Result<std::optional<SettledSet>> load_settled(const engine::Table& table, Source source);

}  // namespace pabal::broker
