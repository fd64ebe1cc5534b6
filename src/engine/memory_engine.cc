#include "engine/memory_engine.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/check.h"
#include "log/record_batch.h"

namespace pabal::engine {

struct MemoryEngine::Log {
  std::string name;
  Durability durability = Durability::flushed;
  int64_t lost = 0;
  Offset first{0};
  Offset next{0};
  std::map<Offset, SharedBytes> batches;  // by base offset
};

struct MemoryEngine::Storage {
  std::map<LogId, Log> logs;
};

struct MemoryEngine::Waiting {
  Commit commit;
  Instant due;
  std::optional<Error> failure;
  std::move_only_function<void(Result<CommitResult>)> done;
};

struct MemoryEngine::Watcher {
  runtime::Executor executor;
  std::function<void()> advanced;
};

std::shared_ptr<MemoryEngine::Storage> MemoryEngine::make_storage() { return std::make_shared<Storage>(); }

MemoryEngine::MemoryEngine(runtime::Executor executor, runtime::Timers& timers,
                           std::shared_ptr<Storage> storage)
    : executor_(std::move(executor)), timers_(timers), storage_(std::move(storage)) {}

MemoryEngine::~MemoryEngine() { *alive_ = false; }

void MemoryEngine::set_commit_time(Duration d) {
  std::lock_guard lock(mutex_);
  commit_time_ = d;
}

void MemoryEngine::set_failure(std::optional<Error> failure) {
  std::lock_guard lock(mutex_);
  failure_ = std::move(failure);
}

void MemoryEngine::fail_commits(int n, int count, Error failure) {
  std::lock_guard lock(mutex_);
  fail_after_ = n;
  fail_count_ = count;
  planned_failure_ = std::move(failure);
}

void MemoryEngine::hold() {
  std::lock_guard lock(mutex_);
  held_ = true;
}

void MemoryEngine::release() {
  std::lock_guard lock(mutex_);
  held_ = false;
  schedule();
}

size_t MemoryEngine::commits_done() const {
  std::lock_guard lock(mutex_);
  return commits_done_;
}

size_t MemoryEngine::commits_waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

std::optional<Offset> MemoryEngine::pinned(LogId log) const {
  std::lock_guard lock(mutex_);
  auto pins = pins_.find(log);
  if (pins == pins_.end()) return std::nullopt;
  std::optional<Offset> lowest;
  for (const auto& [who, from] : pins->second) lowest = lowest ? std::min(*lowest, from) : from;
  return lowest;
}

void MemoryEngine::retain_from(LogId log, Offset first) {
  std::optional<Offset> pin = pinned(log);
  std::lock_guard lock(mutex_);
  auto found = find(log);
  if (!found) return;
  Offset to = std::min(pin ? std::min(first, *pin) : first, (*found)->next);
  if (to <= (*found)->first) return;
  (*found)->first = to;
  notify(log);
}

void MemoryEngine::compact(LogId log) {
  std::lock_guard lock(mutex_);
  auto found = find(log);
  check(found.has_value(), "there is no log {}", log);
  std::map<std::string, Offset> last;
  auto each = [](const SharedBytes& bytes, auto visit) {
    auto batch = log::BatchView::parse(bytes.view());
    std::ignore = batch->for_each([&](const log::StoredRecord& record) { return visit(record), true; });
    return *batch;
  };
  for (const auto& [base, bytes] : (*found)->batches) {
    each(bytes, [&](const log::StoredRecord& r) { last[std::string(as_text(*r.key))] = r.offset; });
  }
  std::map<Offset, SharedBytes> left;
  for (const auto& [base, bytes] : (*found)->batches) {
    std::vector<log::StoredRecord> kept;
    auto batch = each(bytes, [&](const log::StoredRecord& r) {
      if (last[std::string(as_text(*r.key))] == r.offset) kept.push_back(r);
    });
    if (!kept.empty()) left.emplace(base, SharedBytes(log::retained_batch(batch, kept, std::nullopt)));
  }
  (*found)->batches = std::move(left);
}

void MemoryEngine::lose_to(LogId log, Offset next) {
  std::lock_guard lock(mutex_);
  auto found = find(log);
  if (!found || next <= (*found)->next) return;
  (*found)->lost += next - (*found)->next;
  (*found)->next = next;
  notify(log);
}

runtime::Task<Result<void>> MemoryEngine::open_log(LogId log, LogSettings settings) {
  std::lock_guard lock(mutex_);
  auto [entry, made] = storage_->logs.try_emplace(log);
  if (!made && entry->second.durability != settings.durability) {
    co_return error(ErrorCode::conflict, "the durability of the log {} was set when it was made", log);
  }
  entry->second.name = settings.name;
  entry->second.durability = settings.durability;
  co_return Result<void>{};
}

std::vector<std::pair<LogId, std::string>> MemoryEngine::logs() const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<LogId, std::string>> all;
  for (const auto& [id, log] : storage_->logs) all.emplace_back(id, log.name);
  return all;
}

