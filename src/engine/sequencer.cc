#include "engine/sequencer.h"

#include <boost/asio/post.hpp>

#include "base/logging.h"

namespace pabal::engine {
namespace {

constexpr Duration retry_interval = std::chrono::milliseconds(200);  // after the disk was full
constexpr Duration space_interval = std::chrono::milliseconds(100);  // between looks at the free space
constexpr uint64_t default_reserve_bytes_min = 256_MiB;

uint64_t reserve_of(const EmbeddedLimits& limits, const runtime::FileSystem::Space& space) {
  return limits.disk_reserve_bytes.value_or(
      std::max<uint64_t>(space.total_bytes / 20, default_reserve_bytes_min));
}

}  // namespace

Sequencer::Sequencer(Recovered recovered, IoExecutors io)
    : parts_(std::move(recovered.parts)),
      limits_(parts_->options.limits),
      io_(std::move(io)),
      journal_bytes_(recovered.journal.bytes()),
      journal_(std::move(recovered.journal)),
      cache_(std::move(recovered.cache)),
      memory_({limits_.memory_log_bytes_max, limits_.memory_logs_bytes_max}),
      effects_(std::move(recovered.effects)),
      effects_bytes_(recovered.effects_bytes),
      unwritten_bytes_(recovered.effects_bytes),
      checkpoint_wanted_(recovered.checkpoint_wanted) {}

template <class F>
void Sequencer::post(F work) {
  asio::post(io_.journal, [self = shared_from_this(), work = std::move(work)]() mutable { work(*self); });
}

void Sequencer::start(std::function<void()> flush_later) {
  flush_later_ = std::move(flush_later);
  schedule();
}

void Sequencer::schedule() {
  if (!run_posted_.exchange(true)) post([](Sequencer& self) { self.run(); });
}

void Sequencer::submit(RequestPtr request) {
  waiting_bytes_ += request->bytes;
  submitted_.push(std::move(request));
  schedule();
}

void Sequencer::look_at_retention() {
  post([](Sequencer& self) {
    self.retention_wanted_ = true;
    for (const auto& log : self.memory_.expire(self.parts_->clock.now())) {
      log->watchers.notify(self.deliveries_);
    }
    self.schedule();
  });
}

void Sequencer::flush_is_due() {
  post([](Sequencer& self) {
    self.flush_armed_ = false;
    self.flush_due_ = true;
    self.schedule();
  });
}

void Sequencer::look_at_space() {
  post([](Sequencer& self) {
    self.check_space();
    self.schedule();
  });
}

void Sequencer::hold(Held held) {
  post([held = std::move(held)](Sequencer& self) mutable {
    self.held_ = std::move(held);
    self.schedule();
  });
}

void Sequencer::release() {
  asio::post(io_.segments, [self = shared_from_this()] {
    self->parts_->writer->release();
    self->post([](Sequencer& sequencer) {
      sequencer.checkpoint_wanted_ = true;  // so that the files go soon
      sequencer.schedule();
    });
  });
}

void Sequencer::stop(std::move_only_function<void()> stopped) {
  post([stopped = std::move(stopped)](Sequencer& self) mutable {
    self.stopped_ = std::move(stopped);
    self.schedule();
  });
}

void Sequencer::run() {
  run_posted_ = false;
  submitted_.take([this](RequestPtr request) { pending_.push_back(std::move(request)); });
  check_space();
  form_group();
  bool progressed = !group_.empty();
  if (progressed) commit_group();
  deliveries_.send();
  flush_behind();
  if (wants_round(parts_->clock.now())) hand_over();
  prepare_spare(!progressed && !pending_.empty());
  bool waits_for_disk = !progressed && (round_running_ || preparing_);  // which comes back here
  if (!pending_.empty() && !waits_for_disk) schedule();
  auto report = parts_->condition.get();
  if (held_ && !round_running_ && report->state == Condition::State::read_only) {
    answer_hold(error(ErrorCode::read_only, "{}", report->reason));
  }
  stop_if_done();
}

void Sequencer::answer_hold(Result<log::Checkpoint> result) { std::exchange(held_, {})(std::move(result)); }

void Sequencer::check_space() {
  Instant now = parts_->clock.now();
  if (now - space_interval < space_checked_at_) return;
  space_checked_at_ = now;
  auto space = parts_->options.files->space(parts_->options.data_dir);
  if (!space) return;
  free_bytes_ = space->free_bytes;
  uint64_t reserve = reserve_of(limits_, *space);
  bool was_below = std::exchange(below_reserve_, space->free_bytes < reserve);
  if (below_reserve_) {
    auto reason = fmt::format("{} bytes are free on the disk of {}; publishing stops below {}",
                              space->free_bytes, parts_->options.data_dir, reserve);
    if (!was_below) spdlog::warn("engine: {}", reason);
    parts_->condition.set(Condition::State::disk_full, reason);
    return;
  }
  if (was_below) SPDLOG_INFO("engine: {} bytes are free on the disk again", space->free_bytes);
  if (!disk_failed_ && parts_->condition.state() == Condition::State::disk_full) {
    parts_->condition.set(Condition::State::ok, "");
  }
}

// Commits go on meanwhile; only one that has to be flushed itself waits.
void Sequencer::flush_behind() {
  bool pointless = parts_->condition.state() == Condition::State::read_only ||
                   parts_->options.bug == PlantedBug::skip_flush;
  if (!journal_.has_unflushed() || flushing_ || pointless) {
    flush_due_ = flush_due_ && flushing_;
    return;
  }
  bool due = flush_due_ || !reserving_.empty() || unflushed_bytes_ >= limits_.unflushed_bytes_max;
  if (!due && !std::exchange(flush_armed_, true)) flush_later_();
  if (!due) return;
  flushing_ = true;
  flush_due_ = false;
  unflushed_bytes_ = 0;
  asio::post(io_.readers, [self = shared_from_this(), behind = journal_.flush_behind()] {
    self->post([lsn = behind.lsn, done = behind.run()](Sequencer& sequencer) {
      sequencer.on_flush_behind(lsn, done);
    });
  });
}

void Sequencer::on_flush_behind(uint64_t lsn, const Result<void>& done) {
  flushing_ = false;
  if (done) {
    journal_.note_flushed(lsn);
    on_flushed();
  } else if (parts_->options.bug != PlantedBug::trust_after_failed_flush) {
    go_read_only(done.error());
  }
  schedule();
}

// From now on nothing is written: what was flushed last is all that may be trusted.
void Sequencer::go_read_only(const Error& failure) {
  parts_->condition.set(Condition::State::read_only,
                        fmt::format("{}; no more is written until a restart", failure.message));
  spdlog::error("engine: read-only: {}", failure.message);
}

bool Sequencer::wants_round(Instant now) const {
  if (round_running_ || parts_->condition.state() == Condition::State::read_only) return false;
  if (disk_failed_) return now >= retry_at_;
  return checkpoint_wanted_ || held_ || retention_wanted_ || journal_.full_count() > 0 ||
         effects_bytes_ >= limits_.write_round_bytes || segments_are_behind();
}

void Sequencer::hand_over() {
  WriteRound round;
  round.effects = std::exchange(effects_, {});
  round.end = journal_.next();
  round.hold = held_ != nullptr;
  round.checkpoint = disk_failed_ || checkpoint_wanted_ || round.hold || journal_.full_count() > 0;
  round.retention = std::exchange(retention_wanted_, false);
  round.last = stopping_round_;
  effects_bytes_ = 0;
  checkpoint_wanted_ = false;
  round_running_ = true;
  asio::post(io_.segments, [self = shared_from_this(), round = std::move(round)]() mutable {
    self->post([result = self->parts_->writer->run(std::move(round))](Sequencer& sequencer) mutable {
      sequencer.on_round(std::move(result));
    });
  });
}

void Sequencer::on_round(RoundResult result) {
  round_running_ = false;
  unwritten_bytes_ -= std::min(unwritten_bytes_, result.written_bytes);  // recovery may have left some more
  for (auto& [log, written] : result.written) log->written = std::max(log->written, written);
  cache_.evict();
  if (result.checkpointed_lsn) {
    journal_.recycle_below(*result.checkpointed_lsn);
    if (result.removals_done) removed_.clear();
  }
  if (result.held) answer_hold(std::move(*result.held));
  if (result.failure && held_) answer_hold(std::unexpected(*result.failure));
  if (result.failure) {
    note_disk_failure(*result.failure);
  } else if (disk_failed_) {
    disk_failed_ = false;
    space_checked_at_ = Instant::min();
  }
  for (auto& [log, first] : result.trims) {
    auto request = std::make_unique<Request>();
    request->kind = Request::Kind::trim;
    request->log = log;
    request->first = first;
    submit(std::move(request));
    checkpoint_wanted_ = true;  // so that the files go soon
  }
  if (result.compaction_due && !compacting_ && !disk_failed_) compact();
  schedule();
}

// One piece at a time, so that rounds come in between.
void Sequencer::compact() {
  compacting_ = true;
  asio::post(io_.segments, [self = shared_from_this()] {
    self->post([step = self->parts_->writer->compact()](Sequencer& sequencer) mutable {
      sequencer.on_compaction(std::move(step));
    });
  });
}

void Sequencer::on_compaction(SegmentWriter::CompactionStep step) {
  compacting_ = false;
  if (step.failure) note_disk_failure(*step.failure);
  bool may_go_on = !stopped_ && !disk_failed_ && parts_->condition.state() != Condition::State::read_only;
  if (step.more && may_go_on) return compact();
  checkpoint_wanted_ = true;  // so that the files go soon
  schedule();
}

void Sequencer::note_disk_failure(const Error& failure) {
  if (failure.code != ErrorCode::disk_full) return go_read_only(failure);
  if (!disk_failed_) spdlog::warn("engine: disk full: {}", failure.message);
  disk_failed_ = true;
  retry_at_ = parts_->clock.now() + retry_interval;
  parts_->condition.set(Condition::State::disk_full, failure.message);
}

// Has the next journal file ready before the current one is full, so that changing to it waits for nothing.
// Not earlier: a server that does little needs only the first.
void Sequencer::prepare_spare(bool wanted_now) {
  bool wanted = (wanted_now || journal_.half_full()) && journal_.spare_count() == 0 &&
                journal_.file_count() < limits_.journal.files_max;
  if (!wanted || preparing_ || stopped_ || parts_->condition.state() == Condition::State::read_only) return;
  if (disk_failed_ && parts_->clock.now() < retry_at_) return;
  preparing_ = true;
  asio::post(io_.segments, [self = shared_from_this(), number = journal_.free_number()] {
    auto& parts = *self->parts_;
    auto file = log::prepare_journal_file(*parts.options.files, parts.journal_dir(), number,
                                          self->limits_.journal.file_bytes);
    self->post(
        [file = std::move(file)](Sequencer& sequencer) mutable { sequencer.on_spare(std::move(file)); });
  });
}

void Sequencer::on_spare(Result<log::JournalFile> file) {
  preparing_ = false;
  if (file) {
    journal_.add_spare(std::move(*file));
    journal_bytes_ = journal_.bytes();
  } else {
    note_disk_failure(file.error());
  }
  schedule();
}

void Sequencer::stop_if_done() {
  if (!stopped_ || round_running_ || preparing_ || compacting_ || flushing_) return;
  bool writable = parts_->condition.state() != Condition::State::read_only;
  if (!pending_.empty() || run_posted_) return;
  if (writable && !stopping_round_) {
    stopping_round_ = true;
    checkpoint_wanted_ = true;
    if (parts_->options.bug != PlantedBug::skip_flush) std::ignore = journal_.flush();  // if the disk is full
    hand_over();
    return;
  }
  auto stopped = std::exchange(stopped_, {});
  stopped();
}

std::vector<double> Sequencer::recent_commit_seconds() const {
  size_t count = recent_count_.load();
  std::vector<double> seconds;
  for (size_t i = count > recent_max ? count - recent_max : 0; i < count; ++i) {
    seconds.push_back(recent_seconds_[i % recent_max].load(std::memory_order_relaxed));
  }
  return seconds;
}

void Sequencer::remember_time(Instant since) {
  size_t count = recent_count_.load(std::memory_order_relaxed);
  double seconds = std::chrono::duration<double>(parts_->clock.now() - since).count();
  recent_seconds_[count % recent_max].store(static_cast<float>(seconds), std::memory_order_relaxed);
  recent_count_.store(count + 1, std::memory_order_release);
}

}  // namespace pabal::engine
