#pragma once

#include <memory>
#include <optional>

#include "engine/backup.h"
#include "engine/embedded.h"
#include "engine/recovery.h"
#include "engine/sequencer.h"
#include "runtime/io_threads.h"

namespace pabal::engine {

// The engine on this machine's disk. Changes go to the sequencer; reads come from a log's tail in memory, on
// the thread that asks, or from its segments, on a thread that may wait.
//
// With executors given from outside, destroy it only when they run no more, or after stop(); after stop()
// also when a backup may be under way.
class EmbeddedEngine final : public Engine {
 public:
  // Threads of its own, when it has to have them.
  struct Threads {
    runtime::IoThreads journal{"pabal-journal", 1};
    runtime::IoThreads segments{"pabal-segments", 1};
    runtime::IoThreads readers{"pabal-readers", 2};
  };

  EmbeddedEngine(std::unique_ptr<runtime::FileLock> lock, Recovered recovered);
  ~EmbeddedEngine() override;

  runtime::Task<Result<void>> open_log(LogId log, LogSettings settings) override;
  std::vector<std::pair<LogId, std::string>> logs() const override;
  runtime::Task<Result<void>> delete_log(LogId log) override;
  runtime::Task<Result<CommitResult>> commit(Commit commit) override;
  Result<LogRange> range(LogId log) const override;
  runtime::Task<Result<ReadResult>> read(LogId log, Offset from, size_t bytes_max) override;
  runtime::Task<Result<Offset>> find_time(LogId log, WallTime time) override;
  runtime::Task<Result<void>> trim(LogId log, Offset first) override;
  void pin(LogId log, const std::string& who, std::optional<Offset> from) override;
  [[nodiscard]] Watch watch(LogId log, runtime::Executor executor, std::function<void()> advanced) override;
  runtime::Task<Result<BackupReport>> backup(std::string directory, std::function<bool()> given_up) override;
  EngineHealth health() const override;
  std::vector<double> recent_commit_seconds() const override;
  runtime::Task<> stop() override;

 private:
  struct Clockwork;

  Result<void> acceptable(const Commit& commit, size_t bytes) const;
  runtime::Task<Result<CommitResult>> submit(std::unique_ptr<Request> request);
  runtime::Task<Result<void>> submit_change(std::unique_ptr<Request> request);
  Result<std::shared_ptr<LogState>> find(const LogId& log) const;

  // Destroyed from the last to the first: the threads end before what they work on.
  std::unique_ptr<runtime::FileLock> lock_;
  std::shared_ptr<EmbeddedParts> parts_;
  std::unique_ptr<Threads> threads_;
  IoExecutors io_;
  std::shared_ptr<Sequencer> sequencer_;
  std::shared_ptr<Clockwork> clockwork_;
  std::shared_ptr<BackupGate> backups_ = std::make_shared<BackupGate>();
};

}  // namespace pabal::engine
