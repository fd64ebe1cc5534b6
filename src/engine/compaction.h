#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/embedded.h"
#include "engine/log_state.h"
#include "log/key_offsets.h"

namespace pabal::engine {

// Compacts one log, once: of each key only the latest record below some offset is left, at its offset. Works
// on the segments executor in steps of about a megabyte, between which everything else goes on.
//
//   1. mapping: from where the last pass ended, the last offset of each key, as far as the memory reaches
//   2. rewriting: the closed segments up to there, from the first, without the records that the map has a
//   later
//      one for; neighbours that have become small are joined. A rewritten segment takes its place when it is
//      whole; the old files go after the next checkpoint, so that a crash finds the old ones or the new ones.
//
// The latest record of a key stays also when it has no value (a tombstone) until its batch's delete horizon,
// set when it was first seen here, has passed; by then every reader that is not further behind has read it.
// Records without a key stay. A batch that came compressed stays so as long as all of it stays; one that
// cannot be uncompressed stays, and with it every tombstone behind it. The segment that grows is never
// touched.
class Compaction {
 public:
  struct Options {
    uint64_t piece_bytes = 1_MiB;
    uint64_t map_bytes_max = 64_MiB;
    uint64_t segment_bytes = 0;  // segments are joined up to this
    Duration tombstones_kept = {};
    WallTime now = {};
    PlantedBug bug = PlantedBug::none;
  };

  Compaction(std::shared_ptr<LogState> log, const Options& options);
  ~Compaction() { drop_fresh(); }
  Compaction(const Compaction&) = delete;
  Compaction& operator=(const Compaction&) = delete;

  // Whether so much of the closed segments has not been compacted that a pass is worth its work: half of
  // them.
  [[nodiscard]] static bool is_due(const log::SegmentedLog& log);

  struct Step {
    bool done = false;
    std::vector<std::string> removals = {};  // files that may go when no checkpoint refers to them
  };
  // Does the next piece. After an error, and when the log is removed, the pass is over; what has taken its
  // place by then stays.
  Result<Step> step();
  [[nodiscard]] const std::shared_ptr<LogState>& log() const { return log_; }

 private:
  enum class Phase { mapping, rewriting };
  using SegmentPtr = std::shared_ptr<log::Segment>;

  Result<void> map_piece();
  void map_tail();  // a planted bug
  [[nodiscard]] bool map_batch(const log::BatchView& batch);
  void begin_rewriting();
  Result<Step> rewrite_piece();
  Result<void> begin_group();
  Result<void> rewrite_batch(const log::BatchView& stored);
  Result<void> put(const log::BatchView& stored, const log::BatchView& batch);
  Result<void> write_out(WallTime last_append);
  Step end_group();
  void drop_fresh();
  [[nodiscard]] bool stays(const log::StoredRecord& record, const log::BatchView& batch) const;

  std::shared_ptr<LogState> log_;
  Options options_;
  std::vector<SegmentPtr> sources_;  // closed when the pass began
  Phase phase_ = Phase::mapping;
  log::KeyOffsets last_;
  Offset mapped_to_;  // one past the last record that is in the map

  size_t source_ = 0;  // the one being read
  Offset at_;          // the next record to read
  size_t group_begin_ = 0;
  size_t group_end_ = 0;
  SegmentPtr fresh_;         // of the group
  bool changed_ = false;     // the group is not what it was
  bool unreadable_ = false;  // a batch before this one may hold any key
  Bytes out_;                // rewritten, not in the file yet
};

}  // namespace pabal::engine
