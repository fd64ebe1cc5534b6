#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/commit_chain.h"
#include "log/log_id.h"
#include "log/record.h"
#include "runtime/asio.h"

namespace pabal::engine {

using log::Durability;
using log::LogId;
using log::LogSettings;

// One Kafka v2 batch with base offset 0 for one log.
struct LogAppend {
  LogId log;
  OwnedBytes batch;
};

// One atomic change: all appends durable together or none, each as durable as the most demanding of the logs
// asks (LogSettings::durability). At most one append per log.
struct Commit {
  std::vector<LogAppend> appends;
  // True for what may use the disk reserve: acks, cursors, dead letters, settings. Publishes may not.
  bool may_use_reserve = false;
  std::vector<CommitChain::Link> links = {};

  [[nodiscard]] bool follows_a_failure() const {
    return std::ranges::any_of(links, &CommitChain::Link::follows_a_failure);
  }
  void fail_links() const { std::ranges::for_each(links, &CommitChain::Link::fail); }
};

// Where each append went: base offsets, in the order of Commit::appends.
using CommitResult = std::vector<Offset>;

struct LogRange {
  Offset first;    // the oldest record still kept
  Offset next;     // the high watermark: everything below is as durable as the log asks, and may be seen
  uint64_t bytes;  // of all records still kept: on disk, or in memory
  // Of logs that are not flushed: how many offsets may have held records that the end of a process, or of
  // the machine, has taken so far; and the epoch that began with the last of them.
  int64_t lost = 0;
  LeaderEpoch epoch = {};
};

// Batches, each whole, in offset order; offsets that compaction has removed or a crash has lost are missing
// between them. The first may begin below the offset asked for.
struct ReadResult {
  std::vector<SharedBytes> batches;
  LogRange range;  // as it was when read
};

struct EngineHealth {
  enum class State { ok, disk_full, read_only };
  State state = State::ok;
  std::string reason;  // a sentence for people, empty when ok
  uint64_t bytes = 0;
  uint64_t free_bytes = 0;
  // Logs that take no more records because bytes that were durable are damaged; the rest goes on.
  struct Damaged {
    LogId log;
    std::string name;     // as given at open_log
    std::string problem;  // names the file and the byte
  };
  std::vector<Damaged> damaged = {};
  // Logs that are not flushed and that may have lost [from, to) at the start of this process.
  struct Lost {
    LogId log;
    std::string name;
    Durability durability;
    Offset from;
    Offset to;
  };
  std::vector<Lost> lost = {};
};

// What a backup has copied.
struct BackupReport {
  uint64_t bytes = 0;  // of segments
  uint64_t logs = 0;
  std::vector<std::string> damaged = {};  // what was damaged here, and is as damaged there: file and byte
};

// Where logs live. Safe to call from any shard; a coroutine continues on the executor it was awaited on,
// callbacks run on the executor given. Nothing is readable before it is as durable as its log asks.
//
// A log that asks for less than a flush may lose its latest records in a crash (Durability::written), or all
// at every end of the process (memory). It gives no offset twice all the same: it goes on above all that it
// ever gave, and the offsets between hold nothing. LogRange::lost and EngineHealth::lost tell.
class Engine {
 public:
  virtual ~Engine() = default;

  // Makes the log, or opens it as it is, and applies the settings. Durable after return. conflict when it was
  // made with another durability.
  virtual runtime::Task<Result<void>> open_log(LogId log, LogSettings settings) = 0;
  // The logs that exist on start, with the name given at open_log.
  virtual std::vector<std::pair<LogId, std::string>> logs() const = 0;
  // Removes the log and its records. Readers get not_found from then on.
  virtual runtime::Task<Result<void>> delete_log(LogId log) = 0;

  // Orders the commit behind all that this thread committed before; returns when it is as durable as the most
  // demanding of its logs asks, and visible.
  // Offsets are given in that order, and completions of one log come in offset order. Errors: not_found (no
  // such log), disk_full, read_only (the engine, or one of the logs: see EngineHealth), unavailable (too much
  // waits, or a commit before it in one of its chains has failed), too_large.
  virtual runtime::Task<Result<CommitResult>> commit(Commit commit) = 0;

  virtual Result<LogRange> range(LogId log) const = 0;
  // From `from` up to about `bytes_max` (at least one batch); no batches when nothing is left from there to
  // the high watermark: go on at range.next. `from` outside [first, next]: not_found.
  virtual runtime::Task<Result<ReadResult>> read(LogId log, Offset from, size_t bytes_max) = 0;
  // The first offset whose record has a timestamp at or after `time`; the high watermark when none has.
  virtual runtime::Task<Result<Offset>> find_time(LogId log, WallTime time) = 0;
  // Moves the log's first offset up to `first`; what lies below is unreadable at once and freed later.
  // Durable.
  virtual runtime::Task<Result<void>> trim(LogId log, Offset first) = 0;
  // Retention never removes records at or above the lowest pin; queues pin what they have not settled.
  virtual void pin(LogId log, const std::string& who, std::optional<Offset> from) = 0;

  // Calls `advanced` on `executor` after the high watermark or the first offset moved (calls may be merged),
  // until the returned handle is destroyed (on that executor).
  using Watch = std::shared_ptr<void>;
  [[nodiscard]] virtual Watch watch(LogId log, runtime::Executor executor,
                                    std::function<void()> advanced) = 0;

  // Copies one cut of all logs into `directory`, which this kind of engine can be opened on: all that was
  // acknowledged before the call, each commit whole or absent. Everything else goes on meanwhile; what is
  // removed keeps its place on the disk until the copy ends. What is given up (`given_up` is asked now and
  // then, on any thread) or fails leaves a directory that open and examine refuse by name. Errors: conflict
  // (another one runs, or the directory is not empty), invalid (it lies among the data), cancelled,
  // unavailable (the engine stops), those of the disks. stop() ends one that runs.
  virtual runtime::Task<Result<BackupReport>> backup(std::string directory, std::function<bool()> given_up);
  virtual EngineHealth health() const = 0;
  // The latest flushes: how long a commit took to become durable, seconds, oldest first.
  virtual std::vector<double> recent_commit_seconds() const = 0;
  // Completes what is under way, writes a checkpoint, closes. No calls after it.
  virtual runtime::Task<> stop() = 0;
};

}  // namespace pabal::engine
