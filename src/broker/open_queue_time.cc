#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/logging.h"
#include "base/units.h"
#include "broker/open_queue.h"
#include "broker/topic_table.h"

// What a queue does by itself: leases that run out, retries that come due, limits, pins, its own log.

namespace pabal::broker {

using runtime::Task;

namespace {

constexpr Duration sweep_interval = std::chrono::seconds(10);
constexpr Duration overdue_again_after = std::chrono::seconds(1);
constexpr size_t killed_per_sweep_max = 500;

}  // namespace

void OpenQueue::changed() {
  if (core_->stopping) return;
  core_->state.make_due(core_->wall_now());
  pin();
  full_->store(!check_room(1, 0));
  scan();
  dispatch();
  arm();
}

// One timer for the first of all that is due.
void OpenQueue::arm() {
  if (core_->stopping) return;
  const QueueState& state = core_->state;
  Instant now = core_->now();
  WallTime wall_now = core_->wall_now();
  std::optional<Instant> next;
  auto soonest = [&](std::optional<Instant> at) {
    if (at) next = next ? std::min(*next, *at) : *at;
  };
  soonest(state.next_lease_end());
  soonest(core_->consumers.next_check());
  soonest(scan_not_before_);
  if (auto due = state.next_due()) soonest(now + std::max(Duration(*due - wall_now), Duration::zero()));
  if (auto expiry = state.next_expiry()) {
    soonest(*expiry > wall_now ? now + Duration(*expiry - wall_now) : now + overdue_again_after);
  }
  QueueState::Counts counts = state.counts();
  if (counts.waiting + counts.ready + counts.delayed + counts.unscanned > 0 || !cursors_saved()) {
    if (next_sweep_ <= now) next_sweep_ = now + sweep_interval;
    soonest(next_sweep_);
  }
  if (next == armed_for_) return;
  core_->shard.timers().cancel(timer_);
  armed_for_ = next;
  if (!next) return;
  timer_ = core_->shard.timers().at(*next, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->tick();
  });
}

void OpenQueue::tick() {
  if (core_->stopping) return;
  armed_for_.reset();
  Instant now = core_->now();
  auto ended = core_->state.run_out(now);
  if (!ended.empty()) writer_->run_out_async(std::move(ended));
  auto overdue = core_->state.overdue(core_->wall_now(), killed_per_sweep_max);
  if (!overdue.empty()) writer_->kill_async(overdue, "its time to live is over");
  for (const std::string& service : core_->consumers.left(now)) {
    core_->observer.consumer_left(core_->name, service, "it has not asked for 10 s");
  }
  if (next_sweep_ <= now) {
    next_sweep_ = now + sweep_interval;
    sweep();
  }
  changed();
}

void OpenQueue::sweep() {
  WallTime oldest =
      core_->wall_now() - std::chrono::duration_cast<std::chrono::milliseconds>(core_->settings().max_age);
  std::vector<Place> old;
  if (core_->settings().overflow == Overflow::dead_letter) {
    for (const auto& [place, entry] : core_->state.entries()) {
      if (old.size() >= killed_per_sweep_max) break;
      bool held = entry.state == QueueState::State::leased || entry.frozen;
      bool posted_ahead = entry.due && *entry.due > core_->wall_now() && place.source == own_source;
      if (entry.enqueued_at < oldest && !held && !posted_ahead) old.push_back(place);
    }
  }
  if (!old.empty()) {
    writer_->kill_async(old, fmt::format("older than {}", format_duration(core_->settings().max_age)));
  } else {
    limit_depth();
  }
  if (upkeep_) return;
  upkeep_ = true;
  asio::co_spawn(core_->shard.executor(), run_upkeep(shared_from_this()), asio::detached);
}

// What is not scanned yet counts unless a filter may not want it.
int64_t OpenQueue::depth() const {
  QueueState::Counts counts = core_->state.counts();
  int64_t unscanned = core_->settings().filter.headers.empty() ? counts.unscanned : 0;
  return counts.waiting + counts.ready + counts.leased + counts.delayed + unscanned;
}

// The logs' bytes in proportion to the records that are not settled: bodies are not kept in memory.
uint64_t OpenQueue::bytes() const {
  double bytes = 0;
  for (Source source : core_->state.sources()) {
    auto range = core_->engine.range(core_->reader.log(source));
    const SettledSet& settled = core_->state.settled(source);
    if (!range || range->next <= range->first) continue;
    auto open =
        static_cast<double>(range->next - std::max(settled.cursor(), range->first) - settled.count_above());
    bytes += static_cast<double>(range->bytes) * open / static_cast<double>(range->next - range->first);
  }
  return static_cast<uint64_t>(std::max(0.0, bytes));
}

