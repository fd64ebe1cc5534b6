#include "broker/open_queue.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/logging.h"
#include "broker/filter.h"
#include "broker/topic_table.h"

// Opening a queue and scanning its logs; receiving is in open_queue_receive.cc, time and limits in
// open_queue_time.cc, looking and posting in open_queue_look.cc.

namespace pabal::broker {

using runtime::Task;

namespace {

constexpr size_t scan_read_bytes = 256_KiB;
constexpr Duration scan_again_after = std::chrono::seconds(1);  // a read that failed

}  // namespace

OpenQueue::OpenQueue(std::shared_ptr<QueueCore> core)
    : core_(core), writer_(std::make_shared<QueueWriter>(core)), redrives_(std::move(core)) {}

Task<Result<std::shared_ptr<OpenQueue>>> OpenQueue::open(std::shared_ptr<QueueCore> core, Starts starts) {
  std::shared_ptr<OpenQueue> queue(new OpenQueue(std::move(core)));
  auto loaded = co_await queue->load(starts);
  if (!loaded) co_return std::unexpected(loaded.error());
  queue->core_->changed = [weak = queue->weak_from_this()] {
    if (auto self = weak.lock()) self->changed();
  };
  for (Source source : queue->core_->state.sources()) queue->watch(source);
  queue->pin();
  queue->scan();
  queue->arm();
  co_return queue;
}

Task<Result<void>> OpenQueue::load(const Starts& starts) {
  QueueCore& core = *core_;
  engine::LogId own = core.own_log();
  if (!core.engine.range(own)) {
    auto opened = co_await core.engine.open_log(own, {"__pabal.queue." + core.name + ".own", {}, 0});
    if (!opened) co_return opened;
  }
  auto table = co_await engine::Table::open(core.engine, core.shard.timers(), queue_table_log(core.record.id),
                                            {.name = "__pabal.queue." + core.name});
  if (!table) co_return std::unexpected(table.error());
  core.table = std::move(*table);
  auto loaded = co_await load_source(own_source, own, std::nullopt);
  for (int32_t p = 0; loaded && p < core.topic.partitions; ++p) {
    PartitionIndex partition(p);
    auto start = starts.find(partition);
    loaded = co_await load_source(Source(p), partition_log(core.topic.id, partition),
                                  start == starts.end() ? std::nullopt : std::optional(start->second));
  }
  if (!loaded) co_return loaded;
  if (auto read = load_table(); !read) co_return read;
  loaded = co_await load_redriven();
  if (!loaded) co_return loaded;
  // A new queue's cursors are durable before anything is delivered.
  auto saved = co_await save_cursors();
  if (!saved && !starts.empty()) co_return saved;
  co_return Result<void>{};
}

Task<Result<void>> OpenQueue::load_source(Source source, engine::LogId log, std::optional<Offset> start) {
  auto range = core_->engine.range(log);
  if (!range) co_return std::unexpected(range.error());
  auto stored = load_settled(*core_->table, source);
  if (!stored) co_return std::unexpected(stored.error());
  SettledSet set = *stored ? std::move(**stored) : SettledSet(start ? *start : range->first);
  core_->reader.add_source(source, log);
  core_->state.add_source(source, std::move(set));
  core_->lost_to_retention += core_->state.lose_below(source, range->first);
  core_->state.set_end(source, range->next);
  co_return Result<void>{};
}

Result<void> OpenQueue::load_table() {
  for (const auto& [key, entry] : core_->table->entries()) {
    if (auto hash = hash_of_hold_key(key)) core_->state.hold_key(*hash);
  }
  const std::string* dead = core_->table->find(dead_count_key);
  if (!dead) return {};
  auto count = DeadCount::decode(*dead);
  if (!count) return std::unexpected(count.error());
  core_->dead = *count;
  return {};
}

Task<Result<void>> OpenQueue::load_redriven() {
  for (int32_t p = 0; p < core_->dead_topic.partitions; ++p) {
    PartitionIndex partition(p);
    auto range = core_->engine.range(partition_log(core_->dead_topic.id, partition));
    if (!range) co_return std::unexpected(range.error());
    auto stored = load_settled(*core_->table, dead_source(partition));
    if (!stored) co_return std::unexpected(stored.error());
    // A partition it has not seen yet cannot hold dead letters of this queue, unless others write them.
    core_->redriven.emplace(partition, *stored ? std::move(**stored) : SettledSet(range->first));
  }
  co_return Result<void>{};
}

Task<Result<void>> OpenQueue::add_partitions(int32_t partitions) {
  for (int32_t p = core_->topic.partitions; p < partitions; ++p) {
    PartitionIndex partition(p);
    auto loaded = co_await load_source(Source(p), partition_log(core_->topic.id, partition), std::nullopt);
    if (!loaded) co_return loaded;
    core_->topic.partitions = p + 1;
    watch(Source(p));
  }
  pin();
  scan();
  co_return Result<void>{};
}

void OpenQueue::set_record(const QueueRecord& record) {
  core_->record = record;
  core_->state.set_rules(core_->rules());
  changed();
}

// -- scanning
// ---------------------------------------------------------------------------------------------------------

void OpenQueue::watch(Source source) {
  watches_[source] = core_->engine.watch(core_->reader.log(source), core_->shard.executor(),
                                         [weak = weak_from_this(), source] {
                                           if (auto self = weak.lock()) self->advanced(source);
                                         });
  advanced(source);  // what came before the watch
}

void OpenQueue::advanced(Source source) {
  if (core_->stopping) return;
  auto range = core_->engine.range(core_->reader.log(source));
  if (!range) return;  // deleted: the queue goes with it
  lose_below(source, range->first);
  core_->state.set_end(source, range->next);
  full_->store(!check_room(1, 0));
  scan();
}

void OpenQueue::lose_below(Source source, Offset first) {
  int64_t lost = core_->state.lose_below(source, first);
  if (lost == 0) return;
  core_->lost_to_retention += lost;
  std::erase_if(core_->out, [&](const auto& out) { return !core_->state.find(out.first); });
  std::map<uint32_t, int64_t> leases;
  for (const auto& [place, entry] : core_->state.entries()) {
    if (entry.state == QueueState::State::leased) ++leases[entry.consumer];
  }
  core_->consumers.set_leases(leases);
}

void OpenQueue::scan() {
  if (scanning_ || core_->stopping || !core_->state.next_scan()) return;
  if (scan_not_before_ && *scan_not_before_ > core_->now()) return;
  scanning_ = true;
  asio::co_spawn(core_->shard.executor(), run_scan(shared_from_this()), asio::detached);
}

Task<> OpenQueue::run_scan(std::shared_ptr<OpenQueue> self) {
  self->scan_not_before_.reset();
  while (!self->core_->stopping) {
    std::optional<Place> from = self->core_->state.next_scan();
    if (!from) break;
    auto done = co_await self->scan_once(*from);
    if (!done) {
      SPDLOG_WARN("broker: queue {} cannot read {}: {}", self->core_->name, *from, done.error().message);
      self->scan_not_before_ = self->core_->now() + scan_again_after;
      break;
    }
    self->dispatch();
  }
  self->scanning_ = false;
  if (!self->core_->stopping) self->changed();
}

Task<Result<void>> OpenQueue::scan_once(Place from) {
  QueueState& state = core_->state;
  auto read = co_await core_->reader.read(from, scan_read_bytes);
  if (!read && read.error().code == ErrorCode::not_found) {  // removed meanwhile
    auto range = core_->engine.range(core_->reader.log(from.source));
    if (!range) co_return std::unexpected(range.error());
    if (range->first <= from.offset) co_return std::unexpected(read.error());
    lose_below(from.source, range->first);
    co_return Result<void>{};
  }
  if (!read) co_return std::unexpected(read.error());
  if (read->batches.empty()) {  // a crash has lost what was there
    state.skip_missing(from.source, from.offset, read->range.next);
    state.scanned(from.source, read->range.next);
  }
  Offset expected = from.offset;  // what lies between it and the next record has been compacted away
  for (const SharedBytes& bytes : read->batches) {
    auto batch = log::BatchView::parse(bytes.view());
    if (!batch) co_return std::unexpected(batch.error());
    bool whole = true;
    auto done = batch->for_each([&](const log::StoredRecord& record) {
      if (record.offset < from.offset) return true;
      whole = state.may_scan(from.source);
      if (!whole) return false;
      state.skip_missing(from.source, expected, record.offset);
      expected = record.offset + 1;
      see(from.source, record);
      state.scanned(from.source, record.offset + 1);
      return true;
    });
    if (!done) co_return done;
    if (!whole) break;
    state.skip_missing(from.source, expected, batch->next_offset());
    expected = std::max(expected, batch->next_offset());
    state.scanned(from.source, batch->next_offset());
  }
  co_return Result<void>{};
}

void OpenQueue::see(Source source, const log::StoredRecord& record) {
  Place place{source, record.offset};
  QueueState::Seen seen{.place = place, .key = key_hash(record.key), .enqueued_at = record.timestamp};
  if (source == own_source) {
    OwnRecord own = read_own(record);
    seen.enqueued_at = own.origin.enqueued_at;
    seen.due = own.due;
    seen.expires = own.expires;
    seen.first_of_key = own.redriven;
  } else if (!lets_through(core_->settings().filter, record)) {
    core_->state.skip(place);
    return;
  }
  if (const std::string* text = core_->table->find(retry_key(place))) {
    if (auto retry = Retry::decode(*text)) {
      seen.deliveries = retry->deliveries;
      seen.open = retry->open;
      seen.due = retry->due;
    }
  }
  core_->state.see(seen, core_->wall_now());
}

Task<> OpenQueue::stop() {
  core_->stopping = true;
  redrives_.stop_all();
  core_->shard.timers().cancel(timer_);
  end_waits();
  watches_.clear();
  // A turn of our own: no commit is under way then, and none begins any more.
  while (!writer_->idle() || redrives_.running() || scanning_ || upkeep_) {
    co_await runtime::sleep_for(core_->shard.timers(), std::chrono::milliseconds(1));
  }
  FifoLock::Turn turn = co_await core_->writing.take(core_->shard.timers());
  co_await core_->table->stop();
}

void OpenQueue::unpin() {
  for (Source source : core_->state.sources()) {
    core_->engine.pin(core_->reader.log(source), pin_name(), std::nullopt);
  }
  for (const auto& [partition, set] : core_->redriven) {
    core_->engine.pin(partition_log(core_->dead_topic.id, partition), pin_name(), std::nullopt);
  }
}

}  // namespace pabal::broker