runtime::Task<Result<void>> MemoryEngine::delete_log(LogId log) {
  std::lock_guard lock(mutex_);
  if (storage_->logs.erase(log) == 0) co_return error(ErrorCode::not_found, "no such log");
  notify(log);
  co_return Result<void>{};
}

runtime::Task<Result<CommitResult>> MemoryEngine::commit(Commit commit) {
  auto start = [this, &commit](auto handler) {
    auto executor = asio::get_associated_executor(handler);
    auto done = [executor, handler = std::move(handler)](Result<CommitResult> result) mutable {
      asio::post(executor, [handler = std::move(handler), result = std::move(result)]() mutable {
        std::move(handler)(std::move(result));
      });
    };
    std::lock_guard lock(mutex_);
    std::optional<Error> failure = failure_;
    if (!failure && fail_count_ > 0 && fail_after_-- <= 0) {
      --fail_count_;
      failure = planned_failure_;
    }
    waiting_.push_back(
        {std::move(commit), timers_.clock().now() + commit_time_, std::move(failure), std::move(done)});
    schedule();
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<CommitResult>)>(
      std::move(start), asio::use_awaitable);
}

// Under the mutex.
void MemoryEngine::schedule() {
  if (held_ || scheduled_ || waiting_.empty()) return;
  scheduled_ = true;
  asio::post(executor_, [this, alive = alive_, due = waiting_.front().due] {
    if (!*alive) return;
    timers_.at(due, [this, alive] {
      if (*alive) complete_due();
    });
  });
}

void MemoryEngine::complete_due() {
  std::lock_guard lock(mutex_);
  scheduled_ = false;
  if (held_ || waiting_.empty()) return;
  Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  ++commits_done_;
  if (first.commit.follows_a_failure() && !first.failure) {
    first.failure = Error{ErrorCode::unavailable, "the commit that this one was to follow has failed", {}};
  }
  Result<CommitResult> result =
      first.failure ? Result<CommitResult>(std::unexpected(*first.failure)) : apply(first.commit);
  if (!result) first.commit.fail_links();
  first.done(std::move(result));
  schedule();
}

Result<CommitResult> MemoryEngine::apply(Commit& commit) {
  for (const LogAppend& append : commit.appends) {
    if (auto log = find(append.log); !log) return std::unexpected(log.error());
    auto batch = log::BatchView::parse(append.batch);
    check(batch.has_value(), "a commit holds a batch that cannot be parsed");
  }
  return place(commit);
}

Result<CommitResult> MemoryEngine::place(Commit& commit) {
  CommitResult bases;
  for (LogAppend& append : commit.appends) {
    Log& log = **find(append.log);
    log::set_base_offset(append.batch.span(), log.next);
    bases.push_back(log.next);
    Offset next = log::BatchView::parse(append.batch)->next_offset();
    log.batches.emplace(log.next, std::move(append.batch).share());
    log.next = next;
    notify(append.log);
  }
  return bases;
}

void MemoryEngine::notify(const LogId& log) {
  auto [begin, end] = watchers_.equal_range(log);
  for (auto it = begin; it != end;) {
    auto watcher = it->second.lock();
    if (!watcher) {
      it = watchers_.erase(it);
      continue;
    }
    asio::post(watcher->executor, [weak = it->second] {
      if (auto alive = weak.lock()) alive->advanced();
    });
    ++it;
  }
}

