#include "broker/queue_writer.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/check.h"
#include "base/logging.h"
#include "base/units.h"
#include "broker/backoff.h"
#include "broker/partitioner.h"
#include "broker/topic_table.h"
#include "engine/commit_builder.h"

namespace pabal::broker {

using runtime::Task;

struct QueueWriter::Staged {
  engine::CommitBuilder builder;
  engine::CommitBuilder letters;  // apart only when the fault is put in
  std::map<Source, SettledSet::Undo> undo;
  std::map<Source, std::set<int64_t>> changed;
  std::optional<engine::Table::Staged> table;
  DeadCount dead;
};

// -- asking
// -----------------------------------------------------------------------------------------------------------

Task<Result<std::vector<LeaseResult>>> QueueWriter::ack(std::vector<std::string> leases) {
  auto call = std::make_shared<Call>(core_->shard.executor());
  for (std::string& text : leases) {
    auto lease = Lease::parse(text);
    call->results.push_back({std::move(text), lease.has_value(), lease ? "" : "unknown"});
    if (!lease) continue;
    pending_.push_back(
        {.kind = Op::Kind::ack, .lease = *lease, .call = call, .index = call->results.size() - 1});
    ++call->open;
  }
  co_return co_await finish(std::move(call));
}

Task<Result<std::vector<LeaseResult>>> QueueWriter::nack(Nack nack) {
  auto call = std::make_shared<Call>(core_->shard.executor());
  if (!nack.counts) {
    rest(nack, *call);
    co_return std::move(call->results);
  }
  for (const std::string& text : nack.leases) {
    auto lease = Lease::parse(text);
    call->results.push_back({text, lease.has_value(), lease ? "" : "unknown"});
    if (!lease) continue;
    pending_.push_back({.kind = Op::Kind::nack,
                        .lease = *lease,
                        .call = call,
                        .index = call->results.size() - 1,
                        .delay = nack.delay,
                        .reason = nack.reason,
                        .dead = nack.dead});
    ++call->open;
  }
  co_return co_await finish(std::move(call));
}

// Gives messages back as if they had not been delivered: nothing to write.
void QueueWriter::rest(const Nack& nack, Call& call) {
  std::optional<WallTime> due;
  if (nack.delay)
    due = core_->wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(*nack.delay);
  for (const std::string& text : nack.leases) {
    auto lease = Lease::parse(text);
    const QueueState::Entry* entry = lease ? core_->state.find(lease->place) : nullptr;
    bool ok = entry && core_->state.check(*lease) == QueueState::Verdict::ok &&
              entry->state == QueueState::State::leased && !entry->frozen;
    call.results.push_back({text, ok, ok ? "" : lease ? "expired" : "unknown"});
    if (!ok) continue;
    core_->consumers.add_leases(entry->consumer, -1, core_->now());
    core_->state.give_back(*lease, due, core_->wall_now());
    core_->out.erase(lease->place);
  }
  core_->changed();
}

void QueueWriter::run_out_async(std::vector<Lease> leases) {
  for (const Lease& lease : leases) pending_.push_back({.kind = Op::Kind::run_out, .lease = lease});
  start();
}

void QueueWriter::kill_async(const std::vector<Place>& places, const std::string& reason) {
  for (Place place : places) {
    pending_.push_back({.kind = Op::Kind::kill, .lease = Lease{.place = place}, .reason = reason});
  }
  start();
}

Task<Result<std::vector<LeaseResult>>> QueueWriter::finish(std::shared_ptr<Call> call) {
  start();
  while (call->open > 0) {
    bool woken = co_await call->done.wait(core_->shard.timers(), Deadline::never());
    if (!woken) co_return error(ErrorCode::cancelled, "given up by the caller");
  }
  if (call->error) co_return std::unexpected(*call->error);
  co_return std::move(call->results);
}

void QueueWriter::start() {
  if (running_ || pending_.empty()) return;
  running_ = true;
  asio::co_spawn(core_->shard.executor(), run(shared_from_this()), asio::detached);
}

Task<> QueueWriter::run(std::shared_ptr<QueueWriter> self) {
  while (!self->pending_.empty()) {
    FifoLock::Turn turn = co_await self->core_->writing.take(self->core_->shard.timers());
    std::vector<Op> batch;
    while (!self->pending_.empty() && batch.size() < ops_per_commit_max) {
      batch.push_back(std::move(self->pending_.front()));
      self->pending_.pop_front();
    }
    co_await self->write(std::move(batch));
    self->core_->changed();
  }
  self->running_ = false;
}

// -- deciding
// ---------------------------------------------------------------------------------------------------------

void QueueWriter::refuse(Op& op, std::string_view problem) {
  op.fate = Op::Fate::none;
  if (!op.call) return;
  LeaseResult& result = op.call->results[op.index];
  result.ok = false;
  result.problem = problem;
}

void QueueWriter::decide(Op& op) {
  QueueState& state = core_->state;
  if (op.kind == Op::Kind::ack || op.kind == Op::Kind::nack) return decide_lease(op);
  const QueueState::Entry* entry = state.find(op.lease.place);
  if (!entry || entry->frozen) return;
  if (op.kind == Op::Kind::run_out) {
    if (!entry->running_out || entry->serial != op.lease.serial) return;
    op.reason = fmt::format("no answer within {}", format_duration(core_->settings().visibility));
    decide_failed(op, *entry);
  } else {
    if (entry->state == QueueState::State::leased) return;
    op.fate = Op::Fate::die;
    op.deliveries = entry->deliveries;
  }
  op.key = entry->key;
  check(state.freeze(op.lease.place), "{} is frozen already", op.lease.place);
}

void QueueWriter::decide_lease(Op& op) {
  QueueState& state = core_->state;
  bool ack = op.kind == Op::Kind::ack;
  switch (state.check(op.lease)) {
    case QueueState::Verdict::unknown:
      return refuse(op, "unknown");
    case QueueState::Verdict::expired:
      return refuse(op, "expired");
    case QueueState::Verdict::done:
      if (!ack) refuse(op, "expired");
      return;
    case QueueState::Verdict::unscanned:
      if (!ack) return refuse(op, "expired");  // it is ready again anyway
      op.fate = Op::Fate::settle_unread;
      return;
    case QueueState::Verdict::ok:
      break;
  }
  const QueueState::Entry& entry = *state.find(op.lease.place);
  if (!state.freeze(op.lease.place)) return;  // the same lease twice in this batch
  op.key = entry.key;
  op.deliveries = std::max(entry.deliveries, op.lease.delivery);
  if (ack) {
    op.fate = Op::Fate::settle;
  } else {
    decide_failed(op, entry);
  }
}

void QueueWriter::decide_failed(Op& op, const QueueState::Entry& entry) {
  const QueueSettings& settings = core_->settings();
  op.deliveries = std::max(entry.deliveries, op.lease.delivery);
  if (op.dead || op.deliveries >= settings.max_deliveries) {
    op.fate = Op::Fate::die;
    if (op.reason.empty()) op.reason = "refused by the consumer";
    if (!op.dead) op.reason += fmt::format(" ({} deliveries)", op.deliveries);
    return;
  }
  op.fate = Op::Fate::retry;
  if (op.kind == Op::Kind::run_out) return;  // ready at once
  Duration wait = op.delay ? *op.delay : backoff_wait(settings.backoff, op.deliveries, core_->shard.random());
  op.due = core_->wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(wait);
}

// -- writing
// ----------------------------------------------------------------------------------------------------------

Task<> QueueWriter::write(std::vector<Op> batch) {
  for (Op& op : batch) decide(op);
  auto read = co_await read_letters(batch);
  if (!read) {
    undo(batch, nullptr, read.error());
    co_return;
  }
  auto staged = stage(batch);
  if (!staged) {
    undo(batch, nullptr, staged.error());
    co_return;
  }
  auto done = co_await commit(batch, *staged);
  if (!done) {
    undo(batch, &*staged, done.error());
    co_return;
  }
  if (staged->table) core_->table->apply(std::move(*staged->table));
  core_->dead = staged->dead;
  for (Op& op : batch) {
    apply(op);
    close(op);
  }
}

Task<Result<void>> QueueWriter::read_letters(std::vector<Op>& batch) {
  std::map<Place, Op*> dying;
  for (Op& op : batch) {
    if (op.fate == Op::Fate::die) dying.emplace(op.lease.place, &op);
  }
  if (dying.empty()) co_return Result<void>{};
  std::vector<Place> places;
  for (const auto& [place, op] : dying) places.push_back(place);
  auto read = co_await core_->reader.read_each(places, [&](Place place, const log::StoredRecord& record) {
    Op& op = *dying.at(place);
    MessageOrigin origin = core_->origin_of(place, record);
    op.out = QueueCore::out_of(origin, record);
    op.letter = make_dead(record, {origin, core_->name, op.reason, op.deliveries, core_->wall_now()});
    op.dead_partition =
        record.key ? partition_of_key(*record.key, core_->dead_topic.partitions) : PartitionIndex(0);
  });
  if (!read) co_return read;
  for (auto& [place, op] : dying) {
    if (op->letter) continue;
    if (core_->is_lost(place)) ++core_->lost_to_retention;  // the record was removed under the queue
    op->fate = Op::Fate::settle;
  }
  co_return Result<void>{};
}

void QueueWriter::stage_op(Op& op, Staged& staged, engine::TableChanges& changes) {
  if (op.fate == Op::Fate::none) return;
  Place place = op.lease.place;
  std::string tried = retry_key(place);
  if (op.fate == Op::Fate::retry) {
    changes.push_back(
        {std::move(tried), Retry{op.deliveries, op.due, op.kind == Op::Kind::run_out, op.reason}.encode()});
    return;
  }
  SettledSet& settled = core_->state.settled(place.source);
  auto& undo = staged.undo.try_emplace(place.source, SettledSet::Undo{settled.cursor()}).first->second;
  if (!settled.contains(place.offset)) {
    settled.add(place.offset);
    undo.offsets.push_back(place.offset);
  }
  if (core_->table->find(tried)) changes.push_back({std::move(tried), std::nullopt});
  if (op.fate != Op::Fate::die) return;
  engine::CommitBuilder& builder = core_->faults.settle_before_dead_letter ? staged.letters : staged.builder;
  builder.add(partition_log(core_->dead_topic.id, op.dead_partition), op.letter->view());
  if (staged.dead.count++ == 0) staged.dead.since = core_->wall_now();
  bool hold = core_->settings().order == KeyOrder::by_key && core_->settings().on_dead == OnDead::hold;
  if (hold && op.key != 0) changes.push_back({hold_key(op.key), ""});
}

Result<QueueWriter::Staged> QueueWriter::stage(std::vector<Op>& batch) {
  Staged staged;
  staged.dead = core_->dead;
  staged.builder.use_reserve();
  staged.letters.use_reserve();
  engine::TableChanges changes;
  for (Op& op : batch) stage_op(op, staged, changes);
  for (auto& [source, undo] : staged.undo) {
    staged.changed[source] = stage_settled(*core_->table, source, core_->state.settled(source), changes);
  }
  if (staged.dead.count != core_->dead.count) {
    changes.push_back({std::string(dead_count_key), staged.dead.encode()});
  }
  if (changes.empty()) return staged;
  auto in_table = core_->table->stage(staged.builder, std::move(changes));
  if (!in_table) {
    for (auto& [source, undo] : staged.undo) {
      core_->state.settled(source).undo(undo);
      core_->state.settled(source).mark_changed(staged.changed[source]);
    }
    return std::unexpected(in_table.error());
  }
  staged.table.emplace(std::move(*in_table));
  return staged;
}

Task<Result<void>> QueueWriter::commit(std::vector<Op>& batch, Staged& staged) {
  std::ignore = batch;
  if (staged.builder.empty()) co_return Result<void>{};
  auto done = co_await core_->engine.commit(staged.builder.finish());
  if (!done) co_return std::unexpected(done.error());
  if (staged.letters.empty()) co_return Result<void>{};
  done = co_await core_->engine.commit(staged.letters.finish());
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>{};
}

// -- after the commit
// -------------------------------------------------------------------------------------------------

void QueueWriter::apply(Op& op) {
  if (op.fate == Op::Fate::none) return;
  QueueCore& core = *core_;
  Place place = op.lease.place;
  WallTime now = core.wall_now();
  const QueueState::Entry* entry = core.state.find(place);
  std::string service;
  if (entry && entry->state == QueueState::State::leased) {
    service = core.consumers.name(entry->consumer);
    core.consumers.add_leases(entry->consumer, -1, core.now());
  }
  auto known = core.out.extract(place);
  QueueCore::Out out = op.out  ? *op.out
                       : known ? std::move(known.mapped())
                               : QueueCore::Out{.enqueued_at = now};
  switch (op.fate) {
    case Op::Fate::settle:
      core.state.settle(place, now);
      break;
    case Op::Fate::die:
      core.state.die(place, now);
      break;
    case Op::Fate::retry:
      core.state.retry(place, op.deliveries, op.due, op.kind == Op::Kind::run_out, now);
      core.retried.add(1, core.now());
      break;
    case Op::Fate::settle_unread:
    case Op::Fate::none:
      break;
  }
  MessageEvent event = op.fate == Op::Fate::die    ? MessageEvent::dead
                       : op.kind == Op::Kind::ack  ? MessageEvent::acked
                       : op.kind == Op::Kind::nack ? MessageEvent::nacked
                                                   : MessageEvent::expired;
  if (event == MessageEvent::acked) core.acked.add(1, core.now());
  core.tell(event, place, out, service, op.deliveries, op.reason, op.due);
}

void QueueWriter::undo(std::vector<Op>& batch, Staged* staged, const Error& why) {
  SPDLOG_WARN("broker: queue {}: {}", core_->name, why.message);
  if (staged) {
    for (auto& [source, undo] : staged->undo) {
      core_->state.settled(source).undo(undo);
      core_->state.settled(source).mark_changed(staged->changed[source]);
    }
  }
  for (Op& op : batch) {
    Place place = op.lease.place;
    if (op.fate == Op::Fate::settle_unread) core_->state.scan_again(place);
    if (op.fate != Op::Fate::none && op.fate != Op::Fate::settle_unread) core_->state.thaw(place);
    // Nobody holds it any more: its next try must not wait for a disk that takes writes again.
    if (op.kind == Op::Kind::run_out && op.fate != Op::Fate::none && core_->state.freeze(place)) {
      const QueueState::Entry& entry = *core_->state.find(place);
      core_->consumers.add_leases(entry.consumer, -1, core_->now());
      core_->state.retry(place, entry.deliveries, op.due, true, core_->wall_now());
    }
    if (op.call && op.fate != Op::Fate::none) op.call->error = why;
    close(op);
  }
}

void QueueWriter::close(Op& op) {
  if (op.call && --op.call->open == 0) op.call->done.wake();
}

}  // namespace pabal::broker