Result<void> OpenQueue::check_room(size_t messages, size_t more_bytes) const {
  const QueueSettings& settings = core_->settings();
  if (depth() + static_cast<int64_t>(messages) > settings.max_depth) {
    return error(ErrorCode::over_limit, "queue {} holds {} messages, max_depth is {}", core_->name, depth(),
                 settings.max_depth);
  }
  if (bytes() + more_bytes > settings.max_bytes) {
    return error(ErrorCode::over_limit, "queue {} holds {}, max_bytes is {}", core_->name,
                 format_size(bytes()), format_size(settings.max_bytes));
  }
  return {};
}

// A queue over its limits gives its oldest up; one on its own topic refuses what is new instead.
void OpenQueue::limit_depth() {
  const QueueSettings& settings = core_->settings();
  if (settings.topic == core_->name || settings.overflow != Overflow::dead_letter || check_room(0, 0)) return;
  int64_t over = bytes() > settings.max_bytes ? static_cast<int64_t>(killed_per_sweep_max)
                                              : depth() - settings.max_depth;
  std::vector<Place> oldest;
  for (const auto& [place, entry] : core_->state.entries()) {
    if (static_cast<int64_t>(oldest.size()) >= over || oldest.size() >= killed_per_sweep_max) break;
    bool held = entry.state == QueueState::State::leased || entry.frozen;
    if (place.source != own_source && !held) oldest.push_back(place);
  }
  if (!oldest.empty())
    writer_->kill_async(oldest, "the queue is over its limits and this was among its oldest");
}

std::function<Result<void>()> OpenQueue::gate() const {
  if (core_->settings().topic != core_->name) return nullptr;
  return [full = full_, name = core_->name]() -> Result<void> {
    if (!full->load()) return {};
    return error(ErrorCode::over_limit, "queue {} is full: at max_depth or max_bytes", name);
  };
}

// Keeps retention from what is not settled, durably; released when the settings say so and a limit is passed.
void OpenQueue::pin() {
  bool release = core_->settings().overflow == Overflow::release && core_->settings().topic != core_->name &&
                 !check_room(0, 0);
  for (Source source : core_->state.sources()) {
    std::optional<Offset> from = stored_cursor(*core_->table, source);
    if (release && source != own_source) from.reset();
    auto& pinned = pinned_[source];
    if (pinned == from) continue;
    pinned = from;
    core_->engine.pin(core_->reader.log(source), pin_name(), from);
  }
  for (const auto& [partition, set] : core_->redriven) {
    auto from = stored_cursor(*core_->table, dead_source(partition));
    auto& pinned = pinned_[dead_source(partition)];
    if (pinned == from) continue;
    pinned = from;
    core_->engine.pin(partition_log(core_->dead_topic.id, partition), pin_name(), from);
  }
}

bool OpenQueue::cursors_saved() const {
  return std::ranges::all_of(core_->state.sources(), [&](Source source) {
    return stored_cursor(*core_->table, source) == core_->state.settled(source).cursor();
  });
}

// Cursors move without a commit over what the filter does not let through.
Task<Result<void>> OpenQueue::save_cursors() {
  FifoLock::Turn turn = co_await core_->writing.take(core_->shard.timers());
  engine::CommitBuilder builder;
  builder.use_reserve();
  engine::TableChanges changes;
  std::map<Source, SettledSet*> sets;
  for (Source source : core_->state.sources()) sets[source] = &core_->state.settled(source);
  for (auto& [partition, set] : core_->redriven) sets[dead_source(partition)] = &set;
  std::map<Source, std::set<int64_t>> taken;
  for (auto& [source, set] : sets) taken[source] = stage_settled(*core_->table, source, *set, changes);
  if (changes.empty()) co_return Result<void>{};
  auto staged = core_->table->stage(builder, std::move(changes));
  Result<engine::CommitResult> done = std::unexpected(staged ? Error{} : staged.error());
  if (staged) done = co_await core_->engine.commit(builder.finish());
  if (done) {
    core_->table->apply(std::move(*staged));
    co_return Result<void>{};
  }
  for (auto& [source, buckets] : taken) sets[source]->mark_changed(buckets);
  co_return std::unexpected(done.error());
}

// What lies below the durable cursor of the own log is needed by nobody.
Task<> OpenQueue::trim_own() {
  auto range = core_->engine.range(core_->own_log());
  std::optional<Offset> cursor = stored_cursor(*core_->table, own_source);
  if (!range || !cursor || *cursor <= range->first) co_return;
  auto done = co_await core_->engine.trim(core_->own_log(), *cursor);
  if (!done) SPDLOG_WARN("broker: queue {}: {}", core_->name, done.error().message);
}

Task<> OpenQueue::run_upkeep(std::shared_ptr<OpenQueue> self) {
  auto saved = co_await self->save_cursors();
  if (!saved) SPDLOG_WARN("broker: queue {}: {}", self->core_->name, saved.error().message);
  if (!self->core_->stopping) co_await self->trim_own();
  self->upkeep_ = false;
  if (!self->core_->stopping) self->changed();
}

}  // namespace pabal::broker
