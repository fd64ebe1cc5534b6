#include "base/check.h"
#include "engine/sequencer.h"
#include "log/record_batch.h"

namespace pabal::engine {
namespace {

Error no_such_log(const LogId& log) {
  return {ErrorCode::not_found, fmt::format("there is no log {}", log), {}};
}

}  // namespace

// Takes what waits, in order, into one block.
void Sequencer::form_group() {
  builder_.clear();
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

Sequencer::Admitted Sequencer::admit(RequestPtr& request) {
  if (auto done = admissible(*request); !done) {
    answer(std::move(request), std::unexpected(done.error()));
    return Admitted::answered;
  }
  if (!journal_.fits(log::journal_aligned(builder_.size() + request->bytes))) {
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
  if (!request.commit.may_use_reserve && (below_reserve_ || disk_failed_)) {
    return error(ErrorCode::disk_full, "{}", report->reason);
  }
  if (unwritten_bytes_ > limits_.unwritten_bytes_max) {
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
    Bytes& batch = request.commit.appends[i].batch;
    log::set_base_offset(batch, log.next);
    log::set_leader_epoch(batch, LeaderEpoch(0));
    request.offsets.push_back(log.next);
    log.next = log::BatchView::parse(batch)->next_offset();
  }
  return {};
}

// Whether an open, trim or remove changes anything.
Result<bool> Sequencer::admit_change(Request& request) {
  auto log = parts_->table.find(request.log);
  if (request.kind == Request::Kind::open) {
    if (removed_.contains(request.log) || (log && log->removing)) {
      return error(ErrorCode::conflict, "the log {} was removed just now; a new topic has a new id",
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
      for (const LogAppend& append : request.commit.appends) builder_.append(append.log, append.batch);
      break;
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
}

void Sequencer::commit_group() {
  PlantedBug bug = parts_->options.bug;
  Instant since = group_.front()->since;
  uint64_t lsn = journal_.next().lsn;
  BytesView block = builder_.finish({.journal_id = parts_->journal_id, .lsn = lsn, .flushed_lsn = lsn - 1});
  if (bug == PlantedBug::acknowledge_before_flush) publish_group();
  if (auto done = make_durable(block); !done) return take_back_group(done.error());
  if (bug != PlantedBug::acknowledge_before_flush) publish_group();
  if (since != Instant()) remember_time(since);
}

Result<void> Sequencer::make_durable(BytesView block) {
  if (auto done = journal_.write(block); !done) {
    // Nothing of a block that was not written counts: the next one takes its place.
    if (done.error().code == ErrorCode::disk_full) {
      note_disk_failure(done.error());
    } else {
      go_read_only(done.error());
    }
    return done;
  }
  if (parts_->options.bug == PlantedBug::skip_flush) return {};
  auto done = journal_.flush();
  if (parts_->options.bug == PlantedBug::trust_after_failed_flush) return {};
  if (!done) go_read_only(done.error());
  return done;
}

void Sequencer::publish_group() {
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
      request.logs[0]->first = std::max(request.logs[0]->first.load(), request.first.value());
      effects_.push_back({log::EntryKind::trim, request.logs[0], {}, {}, request.first});
      touch(request.logs[0]);
      break;
    case Request::Kind::remove:
      request.logs[0]->removed = true;
      parts_->table.remove(request.log);
      removed_.insert(request.log);
      effects_.push_back({log::EntryKind::remove, request.logs[0], {}, {}, {}});
      checkpoint_wanted_ = true;  // so that the files go soon
      touch(request.logs[0]);
      break;
  }
}

void Sequencer::publish_append(const std::shared_ptr<LogState>& log, LogAppend& append) {
  auto batch = log::BatchView::parse(append.batch);
  Offset base = batch->base_offset();
  Offset next = batch->next_offset();
  SharedBytes shared(std::move(append.batch));
  effects_bytes_ += shared.size();
  unwritten_bytes_ += shared.size();
  effects_.push_back({log::EntryKind::append, log, shared, {}, {}});
  cache_.add(log, base, next, std::move(shared));
  touch(log);
}

void Sequencer::publish_open(Request& request) {
  auto log = parts_->table.find(request.log);
  bool made = log == nullptr;
  if (made) log = parts_->make_log(request.log, {.settings = request.settings});
  log->settings = request.settings;
  if (made) parts_->table.add(log);
  effects_.push_back({log::EntryKind::create, log, {}, request.settings, {}});
}

void Sequencer::touch(const std::shared_ptr<LogState>& log) {
  if (std::exchange(log->touched, true)) return;
  touched_.push_back(log);
}

// The group did not become durable: nobody has seen anything of it.
void Sequencer::take_back_group(const Error& failure) {
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
  waiting_bytes_ -= request->bytes;
  if (!request->done) return;
  auto executor = request->executor;
  deliveries_.add(executor, [done = std::move(request->done), result = std::move(result)]() mutable {
    done(std::move(result));
  });
}

}  // namespace pabal::engine
