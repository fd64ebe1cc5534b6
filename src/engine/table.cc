#include "engine/table.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/check.h"
#include "base/logging.h"
#include "engine/table_replay.h"

namespace pabal::engine {
namespace {

constexpr int rewrite_factor = 4;  // log records per live entry
constexpr size_t replay_read_bytes = 1_MiB;

size_t bytes_of(const std::string& key, const std::string& value) { return key.size() + value.size(); }

}  // namespace

struct Table::Impl : std::enable_shared_from_this<Table::Impl> {
  Impl(Engine& e, runtime::Timers& t, runtime::Executor x, LogId l, TableOptions o)
      : engine(e), timers(t), executor(std::move(x)), log(l), options(std::move(o)) {}

  Engine& engine;
  runtime::Timers& timers;
  runtime::Executor executor;
  LogId log;
  TableOptions options;
  Map map;
  std::set<std::pair<WallTime, const std::string*>> expiries;  // into the map's keys
  size_t bytes = 0;
  size_t staged_entries = 0;
  size_t staged_bytes = 0;
  Offset first{0};  // what the log holds, as far as this table knows
  Offset next{0};
  bool rewriting = false;
  bool stopping = false;
  Offset rewrite_not_before{0};  // after a failed rewrite

  void put(const std::string& key, std::string value, std::optional<WallTime> expires);
  void remove(std::string_view key);
  void show(TableChange change);
  void drop_expired();
  runtime::Task<Result<void>> replay();
  runtime::Task<Result<void>> read_all(TableReplay& into);
  runtime::Task<Result<Offset>> append(std::vector<log::RecordView> records);
  void maybe_rewrite();
  static runtime::Task<> run_rewrite(std::shared_ptr<Impl> self);
  runtime::Task<Result<void>> rewrite();
  runtime::Task<Result<void>> write_pieces();
};

void Table::Impl::put(const std::string& key, std::string value, std::optional<WallTime> expires) {
  auto [it, made] = map.try_emplace(key);
  Entry& entry = it->second;
  if (!made) bytes -= bytes_of(key, entry.value);
  if (!made && entry.expires) expiries.erase({*entry.expires, &it->first});
  entry = {std::move(value), expires};
  bytes += bytes_of(key, entry.value);
  if (expires) expiries.emplace(*expires, &it->first);
}

void Table::Impl::remove(std::string_view key) {
  auto it = map.find(key);
  if (it == map.end()) return;
  bytes -= bytes_of(it->first, it->second.value);
  if (it->second.expires) expiries.erase({*it->second.expires, &it->first});
  map.erase(it);
}

void Table::Impl::show(TableChange change) {
  if (change.value) {
    put(change.key, std::move(*change.value), change.expires);
  } else {
    remove(change.key);
  }
}

void Table::Impl::drop_expired() {
  WallTime now = timers.clock().wall_now();
  while (!expiries.empty() && expiries.begin()->first <= now) {
    std::string key = *expiries.begin()->second;
    remove(key);
  }
}

runtime::Task<Result<void>> Table::Impl::read_all(TableReplay& into) {
  auto range = engine.range(log);
  if (!range) co_return std::unexpected(range.error());
  first = range->first;
  for (next = first; next < range->next;) {
    auto read = co_await engine.read(log, next, replay_read_bytes);
    if (!read) co_return std::unexpected(read.error());
    if (read->batches.empty()) next = read->range.next;  // what stood there a crash has lost
    for (const SharedBytes& batch : read->batches) {
      auto end = into.add(batch.view(), next);
      if (!end) co_return std::unexpected(end.error());
      next = *end;
    }
  }
  co_return Result<void>{};
}

runtime::Task<Result<void>> Table::Impl::replay() {
  if (!engine.range(log)) {  // opening writes, and a start should not need to
    auto opened =
        co_await engine.open_log(log, LogSettings{.name = options.name, .durability = options.durability});
    if (!opened) co_return opened;
  }
  TableReplay records([this](TableChange change) { show(std::move(change)); });
  auto read = co_await read_all(records);
  if (!read) {
    read.error().message = fmt::format("table {}: {}", options.name, read.error().message);
    co_return read;
  }
  drop_expired();
  auto base = records.last_snapshot();
  if (base && *base > first) {  // the crash came between the snapshot and the trim
    auto trimmed = co_await engine.trim(log, *base);
    if (trimmed) first = *base;
  }
  co_return Result<void>{};
}

runtime::Task<Result<Offset>> Table::Impl::append(std::vector<log::RecordView> records) {
  CommitBuilder commit;
  for (const log::RecordView& record : records) commit.add(log, record);
  commit.use_reserve();
  auto done = co_await engine.commit(commit.finish());
  if (!done) co_return std::unexpected(done.error());
  next = std::max(next, done->front() + static_cast<int64_t>(records.size()));
  co_return done->front();
}

void Table::Impl::maybe_rewrite() {
  auto live = static_cast<int64_t>(map.size());
  int64_t allowed = std::max(options.rewrite_records_min, rewrite_factor * live);
  if (rewriting || stopping || next - first <= allowed || next < rewrite_not_before) return;
  rewriting = true;
  asio::co_spawn(executor, run_rewrite(shared_from_this()), asio::detached);
}

runtime::Task<> Table::Impl::run_rewrite(std::shared_ptr<Impl> self) {
  auto done = co_await self->rewrite();
  self->rewriting = false;
  if (done || self->stopping) co_return;
  self->rewrite_not_before = self->next + self->options.rewrite_records_min;
  SPDLOG_WARN("engine: table {} could not be written anew: {}", self->options.name, done.error().message);
}

runtime::Task<Result<void>> Table::Impl::rewrite() {
  WallTime now = timers.clock().wall_now();
  auto begin = co_await append({{std::nullopt, as_bytes(table_begin_marker), {}, now}});
  if (!begin) co_return std::unexpected(begin.error());
  // Every change that stands before the marker in the log has been applied by now: commits complete in order.
  auto written = co_await write_pieces();
  if (!written) co_return written;
  auto end = co_await append({{std::nullopt, as_bytes(table_end_marker), {}, now}});
  if (!end) co_return std::unexpected(end.error());
  if (stopping) co_return error(ErrorCode::cancelled, "the server stops");  // the engine may be gone
  auto trimmed = co_await engine.trim(log, *begin);
  if (trimmed) first = *begin;
  co_return trimmed;
}

runtime::Task<Result<void>> Table::Impl::write_pieces() {
  std::optional<std::string> last;
  while (true) {
    if (stopping) co_return error(ErrorCode::cancelled, "the server stops");
    drop_expired();
    auto it = last ? map.upper_bound(*last) : map.begin();
    if (it == map.end()) co_return Result<void>{};
    std::vector<TableRecord> piece;
    for (; it != map.end() && piece.size() < options.rewrite_piece_records; ++it) {
      last = it->first;
      piece.push_back(TableRecord{it->first, it->second.value, it->second.expires, true});
    }
    std::vector<log::RecordView> views;
    for (const TableRecord& record : piece) views.push_back(record.view(timers.clock().wall_now()));
    auto done = co_await append(std::move(views));
    if (!done) co_return std::unexpected(done.error());
  }
}

runtime::Task<Result<std::unique_ptr<Table>>> Table::open(Engine& engine, runtime::Timers& timers, LogId log,
                                                          TableOptions options) {
  runtime::Executor here = co_await asio::this_coro::executor;
  auto impl = std::make_shared<Impl>(engine, timers, here, log, std::move(options));
  auto replayed = co_await impl->replay();
  if (!replayed) co_return std::unexpected(replayed.error());
  impl->maybe_rewrite();
  co_return std::unique_ptr<Table>(new Table(std::move(impl)));
}

Table::Table(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Table::~Table() { impl_->stopping = true; }

const std::string* Table::find(std::string_view key) const {
  auto it = impl_->map.find(key);
  if (it == impl_->map.end()) return nullptr;
  const Entry& entry = it->second;
  if (entry.expires && *entry.expires <= impl_->timers.clock().wall_now()) return nullptr;
  return &entry.value;
}

void Table::drop_expired() { impl_->drop_expired(); }
const Table::Map& Table::entries() const { return impl_->map; }
int64_t Table::log_records() const { return impl_->next - impl_->first; }
LogId Table::log() const { return impl_->log; }
bool Table::rewriting() const { return impl_->rewriting; }

Table::Staged::Staged(Table& table, TableChanges changes, size_t entries, size_t bytes)
    : table_(&table), changes_(std::move(changes)), entries_(entries), bytes_(bytes) {
  table_->impl_->staged_entries += entries_;
  table_->impl_->staged_bytes += bytes_;
}

Table::Staged::Staged(Staged&& other) noexcept
    : table_(std::exchange(other.table_, nullptr)),
      changes_(std::move(other.changes_)),
      entries_(other.entries_),
      bytes_(other.bytes_) {}

Table::Staged::~Staged() {
  if (!table_) return;
  table_->impl_->staged_entries -= entries_;
  table_->impl_->staged_bytes -= bytes_;
}

Result<Table::Staged> Table::stage(CommitBuilder& commit, TableChanges changes) {
  Impl& impl = *impl_;
  impl.drop_expired();
  size_t entries = 0;
  size_t bytes = 0;
  for (const TableChange& change : changes) {
    if (!change.value) continue;
    bytes += bytes_of(change.key, *change.value);
    if (!impl.map.contains(change.key)) ++entries;
  }
  if (entries > 0 && impl.map.size() + impl.staged_entries + entries > impl.options.entries_max) {
    return error(ErrorCode::over_limit, "{} holds {} entries, the most it may", impl.options.name,
                 impl.options.entries_max);
  }
  if (bytes > 0 && impl.bytes + impl.staged_bytes + bytes > impl.options.bytes_max) {
    return error(ErrorCode::over_limit, "{} holds {} bytes, the most it may", impl.options.name,
                 impl.options.bytes_max);
  }
  WallTime now = impl.timers.clock().wall_now();
  for (const TableChange& change : changes) {
    TableRecord record{change.key, change.value, change.expires, false};
    commit.add(impl.log, record.view(now));
  }
  return Staged(*this, std::move(changes), entries, bytes);
}

void Table::apply(Staged staged) {
  check(staged.table_ == this, "changes staged in another table");
  Impl& impl = *impl_;
  impl.next = impl.next + static_cast<int64_t>(staged.changes_.size());
  for (TableChange& change : staged.changes_) impl.show(std::move(change));
  impl.maybe_rewrite();
}

runtime::Task<Result<void>> Table::change(TableChanges changes) {
  CommitBuilder commit;
  commit.use_reserve();
  auto staged = stage(commit, std::move(changes));
  if (!staged) co_return std::unexpected(staged.error());
  auto done = co_await impl_->engine.commit(commit.finish());
  if (!done) co_return std::unexpected(done.error());
  apply(std::move(*staged));
  co_return Result<void>{};
}

runtime::Task<> Table::stop() {
  impl_->stopping = true;
  while (impl_->rewriting) co_await runtime::sleep_for(impl_->timers, std::chrono::milliseconds(1));
}

}  // namespace pabal::engine
