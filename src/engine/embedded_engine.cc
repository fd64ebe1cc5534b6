#include "engine/embedded_engine.h"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <mutex>

#include "base/check.h"
#include "log/record_batch.h"

namespace pabal::engine {
namespace {

using runtime::Task;

std::unexpected<Error> no_such_log(const LogId& log) {
  return error(ErrorCode::not_found, "there is no log {}", log);
}

// A commit appends to each log once.
Result<void> check_logs(const Commit& commit) {
  if (commit.appends.size() < 2) return {};
  std::vector<LogId> logs;
  logs.reserve(commit.appends.size());
  for (const LogAppend& append : commit.appends) logs.push_back(append.log);
  std::ranges::sort(logs);
  auto twice = std::ranges::adjacent_find(logs);
  if (twice == logs.end()) return {};
  return error(ErrorCode::invalid, "a commit appends twice to {}", *twice);
}

// Whether these bytes are one whole batch as a commit may hold it.
Result<void> check_batch(BytesView bytes) {
  auto batch = log::BatchView::parse(bytes);
  if (batch && batch->bytes().size() != bytes.size()) {
    return error(ErrorCode::invalid, "{} bytes follow the record batch",
                 bytes.size() - batch->bytes().size());
  }
  Result<void> whole = batch ? batch->verify() : std::unexpected(batch.error());
  if (!whole) return error(ErrorCode::invalid, "{}", whole.error().message);
  if (batch->record_count() != batch->next_offset() - batch->base_offset()) {
    return error(ErrorCode::invalid, "a record batch counts {} records in {} offsets", batch->record_count(),
                 batch->next_offset() - batch->base_offset());
  }
  return {};
}

}  // namespace

// Asks the sequencer to look at retention now and then, and, when it wants that, to flush later. Its timers
// live on the first shard; it may be disarmed from any thread, and after that it asks no more.
struct EmbeddedEngine::Clockwork : std::enable_shared_from_this<Clockwork> {
  Clockwork(runtime::Shard& on, const EmbeddedLimits& l, std::shared_ptr<Sequencer> s)
      : shard(on), limits(l), sequencer(std::move(s)) {}

  void start() {
    asio::post(shard.executor(), [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->retain_later();
    });
    sequencer->start([weak = weak_from_this(), executor = shard.executor()] {
      asio::post(executor, [weak] {
        if (auto self = weak.lock()) self->flush_later();
      });
    });
  }
  void retain_later() {
    after(limits.retention_interval, [](Clockwork& self) {
      if (self.ask(&Sequencer::look_at_retention)) self.retain_later();
    });
  }
  void flush_later() {
    after(limits.unflushed_time_max, [](Clockwork& self) { self.ask(&Sequencer::flush_is_due); });
  }
  void after(Duration d, void (*work)(Clockwork&)) {
    runtime::Timers& timers = shard.timers();
    timers.at(timers.clock().now() + d, [weak = weak_from_this(), work] {
      if (auto self = weak.lock()) work(*self);
    });
  }
  bool ask(void (Sequencer::*what)()) {
    std::lock_guard lock(mutex);
    if (sequencer) ((*sequencer).*what)();
    return sequencer != nullptr;
  }
  void disarm() {
    std::lock_guard lock(mutex);
    sequencer.reset();
  }

  runtime::Shard& shard;
  const EmbeddedLimits limits;
  std::mutex mutex;  // taken a few times a second
  std::shared_ptr<Sequencer> sequencer;
};

EmbeddedEngine::EmbeddedEngine(std::unique_ptr<runtime::FileLock> lock, Recovered recovered)
    : lock_(std::move(lock)), parts_(recovered.parts) {
  if (!parts_->options.io) threads_ = std::make_unique<Threads>();
  io_ = threads_ ? IoExecutors{threads_->journal.executor(), threads_->segments.executor(),
                               threads_->readers.executor()}
                 : *parts_->options.io;
  sequencer_ = std::make_shared<Sequencer>(std::move(recovered), io_);
  clockwork_ = std::make_shared<Clockwork>(parts_->options.shards->at(0), parts_->options.limits, sequencer_);
  clockwork_->start();
}

EmbeddedEngine::~EmbeddedEngine() { clockwork_->disarm(); }

Result<std::shared_ptr<LogState>> EmbeddedEngine::find(const LogId& log) const {
  auto found = parts_->table.find(log);
  if (!found) return no_such_log(log);
  return found;
}

Task<Result<CommitResult>> EmbeddedEngine::submit(std::unique_ptr<Request> request) {
  request->since = parts_->clock.now();
  request->executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<CommitResult>)>(
      [this](auto handler, std::unique_ptr<Request> submitted) {
        submitted->done = [h = std::move(handler)](Result<CommitResult> result) mutable {
          std::move(h)(std::move(result));
        };
        sequencer_->submit(std::move(submitted));
      },
      asio::use_awaitable, std::move(request));
}

