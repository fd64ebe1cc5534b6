#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "log/checkpoint.h"
#include "runtime/file_system.h"

namespace pabal::engine {

// Stands in a backup's directory from its first moment on and goes last: what has it is not whole.
constexpr std::string_view backup_mark = "BACKUP-UNFINISHED";

// An error that says what to do when `directory` holds a backup that was not finished.
[[nodiscard]] Result<void> refuse_unfinished_backup(runtime::FileSystem& files, const std::string& directory);

// Writes one cut of a data directory into another directory, piece by piece, so that whoever calls can do
// something else in between. The cut's files must stay until the last step: of each segment the bytes that
// the cut names, which are never written again; then a new journal, a checkpoint that refers to it, VERSION.
// All of it is durable before the mark goes. Calls block; one thread at a time.
class Backup {
 public:
  static constexpr size_t piece_bytes = 1_MiB;  // of one step
  static constexpr uint64_t flush_bytes_max =
      8_MiB;  // written and not flushed: others wait for the same disk

  struct Options {
    std::string data_dir;
    std::string directory;
    uint64_t journal_id = 0;
    uint64_t journal_bytes = 0;
  };
  Backup(runtime::FileSystem& files, Options options) : files_(files), options_(std::move(options)) {}

  // Makes the directory and marks it. Errors: conflict (it holds something), invalid (it lies in the data
  // directory); then nothing was changed.
  Result<void> begin();
  // What is to be copied; after begin(), before the first step().
  void set_cut(log::Checkpoint cut) { cut_ = std::move(cut); }
  // Copies the next piece. True when nothing is left of the cut's files to be read.
  Result<bool> step();
  // After the last step.
  Result<void> finish();
  // What was copied so far.
  [[nodiscard]] const BackupReport& report() const { return report_; }
  // True once something of it stands in the directory.
  [[nodiscard]] bool marked() const { return marked_; }

 private:
  Result<void> check_target() const;
  Result<bool> copy_piece();
  Result<bool> open_segment();
  Result<void> end_log();
  [[nodiscard]] std::string log_dir(const std::string& directory, const log::LogId& log) const;

  runtime::FileSystem& files_;
  Options options_;
  bool marked_ = false;
  log::Checkpoint cut_;
  BackupReport report_;
  size_t log_ = 0;      // the one that is copied
  size_t segment_ = 0;  // of it
  uint64_t at_ = 0;     // of the segment
  uint64_t unflushed_ = 0;
  std::unique_ptr<runtime::File> from_;  // while a segment is copied
  std::unique_ptr<runtime::File> to_;
};

// At most one backup at a time, and none once the engine stops. Any thread.
class BackupGate {
 public:
  // A backup may begin: leave() ends it. Errors: conflict, unavailable.
  [[nodiscard]] Result<void> enter(const std::string& directory);
  void leave();
  [[nodiscard]] bool closing() const;
  // From now on none begins, and the one that runs gives up. True when none runs.
  [[nodiscard]] bool close();
  // After close(): calls `ended` when none runs any more.
  void when_ended(std::move_only_function<void()> ended);

 private:
  mutable std::mutex mutex_;  // some times per backup
  std::string running_;       // where to; empty when none runs
  bool closing_ = false;
  std::move_only_function<void()> ended_;
};

}  // namespace pabal::engine