Result<MemoryEngine::Log*> MemoryEngine::find(const LogId& log) const {
  auto found = storage_->logs.find(log);
  if (found == storage_->logs.end()) return error(ErrorCode::not_found, "no such log");
  return &found->second;
}

Result<LogRange> MemoryEngine::range(LogId log) const {
  std::lock_guard lock(mutex_);
  auto found = find(log);
  if (!found) return std::unexpected(found.error());
  uint64_t bytes = 0;
  for (const auto& [base, batch] : (*found)->batches) bytes += batch.size();
  return LogRange{(*found)->first, (*found)->next, bytes, (*found)->lost};
}

runtime::Task<Result<ReadResult>> MemoryEngine::read(LogId log, Offset from, size_t bytes_max) {
  co_await asio::post(asio::use_awaitable);  // as a cold read would
  auto where = range(log);
  if (!where) co_return std::unexpected(where.error());
  if (from < where->first || from > where->next) {
    co_return error(ErrorCode::not_found, "offset {} is outside {} to {}", from, where->first, where->next);
  }
  std::lock_guard lock(mutex_);
  ReadResult result{{}, *where};
  auto found = find(log);
  if (!found) co_return std::unexpected(found.error());
  const auto& batches = (*found)->batches;
  auto it = batches.upper_bound(from);
  if (it != batches.begin()) --it;
  size_t bytes = 0;
  for (; it != batches.end() && from < where->next && (bytes == 0 || bytes < bytes_max); ++it) {
    if (log::BatchView::parse(it->second.view())->next_offset() <= from) continue;
    result.batches.push_back(it->second);
    bytes += it->second.size();
  }
  co_return result;
}

runtime::Task<Result<Offset>> MemoryEngine::find_time(LogId log, WallTime time) {
  std::lock_guard lock(mutex_);
  auto found = find(log);
  if (!found) co_return std::unexpected(found.error());
  std::optional<Offset> at;
  for (const auto& [base, bytes] : (*found)->batches) {
    auto batch = log::BatchView::parse(bytes.view());
    std::ignore = batch->for_each([&](const log::StoredRecord& record) {
      if (record.timestamp >= time && record.offset >= (*found)->first) at = record.offset;
      return !at;
    });
    if (at) co_return *at;
  }
  co_return (*found)->next;
}

runtime::Task<Result<void>> MemoryEngine::trim(LogId log, Offset first) {
  std::lock_guard lock(mutex_);
  auto found = find(log);
  if (!found) co_return std::unexpected(found.error());
  if (first <= (*found)->first) co_return Result<void>{};
  (*found)->first = std::min(first, (*found)->next);
  auto& batches = (*found)->batches;
  while (!batches.empty() &&
         log::BatchView::parse(batches.begin()->second.view())->next_offset() <= (*found)->first) {
    batches.erase(batches.begin());
  }
  notify(log);
  co_return Result<void>{};
}

void MemoryEngine::pin(LogId log, const std::string& who, std::optional<Offset> from) {
  std::lock_guard lock(mutex_);
  if (from) {
    pins_[log][who] = *from;
  } else {
    pins_[log].erase(who);
  }
}

Engine::Watch MemoryEngine::watch(LogId log, runtime::Executor executor, std::function<void()> advanced) {
  std::lock_guard lock(mutex_);
  auto watcher = std::make_shared<Watcher>(std::move(executor), std::move(advanced));
  watchers_.emplace(log, watcher);
  return watcher;
}

EngineHealth MemoryEngine::health() const {
  std::lock_guard lock(mutex_);
  EngineHealth health;
  if (!failure_) return health;
  health.state = failure_->code == ErrorCode::disk_full ? EngineHealth::State::disk_full
                                                        : EngineHealth::State::read_only;
  health.reason = failure_->message;
  return health;
}

runtime::Task<> MemoryEngine::stop() { co_return; }

runtime::Task<Result<BackupReport>> Engine::backup(std::string, std::function<bool()>) {
  co_return error(ErrorCode::unsupported, "this engine keeps no files that could be backed up");
}

}  // namespace pabal::engine
