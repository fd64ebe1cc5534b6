#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/logging.h"
#include "base/random.h"
#include "engine/embedded_engine.h"

namespace pabal::engine {
namespace {

using runtime::Task;

// Nothing here refers to the engine: it may be destroyed while the last step returns. The sequencer keeps who
// waits for a cut, so who waits does not keep the sequencer.
struct Run {
  std::weak_ptr<Sequencer> sequencer;
  std::shared_ptr<BackupGate> gate;
  std::shared_ptr<Backup> backup;
  std::function<bool()> given_up;
  runtime::Executor copying;
};

// The cut to copy. Its files stay until release().
Task<Result<log::Checkpoint>> hold(const Run& run) {
  auto executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<log::Checkpoint>)>(
      [&run, executor](auto handler) {
        auto told = [executor, h = std::move(handler)](Result<log::Checkpoint> cut) mutable {
          asio::post(executor,
                     [h = std::move(h), cut = std::move(cut)]() mutable { std::move(h)(std::move(cut)); });
        };
        if (auto sequencer = run.sequencer.lock()) {
          sequencer->hold(std::move(told));
        } else {
          told(error(ErrorCode::unavailable, "the engine is stopping"));
        }
      },
      asio::use_awaitable);
}

template <class T>
Task<Result<T>> step(Run run, Result<T> (Backup::*work)()) {
  co_return co_await runtime::on<Result<T>>(
      run.copying, [backup = run.backup, work]() -> Task<Result<T>> { co_return ((*backup).*work)(); });
}

Task<Result<void>> copy(Run run) {
  while (true) {
    if (run.gate->closing()) co_return error(ErrorCode::unavailable, "the engine is stopping");
    if (run.given_up && run.given_up()) co_return error(ErrorCode::cancelled, "it was given up");
    auto done = co_await step(run, &Backup::step);
    if (!done) co_return std::unexpected(done.error());
    if (*done) co_return Result<void>();
  }
}

Task<Result<void>> take(Run run) {
  auto begun = co_await step(run, &Backup::begin);
  if (!begun) co_return begun;
  auto cut = co_await hold(run);
  if (!cut) co_return std::unexpected(cut.error());
  run.backup->set_cut(std::move(*cut));
  auto copied = co_await copy(run);
  if (auto sequencer = run.sequencer.lock()) sequencer->release();
  if (!copied) co_return copied;
  co_return co_await step(run, &Backup::finish);
}

}  // namespace

Task<Result<BackupReport>> EmbeddedEngine::backup(std::string directory, std::function<bool()> given_up) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  if (directory.empty()) co_return error(ErrorCode::invalid, "a backup needs a directory");
  if (auto entered = backups_->enter(directory); !entered) co_return std::unexpected(entered.error());
  uint64_t journal_id = parts_->options.journal_id.value_or(Random::from_system().next());
  auto backup = std::make_shared<Backup>(*parts_->options.files,
                                         Backup::Options{parts_->options.data_dir, directory, journal_id,
                                                         parts_->options.limits.journal.first_file_bytes});
  // A thread of its own for as long as it takes: no reader waits for a slow target.
  std::unique_ptr<runtime::IoThreads> thread;
  if (threads_) thread = std::make_unique<runtime::IoThreads>("pabal-backup", 1);
  Run run{sequencer_, backups_, backup, std::move(given_up), thread ? thread->executor() : io_.readers};
  Instant begun = parts_->clock.now();
  auto parts = parts_;
  auto taken = co_await take(run);
  thread.reset();
  double seconds = std::chrono::duration<double>(parts->clock.now() - begun).count();
  if (taken) {
    spdlog::info("engine: backed up {} logs, {} bytes, to {} in {:.1f} s", backup->report().logs,
                 backup->report().bytes, directory, seconds);
    for (const std::string& damage : backup->report().damaged) {
      spdlog::warn("engine: the backup {} has what is damaged here: {}", directory, damage);
    }
  } else {
    spdlog::error("engine: the backup to {} failed after {:.1f} s: {}", directory, seconds,
                  taken.error().message);
  }
  run.gate->leave();
  if (!taken && backup->marked()) {
    co_return error(taken.error().code, "{}; {} holds an unfinished backup: delete it", taken.error().message,
                    directory);
  }
  if (!taken) co_return std::unexpected(taken.error());
  co_return backup->report();
}

}  // namespace pabal::engine