Task<Result<void>> EmbeddedEngine::submit_change(std::unique_ptr<Request> request) {
  request->bytes = log::journal_entry_header_bytes + 64 + request->settings.name.size();
  auto done = co_await submit(std::move(request));
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

Task<Result<void>> EmbeddedEngine::open_log(LogId log, LogSettings settings) {
  constexpr size_t name_bytes_max = 1024;
  if (settings.name.size() > name_bytes_max) {
    co_return error(ErrorCode::invalid, "a log's name has at most {} bytes", name_bytes_max);
  }
  if (settings.durability == Durability::memory && settings.compact) {
    co_return error(ErrorCode::invalid, "a log that is kept in memory cannot be compacted");
  }
  auto request = std::make_unique<Request>();
  request->kind = Request::Kind::open;
  request->log = log;
  request->settings = std::move(settings);
  co_return co_await submit_change(std::move(request));
}

Task<Result<void>> EmbeddedEngine::delete_log(LogId log) {
  auto request = std::make_unique<Request>();
  request->kind = Request::Kind::remove;
  request->log = log;
  co_return co_await submit_change(std::move(request));
}

Task<Result<void>> EmbeddedEngine::trim(LogId log, Offset first) {
  auto request = std::make_unique<Request>();
  request->kind = Request::Kind::trim;
  request->log = log;
  request->first = first;
  co_return co_await submit_change(std::move(request));
}

std::vector<std::pair<LogId, std::string>> EmbeddedEngine::logs() const {
  std::vector<std::pair<LogId, std::string>> all;
  for (const auto& log : parts_->table.all()) all.emplace_back(log->id, log->name);
  return all;
}

Result<void> EmbeddedEngine::acceptable(const Commit& commit, size_t bytes) const {
  const EmbeddedLimits& limits = parts_->options.limits;
  uint64_t bytes_max = std::min(limits.commit_bytes_max, limits.journal.file_bytes / 2);
  if (bytes > bytes_max) {
    return error(ErrorCode::too_large, "a commit of {} bytes; the limit is {}", bytes, bytes_max);
  }
  if (sequencer_->waiting_bytes() + bytes > limits.waiting_bytes_max) {
    return error(ErrorCode::unavailable, "{} bytes wait to become durable; the limit is {}",
                 sequencer_->waiting_bytes(), limits.waiting_bytes_max);
  }
  for (const LogAppend& append : commit.appends) {
    if (auto done = check_batch(append.batch); !done) return done;
  }
  return check_logs(commit);
}

Task<Result<CommitResult>> EmbeddedEngine::commit(Commit commit) {
  if (commit.appends.empty()) co_return CommitResult();
  size_t bytes = log::journal_block_header_bytes;
  for (const LogAppend& append : commit.appends)
    bytes += log::journal_entry_header_bytes + append.batch.size();
  if (auto done = acceptable(commit, bytes); !done) {
    commit.fail_links();
    co_return std::unexpected(done.error());
  }
  auto request = std::make_unique<Request>();
  request->commit = std::move(commit);
  request->bytes = bytes;
  co_return co_await submit(std::move(request));
}

void EmbeddedEngine::pin(LogId log, const std::string& who, std::optional<Offset> from) {
  if (auto found = parts_->table.find(log)) found->pins.set(who, from);
}

Engine::Watch EmbeddedEngine::watch(LogId log, runtime::Executor executor, std::function<void()> advanced) {
  auto found = parts_->table.find(log);
  if (!found) return std::make_shared<int>();
  return found->watchers.add(std::move(executor), std::move(advanced));
}

EngineHealth EmbeddedEngine::health() const {
  auto report = parts_->condition.get();
  if (report->state == EngineHealth::State::disk_full) sequencer_->look_at_space();
  EngineHealth health{report->state, report->reason, sequencer_->journal_bytes(), sequencer_->free_bytes()};
  for (const auto& log : parts_->table.all()) {
    health.bytes += log->segment_bytes;  // the journal is counted as its files
    if (auto lost = log->lost_now) {
      health.lost.push_back({log->id, log->name, log->durability, lost->first, lost->second});
    }
    if (log->damage.any()) health.damaged.push_back({log->id, log->name, log->damage.problem()});
  }
  return health;
}

std::vector<double> EmbeddedEngine::recent_commit_seconds() const {
  return sequencer_->recent_commit_seconds();
}

Task<> EmbeddedEngine::stop() {
  clockwork_->disarm();
  auto executor = co_await asio::this_coro::executor;
  if (!backups_->close()) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this, executor](auto handler) {
          backups_->when_ended(
              [executor, h = std::move(handler)]() mutable { asio::post(executor, std::move(h)); });
        },
        asio::use_awaitable);
  }
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [this, executor](auto handler) {
        sequencer_->stop(
            [executor, h = std::move(handler)]() mutable { asio::post(executor, std::move(h)); });
      },
      asio::use_awaitable);
  lock_.reset();
}

Result<std::unique_ptr<Engine>> open_embedded(EmbeddedOptions options) {
  check(options.shards != nullptr && options.limits.journal.files_max >= 2,
        "an engine without shards or journal");
  runtime::FileSystem& files = *options.files;
  while (options.data_dir.size() > 1 && options.data_dir.ends_with('/')) options.data_dir.pop_back();
  if (auto done = files.make_directories(options.data_dir); !done) return std::unexpected(done.error());
  auto lock = files.lock(options.data_dir + "/LOCK");
  if (!lock) return std::unexpected(lock.error());
  auto recovered = recover(options);
  if (!recovered) return std::unexpected(recovered.error());
  return std::make_unique<EmbeddedEngine>(std::move(*lock), std::move(*recovered));
}

}  // namespace pabal::engine
