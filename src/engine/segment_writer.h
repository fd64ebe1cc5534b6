#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/compaction.h"
#include "engine/condition.h"
#include "engine/embedded.h"
#include "engine/log_state.h"
#include "log/checkpoint.h"
#include "log/journal_format.h"

namespace pabal::engine {

// What one journal entry changed, on its way to the segments.
struct Effect {
  log::EntryKind kind = log::EntryKind::append;
  std::shared_ptr<LogState> log;
  SharedBytes batch = {};     // append
  LogSettings settings = {};  // create
  Offset first = {};          // trim; reserve: the log goes on there, when it is above its end
  log::Reservation reserve = {};
};

// A piece of work for the segment writer: the effects of all journal blocks since the last round.
struct WriteRound {
  std::vector<Effect> effects;
  log::JournalPosition end = {};  // the first block that is not in it
  bool checkpoint = false;        // then flush all, and save a checkpoint at `end`
  bool retention = false;         // then say what may go
  bool last = false;              // nothing comes after this checkpoint: say so on disk
  bool hold = false;              // then no file goes until release(), and the result says which there are
};

struct RoundResult {
  std::vector<std::pair<std::shared_ptr<LogState>, Offset>>
      written;  // logs whose segments have grown, up to where
  uint64_t written_bytes = 0;
  std::optional<uint64_t> checkpointed_lsn = {};
  bool removals_done = false;                        // nothing is left of logs that were removed before
  std::optional<log::Checkpoint> held = {};          // as the checkpoint has it
  std::vector<std::pair<LogId, Offset>> trims = {};  // what retention asks for
  bool compaction_due = false;                       // call compact()
  std::optional<Error> failure = {};                 // nothing of the round is lost: the next one repeats it
};

// Brings what the journal made durable into the segments, behind everybody's back, and writes the checkpoints
// that make journal files free. Lags behind the journal; owns what the disk outside of the journal looks
// like. One thread; calls block.
class SegmentWriter {
 public:
  struct Options {
    std::string data_dir;
    uint64_t journal_id = 0;
    const Clock* clock = nullptr;
    EmbeddedLimits limits = {};
    PlantedBug bug = PlantedBug::none;
    std::shared_ptr<runtime::Volume> volume = {};  // of the data directory, opened before anything is written
  };

  SegmentWriter(log::FileCache& files, Options options) : files_(files), options_(std::move(options)) {}

  // A log that the last checkpoint knows.
  void restore(std::shared_ptr<LogState> log, const log::LogCheckpoint& state);
  // Does the removals that the last checkpoint left to do: now if it is durable, else after the next one.
  // Call it after restore().
  void restore_removals(std::vector<std::string> paths, bool durable);

  [[nodiscard]] RoundResult run(WriteRound round);
  // Files that nothing refers to go again, with the next checkpoint.
  void release() { holding_ = false; }

  // Does a piece of the compaction of a log that needs it; a checkpoint after the last one frees the disk.
  struct CompactionStep {
    bool more = false;
    std::optional<Error> failure = {};  // of the disk; the pass is given up, what was there stays
  };
  [[nodiscard]] CompactionStep compact();

 private:
  struct Stored {
    std::shared_ptr<LogState> log;
    LogSettings settings;
    Offset first;
    Offset reserved;
  };
  using Batches = std::map<LogId, std::pair<std::shared_ptr<LogState>, std::vector<SharedBytes>>>;

  Result<void> apply_backlog(RoundResult& result);
  Result<void> write(LogState& log, const std::vector<SharedBytes>& batches, RoundResult& result);
  Result<void> apply(const Effect& effect);
  Result<void> create(const Effect& effect);
  void trim(const Effect& effect);
  void remove(const Effect& effect);
  Result<void> checkpoint(const WriteRound& round);
  Result<void> write_name(const Effect& effect);
  [[nodiscard]] bool is_named(const TopicId& topic, const std::string& name) const;
  Result<void> flush_segments();
  Result<void> save(const WriteRound& round);
  Result<void> flush_volume();
  Result<void> flush_one_by_one();
  [[nodiscard]] log::Checkpoint describe(const WriteRound& round) const;
  [[nodiscard]] static log::LogCheckpoint describe(const LogId& id, const Stored& stored, bool last);
  void remove_files();
  void retain(RoundResult& result) const;
  [[nodiscard]] static bool wants_compaction(const Stored& stored);
  void begin_compaction();
  void remove_later(const std::string& path);

  log::FileCache& files_;
  Options options_;
  std::map<LogId, Stored> logs_;
  std::vector<Effect> backlog_;  // kept until all of it has been written
  std::map<LogId, std::shared_ptr<LogState>> dirty_;
  std::unique_ptr<Compaction> compaction_;
  bool has_saved_ = false;  // a checkpoint; for a planted bug
  // Paths below the data directory.
  std::vector<std::string> removals_;        // to do after the next checkpoint
  std::vector<std::string> ready_removals_;  // the last checkpoint does not refer to them any more
  bool holding_ = false;                     // somebody reads what a checkpoint refers to
};

// How large the segments of such a log are: of a log that keeps few bytes, small enough that it keeps little
// more; of one that is compacted, so that little of it is not.
[[nodiscard]] uint64_t segment_bytes_for(const LogSettings& settings, const EmbeddedLimits& limits);

// How far retention may trim a log of these segments; `first` when nothing may go.
[[nodiscard]] Offset retained_from(const std::vector<log::SegmentState>& segments,
                                   const LogSettings& settings, Offset first, std::optional<Offset> pin,
                                   WallTime now);

}  // namespace pabal::engine
