#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/types.h"
#include "log/log_id.h"
#include "log/record.h"
#include "runtime/asio.h"

namespace pabal::engine {

using log::LogId;
using log::LogSettings;

// One Kafka v2 batch with base offset 0 for one log.
struct LogAppend {
  LogId log;
  Bytes batch;
};

// One atomic change: all appends durable together or none. At most one append per log.
struct Commit {
  std::vector<LogAppend> appends;
  // True for what may use the disk reserve: acks, cursors, dead letters, settings. Publishes may not.
  bool may_use_reserve = false;
};

// Where each append went: base offsets, in the order of Commit::appends.
using CommitResult = std::vector<Offset>;

struct LogRange {
  Offset first;    // the oldest record still kept
  Offset next;     // the high watermark: everything below is durable and may be seen
  uint64_t bytes;  // on disk
};

// Consecutive batches, each whole, in offset order. The first may begin below the offset asked for.
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
};

// What a backup has copied.
struct BackupReport {
  uint64_t bytes = 0;  // of segments
  uint64_t logs = 0;
  std::vector<std::string> damaged = {};  // what was damaged here, and is as damaged there: file and byte
};

// Where logs live. Safe to call from any shard; a coroutine continues on the executor it was awaited on,
// callbacks run on the executor given. Nothing is readable before it is durable.
class Engine {
 public:
  virtual ~Engine() = default;

  // Makes the log, or opens it as it is, and applies the settings. Durable after return.
  virtual runtime::Task<Result<void>> open_log(LogId log, LogSettings settings) = 0;
  // The logs that exist on start, with the name given at open_log.
  virtual std::vector<std::pair<LogId, std::string>> logs() const = 0;
  // Removes the log and its records. Readers get not_found from then on.
  virtual runtime::Task<Result<void>> delete_log(LogId log) = 0;

  // Orders the commit behind all that this thread committed before; returns when it is durable and visible.
  // Offsets are given in that order, and completions of one log come in offset order. Errors: not_found (no
  // such log), disk_full, read_only (the engine, or one of the logs: see EngineHealth), unavailable (too much
  // waits), too_large.
  virtual runtime::Task<Result<CommitResult>> commit(Commit commit) = 0;

  virtual Result<LogRange> range(LogId log) const = 0;
  // From `from` up to about `bytes_max` (at least one batch); no batches when `from` is the high watermark.
  // `from` outside [first, next]: not_found.
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
