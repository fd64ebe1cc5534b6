#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "log/journal.h"
#include "log/log_id.h"
#include "runtime/file_system.h"

namespace pabal::log {

// What a segment file holds, as far as it is durable.
struct SegmentState {
  Offset base = {};
  Offset next = {};
  uint64_t bytes = 0;
  WallTime last_append = {};    // the wall clock's, for retention
  WallTime max_timestamp = {};  // the records', for look-ups by time
  uint32_t generation = 0;      // how often compaction has written it; it may then lack offsets
  friend bool operator==(const SegmentState&, const SegmentState&) = default;
};

// One log at the checkpoint: its records [first, next) lie in its segments, but for those it has lost, and
// for one that is kept in memory.
struct LogCheckpoint {
  LogId log = {};
  LogSettings settings = {};
  LeaderEpoch epoch = {};
  Offset first = {};
  Offset next = {};
  Offset compacted = {};  // below, no two records have the same key
  Offset reserved = {};   // after a crash an unflushed log goes on here, if it is above next
  int64_t lost = 0;       // offsets that such a log may have lost so far
  std::vector<SegmentState> segments = {};  // in offset order
  friend bool operator==(const LogCheckpoint&, const LogCheckpoint&) = default;
};

// All that is durable outside of the journal, at one block of it: with it no segment has to be opened on
// start, and no block below `replay_from` is needed any more.
struct Checkpoint {
  uint64_t journal_id = 0;
  JournalPosition replay_from = {};
  std::vector<LogCheckpoint> logs = {};
  std::vector<std::string> removals = {};  // paths below the data directory that nothing refers to any more
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// The file, big-endian: 0 magic u64 | 8 crc u32 (of byte 12 on) | 12 body_bytes u64 | 20 body. The body:
//   journal_id u64 | lsn u64 | file u32 | offset u64 | log_count u32 | logs | removal_count u32 | removals
//   log:     topic 16 | partition i32 | retention_time_ns i64 | retention_bytes u64 | compact u8 |
//            tombstones_kept_ns i64 | durability u8 | name | epoch i32 | first i64 | next i64 |
//            compacted i64 | reserved i64 | lost i64 | segment_count u32 | segments
//   segment: base i64 | next i64 | bytes u64 | last_append_ms i64 | max_timestamp_ms i64 | generation u32
//   name, removal: size u32 | text
// Older versions are read, never written: the second lacks durability, reserved and lost; the first also
// compact, tombstones_kept_ns, compacted and generation, and its removals are whole paths.
[[nodiscard]] Bytes encode_checkpoint(const Checkpoint& checkpoint);
[[nodiscard]] Result<Checkpoint> decode_checkpoint(BytesView bytes);

// A checkpoint is stored twice, in files of their own: what it says (where each log begins, how much of it
// was flushed, its settings) stands nowhere else. The one read first comes first.
[[nodiscard]] std::array<std::string, 2> checkpoint_paths(const std::string& directory);
// Writes both files aside and puts them in place; durable after return. Until then each is as it was or new,
// and either may be gone on with: remove nothing that the one before refers to.
[[nodiscard]] Result<void> save_checkpoint(runtime::FileSystem& files, const std::string& directory,
                                           const Checkpoint& checkpoint);
// From the first file or, when it is damaged or missing, from its copy; not_found when there is none.
[[nodiscard]] Result<Checkpoint> load_checkpoint(runtime::FileSystem& files, const std::string& directory);

// From one of the files.
[[nodiscard]] Result<Checkpoint> load_checkpoint_file(runtime::FileSystem& files, const std::string& path);

// DATA/clean, after the last checkpoint of a stop: no block of the journal lies above `end`.
[[nodiscard]] Result<void> mark_clean(runtime::FileSystem& files, const std::string& directory,
                                      const JournalPosition& end);
// Whether the mark for `end` stands; it stands no more after the call, durably.
[[nodiscard]] Result<bool> take_clean_mark(runtime::FileSystem& files, const std::string& directory,
                                           const JournalPosition& end);

}  // namespace pabal::log
