#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "runtime/timers.h"

namespace pabal::engine {

// An engine for tests: logs in memory, commits that complete later and in order, and that can be made slow,
// held back or made to fail. It has no capabilities beyond the interface, as a cluster would. Safe from any
// thread (a mutex: nobody measures it); commits complete on the thread of `timers`.
class MemoryEngine final : public Engine {
 public:
  // What survives a crash. Two engines may not use one at the same time.
  struct Storage;
  static std::shared_ptr<Storage> make_storage();

  MemoryEngine(runtime::Executor executor, runtime::Timers& timers,
               std::shared_ptr<Storage> storage = make_storage());
  ~MemoryEngine() override;

  // How long a commit takes from now on.
  void set_commit_time(Duration d);
  // Every commit that starts from now on fails with this, until nullopt.
  void set_failure(std::optional<Error> failure);
  // From the n-th commit from now (0 is the next), `count` of them fail.
  void fail_commits(int n, int count, Error failure);
  // Commits wait, in order, until release().
  void hold();
  void release();
  [[nodiscard]] size_t commits_done() const;
  [[nodiscard]] size_t commits_waiting() const;
  // The lowest pin, or nullopt.
  [[nodiscard]] std::optional<Offset> pinned(LogId log) const;
  // What retention would do: moves the first offset up to `first`, but not above the lowest pin.
  void retain_from(LogId log, Offset first);
  // What compaction would do, of the whole log: of each key the latest record is left, at its offset.
  void compact(LogId log);
  // What a crash would do to a log that is not flushed: it goes on at `next`, with nothing between.
  void lose_to(LogId log, Offset next);

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
  EngineHealth health() const override;
  std::vector<double> recent_commit_seconds() const override { return {}; }
  runtime::Task<> stop() override;

 private:
  struct Log;
  struct Waiting;
  struct Watcher;

  void schedule();
  void complete_due();
  Result<CommitResult> apply(Commit& commit);
  Result<CommitResult> place(Commit& commit);
  void notify(const LogId& log);
  Result<Log*> find(const LogId& log) const;

  mutable std::mutex mutex_;
  runtime::Executor executor_;
  runtime::Timers& timers_;
  std::shared_ptr<Storage> storage_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::deque<Waiting> waiting_;
  std::multimap<LogId, std::weak_ptr<Watcher>> watchers_;
  std::map<LogId, std::map<std::string, Offset>> pins_;
  Duration commit_time_ = Duration::zero();
  std::optional<Error> failure_;
  int fail_after_ = 0;
  int fail_count_ = 0;
  Error planned_failure_;
  bool held_ = false;
  bool scheduled_ = false;
  size_t commits_done_ = 0;
};

}  // namespace pabal::engine
