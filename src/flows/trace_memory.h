#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "flows/names.h"
#include "flows/seen.h"

namespace pabal::flows {

struct TraceLimits {
  Duration retention = std::chrono::hours(24);
  size_t bytes_max = 1_GiB;
  size_t chunk_bytes = 256_KiB;
};

// An entry of the memory, with its own bytes.
struct TraceEntry {
  SeenKind kind = SeenKind::published;
  WallTime at = {};
  Instant instant = {};
  std::string service, peer, topic, queue, id, key, correlation_id, causation_id, type, outcome, reason;
  std::vector<std::string> search;
  int32_t partition = -1;
  int64_t offset = -1;
  int32_t delivery = 0;
  Duration duration = {};
  std::optional<WallTime> due = {};
  bool failed = false;
};

// What happened to every record of late, found by any of its ids. Entries lie packed in chunks, each chunk
// with an index of its own, so that forgetting is dropping the oldest chunk and nothing is ever rebuilt.
// Limits: age and bytes, counted with the indexes. One thread at a time.
class TraceMemory {
 public:
  TraceMemory(TraceLimits limits, WallTime start);
  ~TraceMemory();

  void add(const Seen& seen);
  // What was seen at or before `at` may be missing (it was dropped, or the memory was lost).
  void incomplete_until(WallTime at);

  // Entries that have any of the ids, in the order they were added, at most `entries_max`; `more` is set when
  // there were more.
  struct Found {
    std::vector<TraceEntry> entries;
    bool more = false;
  };
  [[nodiscard]] Found find(const std::vector<std::string>& ids, size_t entries_max) const;
  // Every entry of one record: its publication, deliveries and ends.
  [[nodiscard]] static std::string record_id(std::string_view topic, int32_t partition, int64_t offset);

  [[nodiscard]] WallTime complete_since() const { return complete_since_; }
  [[nodiscard]] size_t bytes() const;
  [[nodiscard]] int64_t entries() const { return entries_; }
  // Forgets what is older than the retention.
  void forget(WallTime now);

 private:
  struct Chunk;
  Chunk& open_chunk(WallTime at);
  void drop_oldest();
  TraceEntry read(const Chunk& chunk, size_t position) const;

  TraceLimits limits_;
  WallTime complete_since_;
  Names names_;
  std::deque<std::unique_ptr<Chunk>> chunks_;
  size_t sealed_bytes_ = 0;
  int64_t entries_ = 0;
};

}  // namespace pabal::flows
