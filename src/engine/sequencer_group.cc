#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/logging.h"
#include "engine/sequencer.h"
#include "log/record_batch.h"

namespace pabal::engine {
namespace {

constexpr Duration behind_said_every = std::chrono::minutes(1);

Error no_such_log(const LogId& log) {
  return {ErrorCode::not_found, fmt::format("there is no log {}", log), {}};
}

}  // namespace

// Takes what waits, in order, into one block.
void Sequencer::form_group() {
  builder_.clear();
  group_flushes_ = false;
  group_lsn_ = journal_.next().lsn;
  while (!pending_.empty()) {
    RequestPtr& request = pending_.front();
    bool alone = builder_.empty();
    if (!alone && builder_.size() + request->bytes > limits_.group_bytes_max) break;
    Admitted admitted = admit(request);
    if (admitted == Admitted::no_room) break;
    if (admitted == Admitted::yes) group_.push_back(std::move(request));
    pending_.pop_front();
  }
}

void Sequencer::say_behind() {
  Instant now = parts_->clock.now();
  if (now < behind_said_until_) return;
  behind_said_until_ = now + behind_said_every;
  spdlog::warn(
      "engine: {} bytes wait to be written to segments, the limit is {}: all writes wait for the disk",
      unwritten_bytes_, limits_.unwritten_bytes_max);
}

Sequencer::Admitted Sequencer::admit(RequestPtr& request) {
  if (auto done = admissible(*request); !done) {
    answer(std::move(request), std::unexpected(done.error()));
    return Admitted::answered;
  }
  if (segments_are_behind() && !disk_failed_) {
    say_behind();
    return Admitted::no_room;
  }
  size_t reserve_bytes = request->commit.appends.size() * log::journal_reserve_bytes;
  if (!journal_.fits(log::journal_aligned(builder_.size() + request->bytes + reserve_bytes))) {
    if (!group_.empty() || !disk_failed_) return Admitted::no_room;
    answer(std::move(request), error(ErrorCode::disk_full, "{}", parts_->condition.get()->reason));
    return Admitted::answered;
  }
  Result<bool> changes = true;
  if (request->kind == Request::Kind::commit) {
    if (auto done = admit_commit(*request); !done) changes = std::unexpected(done.error());
  } else {
    changes = admit_change(*request);
  }
  if (!changes || !*changes) {
    Result<CommitResult> result;
    if (!changes) result = std::unexpected(changes.error());
    answer(std::move(request), std::move(result));
    return Admitted::answered;
  }
  encode(*request);
  return Admitted::yes;
}

// Whether the engine can take any such request now.
Result<void> Sequencer::admissible(const Request& request) {
  auto report = parts_->condition.get();
  if (report->state == Condition::State::read_only) return error(ErrorCode::read_only, "{}", report->reason);
  if (stopping_round_) return error(ErrorCode::unavailable, "the engine is stopping");
  if (request.kind != Request::Kind::commit) return {};
  if (request.commit.follows_a_failure()) {
    return error(ErrorCode::unavailable, "the commit that this one was to follow has failed");
  }
  if (!request.commit.may_use_reserve && (below_reserve_ || disk_failed_)) {
    return error(ErrorCode::disk_full, "{}", report->reason);
  }
  if (segments_are_behind() && disk_failed_) {
    return error(ErrorCode::unavailable, "{} bytes wait to be written to segments; the limit is {}",
                 unwritten_bytes_, limits_.unwritten_bytes_max);
  }
  return {};
}

// Gives each append its offsets; all or none.
Result<void> Sequencer::admit_commit(Request& request) {
  for (const LogAppend& append : request.commit.appends) {
    auto log = parts_->table.find(append.log);
    if (!log || log->removing) return std::unexpected(no_such_log(append.log));
    if (log->damage.any()) {
      return error(ErrorCode::read_only, "partition {} of {} takes no more records: {}", append.log.partition,
                   log->name, log->damage.problem());
    }
    request.logs.push_back(std::move(log));
  }
  for (size_t i = 0; i < request.logs.size(); ++i) {
    LogState& log = *request.logs[i];
    OwnedBytes& batch = request.commit.appends[i].batch;
    log::set_base_offset(batch.span(), log.next);
    log::set_leader_epoch(batch.span(), log.epoch);
    request.offsets.push_back(log.next);
    Offset base = log.next;
    log.next = log::BatchView::parse(batch)->next_offset();
    if (log.durability == Durability::flushed) {
      group_flushes_ = true;
    } else {
      reserve_offsets(request.logs[i], base);
    }
  }
  return {};
}

// Sees to it that what the log has just given, from `from` on, is reserved before anybody hears of it; and
// asks for more before the log has come to the end of that.
void Sequencer::reserve_offsets(const std::shared_ptr<LogState>& log, Offset from) {
  int64_t step = std::clamp(log->next - log->continues_at, limits_.reserve_offsets_min,
                            std::max(limits_.reserve_offsets_min, limits_.reserve_offsets_max));
  if (log->reserving - log->next < step / 2) {
    log::Reservation reservation{from, log->next + step, log->epoch};
    builder_.reserve(log->id, reservation);
    log->reserving = reservation.up_to;
    if (parts_->options.bug == PlantedBug::reuse_offsets) log->reserved = reservation.up_to;
    reserving_.push_back({log, reservation, group_lsn_});
    group_reserves_.push_back({.kind = log::EntryKind::reserve, .log = log, .reserve = reservation});
  }
  if (log->next > log->reserved) group_flushes_ = true;
}

// Reservations count whose block has been flushed.
void Sequencer::on_flushed() {
  if (!journal_.has_unflushed()) unflushed_bytes_ = 0;
  for (; !reserving_.empty() && reserving_.front().lsn <= journal_.flushed_lsn(); reserving_.pop_front()) {
    LogState& log = *reserving_.front().log;
    log.reserved = std::max(log.reserved, reserving_.front().reservation.up_to);
  }
}

void Sequencer::take_back_reservations() {
  group_reserves_.clear();
  for (; !reserving_.empty() && reserving_.back().lsn == group_lsn_; reserving_.pop_back()) {
    reserving_.back().log->reserving = reserving_.back().log->reserved;
  }
  for (const Reserving& other : reserving_) {
    other.log->reserving = std::max(other.log->reserving, other.reservation.up_to);
  }
}

// Whether an open, trim or remove changes anything.
Result<bool> Sequencer::admit_change(Request& request) {
  auto log = parts_->table.find(request.log);
  if (request.kind == Request::Kind::open) {
    if (removed_.contains(request.log) || (log && log->removing)) {
      return error(ErrorCode::conflict, "the log {} was removed just now; a new topic has a new id",
                   request.log);
    }
    if (log && log->durability != request.settings.durability) {
      return error(ErrorCode::conflict, "the durability of the log {} was set when it was made, for good",
                   request.log);
    }
    return !log || log->settings != request.settings;
  }
  if (!log || log->removing) return std::unexpected(no_such_log(request.log));
  request.logs.push_back(log);
  if (request.kind == Request::Kind::remove) {
    log->removing = true;
    return true;
  }
  if (request.first > Offset(log->high_watermark)) {
    return error(ErrorCode::invalid, "offset {} is above the end of the log, {}", request.first,
                 log->high_watermark.load());
  }
  return request.first > Offset(log->first);
}

void Sequencer::encode(Request& request) {
  switch (request.kind) {
    case Request::Kind::commit:
      for (size_t i = 0; i < request.logs.size(); ++i) {
        const LogAppend& append = request.commit.appends[i];
        if (request.logs[i]->durability != Durability::memory) builder_.append(append.log, append.batch);
      }
      return;
    case Request::Kind::open:
      builder_.create(request.log, request.settings);
      break;
    case Request::Kind::trim:
      builder_.trim(request.log, request.first);
      break;
    case Request::Kind::remove:
      builder_.remove(request.log);
      break;
  }
  group_flushes_ = true;
}

void Sequencer::commit_group() {
  PlantedBug bug = parts_->options.bug;
  Instant since = group_.front()->since;
  if (bug == PlantedBug::acknowledge_before_flush) publish_group();
  if (auto done = make_durable(); !done) return take_back_group(done.error());
  if (bug != PlantedBug::acknowledge_before_flush) publish_group();
  if (since != Instant()) remember_time(since);
}

// As durable as the group asks. One whose logs are all in memory has no block; it may have to wait for the
// flush of a reservation that an earlier one holds.
Result<void> Sequencer::make_durable() {
  if (!builder_.empty()) {
    if (auto done = write_block(); !done) return done;
  }
  if (!group_flushes_) return {};
  bool skips = parts_->options.bug == PlantedBug::skip_flush;
  auto done = skips ? Result<void>() : journal_.flush();
  if (skips || (!done && parts_->options.bug == PlantedBug::trust_after_failed_flush)) {
    journal_.note_flushed(journal_.next().lsn - 1);
    done = {};
  }
  if (done) {
    on_flushed();
  } else {
    go_read_only(done.error());
  }
  return done;
}

Result<void> Sequencer::write_block() {
  auto block = builder_.finish(
      {.journal_id = parts_->journal_id, .lsn = group_lsn_, .flushed_lsn = journal_.flushed_lsn()});
  if (auto done = journal_.write(block); !done) {
    // Nothing of a block that was not written counts: the next one takes its place.
    if (done.error().code == ErrorCode::disk_full) {
      note_disk_failure(done.error());
    } else {
      go_read_only(done.error());
    }
    return done;
  }
  unflushed_bytes_ += size_of(block);
  return {};
}

void Sequencer::publish_group() {
  std::ranges::move(group_reserves_, std::back_inserter(effects_));
  group_reserves_.clear();
  for (RequestPtr& request : group_) publish(*request);
  for (auto& log : touched_) {
    log->touched = false;
    if (log->next > Offset(log->high_watermark)) log->high_watermark = log->next.value();
    log->watchers.notify(deliveries_);
  }
  touched_.clear();
  for (RequestPtr& request : std::exchange(group_, {})) {
    CommitResult offsets = std::move(request->offsets);
    answer(std::move(request), std::move(offsets));
  }
  if (parts_->options.bug == PlantedBug::acknowledge_out_of_order) deliveries_.reverse();
  deliveries_.send();
  cache_.evict();
}

void Sequencer::publish(Request& request) {
  switch (request.kind) {
    case Request::Kind::commit:
      for (size_t i = 0; i < request.logs.size(); ++i) {
        publish_append(request.logs[i], request.commit.appends[i]);
      }
      break;
    case Request::Kind::open:
      publish_open(request);
      break;
    case Request::Kind::trim:
      publish_trim(request);
      break;
    case Request::Kind::remove:
      publish_remove(request);
      break;
  }
}

void Sequencer::publish_trim(Request& request) {
  const auto& log = request.logs[0];
  log->first = std::max(log->first.load(), request.first.value());
  effects_.push_back({.kind = log::EntryKind::trim, .log = log, .first = request.first});
  if (log->durability == Durability::memory) memory_.trim(log);
  touch(log);
}

void Sequencer::publish_remove(Request& request) {
  const auto& log = request.logs[0];
  log->removed = true;
  parts_->table.remove(request.log);
  removed_.insert(request.log);
  effects_.push_back({.kind = log::EntryKind::remove, .log = log});
  if (log->durability == Durability::memory) memory_.forget(log);
  checkpoint_wanted_ = true;  // so that the files go soon
  touch(log);
}

void Sequencer::publish_append(const std::shared_ptr<LogState>& log, LogAppend& append) {
  auto batch = log::BatchView::parse(append.batch);
  Offset base = batch->base_offset();
  Offset next = batch->next_offset();
  SharedBytes shared = std::move(append.batch).share();
  touch(log);
  if (log->durability == Durability::memory) {
    for (const auto& trimmed : memory_.add(log, base, next, std::move(shared), parts_->clock.now()))
      touch(trimmed);
    return;
  }
  effects_bytes_ += shared.size();
  unwritten_bytes_ += shared.size();
  log->stored_bytes += shared.size();
  effects_.push_back({.kind = log::EntryKind::append, .log = log, .batch = shared});
  cache_.add(log, base, next, std::move(shared));
}

void Sequencer::publish_open(Request& request) {
  auto log = parts_->table.find(request.log);
  bool made = log == nullptr;
  if (made) log = parts_->make_log(request.log, {.settings = request.settings});
  log->settings = request.settings;
  if (made) parts_->table.add(log);
  effects_.push_back({.kind = log::EntryKind::create, .log = log, .settings = request.settings});
}

void Sequencer::touch(const std::shared_ptr<LogState>& log) {
  if (std::exchange(log->touched, true)) return;
  touched_.push_back(log);
}

// The group did not become durable: nobody has seen anything of it.
void Sequencer::take_back_group(const Error& failure) {
  take_back_reservations();
  Error told = failure;
  if (told.code != ErrorCode::disk_full) {
    told = {ErrorCode::read_only, parts_->condition.get()->reason, {}};
  }
  for (RequestPtr& request : std::exchange(group_, {})) {
    for (auto& log : request->logs) {
      log->next = Offset(log->high_watermark);
      log->removing = false;
    }
    answer(std::move(request), std::unexpected(told));
  }
  deliveries_.send();
}

void Sequencer::answer(RequestPtr request, Result<CommitResult> result) {
  if (!result) request->commit.fail_links();
  waiting_bytes_ -= request->bytes;
  if (!request->done) return;
  auto executor = request->executor;
  deliveries_.add(executor, [done = std::move(request->done), result = std::move(result)]() mutable {
    done(std::move(result));
  });
}

}  // namespace pabal::engine
