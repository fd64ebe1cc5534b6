#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "log/journal.h"
#include "log/segmented_log.h"
#include "runtime/file_system.h"
#include "runtime/shards.h"

namespace pabal::engine {

// Faults built in on purpose, so that the tests can show that they would find them. No configuration reaches
// them, but for skip_flush (PABAL_TEST_SKIP_FLUSH, see the server).
enum class PlantedBug {
  none,
  skip_flush,                    // acknowledges what was written and never flushed
  acknowledge_before_flush,      // completes commits, then flushes
  trust_after_failed_flush,      // goes on when a flush has failed
  acknowledge_out_of_order,      // completes the commits of a group from the last to the first
  replay_half_commit,            // recovery loses the last entry of a commit over several logs
  checkpoint_ahead_of_segments,  // a checkpoint does not wait for the segments it speaks of
  lose_tombstone,                // compaction drops a record without a value at once
  compact_above_high_watermark,  // compaction drops what a record replaces that a crash may still take
  remove_before_checkpoint,      // compaction removes the old files while the checkpoint still names them
  cut_one_too_far,               // recovery takes the last segment for a byte shorter than it is
  stale_snapshot,                // from the second on, checkpoints are not written and count all the same
  reuse_offsets,                 // offsets count as reserved before their reservation is durable
  settle_before_dead_letter,     // not the engine's: a queue settles a message, then writes its dead letter
  assign_before_saved,           // not the engine's: a group tells its members what it has not saved yet
  // Not the engine's: see broker::ProducerFault.
  producer_state_apart,
  producer_keeps_four,
  producers_forgotten,
  producer_not_fenced,
  repeated_before_durable,
};

struct EmbeddedLimits {
  log::JournalLimits journal = {};
  log::SegmentLimits segments = {};
  uint64_t commit_bytes_max = 32_MiB;      // also at most half a journal file
  uint64_t group_bytes_max = 4_MiB;        // of one flush; a larger commit goes alone
  uint64_t waiting_bytes_max = 64_MiB;     // of commits that are not durable yet; more is refused
  uint64_t unwritten_bytes_max = 128_MiB;  // durable in the journal only; above it commits wait
  size_t flush_one_by_one_max = 16;        // logs; more are flushed faster as a whole volume
  uint64_t write_round_bytes = 8_MiB;      // so much is unwritten before the segment writer begins
  uint64_t replayed_bytes_max = 64_MiB;    // left to it by a start; more goes to segments before that is done
  uint64_t cached_bytes_max = 64_MiB;      // batches kept in memory for readers
  uint64_t unflushed_bytes_max = 8_MiB;    // written and not flushed, before a flush begins …
  Duration unflushed_time_max = std::chrono::seconds(1);   // … or for so long
  int64_t reserve_offsets_min = 1'000;                     // a log that is not flushed reserves so many …
  int64_t reserve_offsets_max = 100'000;                   // … up to so many, as it grows
  uint64_t memory_log_bytes_max = 64_MiB;                  // of one log in memory without retention by size
  uint64_t memory_logs_bytes_max = 256_MiB;                // of all logs in memory
  std::optional<uint64_t> disk_reserve_bytes = {};         // default: 5 % of the disk, at least 256 MiB
  Duration retention_interval = std::chrono::seconds(10);  // between looks at what may go
  uint64_t compacted_segment_bytes = 16_MiB;               // segments of logs that are compacted
  uint64_t compaction_map_bytes_max = 64_MiB;              // memory for the keys of one pass
  uint64_t compaction_piece_bytes = 1_MiB;                 // read and written between two looks at other work
};

// Threads that may wait for the disk. Work of one executor must run in order, but for readers.
struct IoExecutors {
  runtime::Executor journal;
  runtime::Executor segments;
  runtime::Executor readers;
};

struct EmbeddedOptions {
  std::string data_dir;
  runtime::Shards* shards = nullptr;  // outlives the engine
  runtime::FileSystem* files = &runtime::system_file_system();
  std::optional<IoExecutors> io = {};  // default: threads of its own
  EmbeddedLimits limits = {};
  PlantedBug bug = PlantedBug::none;
  std::optional<uint64_t> journal_id = {};  // of a new directory; default: random
};

// Opens the logs in `data_dir`, or makes the directory, and recovers what a crash left. Blocks as long as the
// disk needs; all that was acknowledged is readable on return. Errors: conflict (another process has it),
// unsupported (a format this program does not know), corrupt, io_failed.
//
// A journal that is damaged below what was once durable does not stop it: the engine then serves what is
// whole and takes no writes; health() names the file and the byte.
[[nodiscard]] Result<std::unique_ptr<Engine>> open_embedded(EmbeddedOptions options);

}  // namespace pabal::engine
