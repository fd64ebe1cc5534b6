#include "engine/compaction.h"

#include <algorithm>

#include "base/check.h"

namespace pabal::engine {

Compaction::Compaction(std::shared_ptr<LogState> log, const Options& options)
    : log_(std::move(log)),
      options_(options),
      sources_(log_->segments.closed()),
      mapped_to_(log_->segments.compacted()) {
  auto is_compacted = [&](const SegmentPtr& segment) { return segment->state().next <= mapped_to_; };
  source_ = static_cast<size_t>(std::ranges::partition_point(sources_, is_compacted) - sources_.begin());
  at_ = mapped_to_;
}

bool Compaction::is_due(const log::SegmentedLog& log) {
  uint64_t clean = 0;
  uint64_t dirty = 0;
  for (const SegmentPtr& segment : log.closed()) {
    log::SegmentState state = segment->state();
    (state.next <= log.compacted() ? clean : dirty) += state.bytes;
  }
  return dirty > 0 && dirty >= clean;
}

Result<Compaction::Step> Compaction::step() {
  if (log_->removed) return Step{.done = true};
  if (phase_ == Phase::rewriting) return rewrite_piece();
  if (auto done = map_piece(); !done) return std::unexpected(done.error());
  return Step{};
}

// -- mapping
// ----------------------------------------------------------------------------------------------------------

Result<void> Compaction::map_piece() {
  if (source_ == sources_.size()) {
    begin_rewriting();
    return {};
  }
  log::SegmentState state = sources_[source_]->state();
  auto batches = sources_[source_]->read(log_->segments.files(), at_, options_.piece_bytes);
  if (!batches) return std::unexpected(batches.error());
  for (const SharedBytes& bytes : *batches) {
    auto batch = log::BatchView::parse(bytes.view());
    if (!batch) return std::unexpected(batch.error());
    if (!last_.empty() && last_.bytes() + bytes.size() > options_.map_bytes_max) {
      begin_rewriting();
      return {};
    }
    if (!map_batch(*batch)) return error(ErrorCode::corrupt, "a batch at {} is malformed", at_);
    at_ = mapped_to_ = batch->next_offset();
  }
  if (batches->empty() || at_ >= state.next) {
    at_ = mapped_to_ = state.next;
    ++source_;
  }
  return {};
}

bool Compaction::map_batch(const log::BatchView& batch) {
  auto read = batch.for_each([&](const log::StoredRecord& record) {
    if (record.key) last_.add(*record.key, record.offset);
    return true;
  });
  return read || batch.is_compressed();
}

// A planted bug: what is seen and in no segment yet. Of a log that is not flushed a crash may still take it.
void Compaction::map_tail() {
  auto batches = log_->tail.read(log_->segments.next(), Offset(log_->high_watermark), SIZE_MAX);
  if (!batches) return;
  for (const SharedBytes& bytes : *batches) std::ignore = map_batch(*log::BatchView::parse(bytes.view()));
}

void Compaction::begin_rewriting() {
  if (options_.bug == PlantedBug::compact_above_high_watermark) map_tail();
  phase_ = Phase::rewriting;
  source_ = 0;
  group_begin_ = group_end_ = 0;
  at_ = sources_.empty() ? Offset() : sources_.front()->state().base;
}

// -- rewriting
// --------------------------------------------------------------------------------------------------------

// Which sources become one segment: as many as fit, those at least in part below what was mapped.
Result<void> Compaction::begin_group() {
  uint64_t bytes = 0;
  group_begin_ = group_end_ = source_;
  if (last_.empty()) return {};
  while (group_end_ < sources_.size()) {
    log::SegmentState state = sources_[group_end_]->state();
    bool fits = group_end_ == group_begin_ || bytes + state.bytes <= options_.segment_bytes;
    if (state.base >= mapped_to_ || !fits) break;
    bytes += state.bytes;
    ++group_end_;
  }
  if (group_begin_ == group_end_) return {};
  changed_ = group_end_ - group_begin_ > 1;
  auto fresh =
      log_->segments.begin_rewrite(std::span(sources_).subspan(group_begin_, group_end_ - group_begin_));
  if (!fresh) return std::unexpected(fresh.error());
  fresh_ = std::move(*fresh);
  return {};
}

Result<Compaction::Step> Compaction::rewrite_piece() {
  if (!fresh_) {
    if (auto done = begin_group(); !done) return std::unexpected(done.error());
    if (!fresh_) {
      log_->segments.set_compacted(mapped_to_);
      return Step{.done = true};
    }
  }
  log::SegmentState state = sources_[source_]->state();
  auto batches = sources_[source_]->read(log_->segments.files(), at_, options_.piece_bytes);
  if (!batches) return std::unexpected(batches.error());
  for (const SharedBytes& bytes : *batches) {
    auto batch = log::BatchView::parse(bytes.view());
    if (!batch) return std::unexpected(batch.error());
    if (auto done = rewrite_batch(*batch); !done) return std::unexpected(done.error());
    at_ = batch->next_offset();
  }
  if (auto done = write_out(state.last_append); !done) return std::unexpected(done.error());
  if (!batches->empty() && at_ < state.next) return Step{};
  at_ = state.next;
  ++source_;
  return source_ == group_end_ ? end_group() : Step{};
}

bool Compaction::stays(const log::StoredRecord& record, const log::BatchView& batch) const {
  if (!record.key || record.offset >= mapped_to_) return true;
  auto last = last_.find(*record.key);
  if (last && *last > record.offset) return false;
  if (record.value || unreadable_) return true;
  if (options_.bug == PlantedBug::lose_tombstone) return false;
  auto horizon = batch.delete_horizon();
  return !horizon || options_.now < *horizon;
}

// What is not changed stays as it was stored, compressed or not.
Result<void> Compaction::rewrite_batch(const log::BatchView& stored) {
  if (!stored.is_compressed()) return put(stored, stored);
  auto plain = log::uncompressed_batch(stored);
  if (!plain) {
    unreadable_ = true;
    out_.insert(out_.end(), stored.bytes().begin(), stored.bytes().end());
    return {};
  }
  return put(stored, *log::BatchView::parse(*plain));
}

Result<void> Compaction::put(const log::BatchView& stored, const log::BatchView& batch) {
  std::vector<log::StoredRecord> kept;
  bool tombstone = false;
  auto read = batch.for_each([&](const log::StoredRecord& record) {
    if (!stays(record, batch)) return true;
    tombstone = tombstone || (record.key && !record.value && record.offset < mapped_to_);
    kept.push_back(record);
    return true;
  });
  if (!read) return read;
  auto horizon = batch.delete_horizon();
  if (tombstone && !horizon) {
    horizon = options_.now + std::chrono::duration_cast<std::chrono::milliseconds>(options_.tombstones_kept);
  }
  bool all = kept.size() == static_cast<size_t>(batch.record_count());
  if (all && horizon == batch.delete_horizon()) {
    out_.insert(out_.end(), stored.bytes().begin(), stored.bytes().end());
    return {};
  }
  changed_ = true;
  if (kept.empty()) return {};
  Bytes retained = log::retained_batch(batch, kept, horizon);
  out_.insert(out_.end(), retained.begin(), retained.end());
  return {};
}

Result<void> Compaction::write_out(WallTime last_append) {
  if (out_.empty()) return {};
  if (auto done = log_->segments.write_rewrite(*fresh_, out_); !done) return done;
  for (size_t at = 0; at < out_.size();) {
    auto batch = log::BatchView::parse(BytesView(out_).subspan(at));
    check(batch.has_value(), "a rewritten batch at {} is malformed", at);
    fresh_->grew(*batch, last_append);
    at += batch->bytes().size();
  }
  out_.clear();
  return {};
}

Compaction::Step Compaction::end_group() {
  auto old = std::span(sources_).subspan(group_begin_, group_end_ - group_begin_);
  fresh_->ends_at(old.back()->state().next);
  Step step;
  if (changed_) step.removals = log_->segments.replace(old, fresh_);
  if (step.removals.empty()) {
    drop_fresh();  // nothing was to gain, or the sources were trimmed meanwhile
  } else {
    fresh_.reset();
  }
  log_->segments_changed();
  return step;
}

// At once: the next pass uses the name again.
void Compaction::drop_fresh() {
  if (!fresh_) return;
  log_->segments.files().forget(fresh_->path());
  std::ignore = log_->segments.files().file_system().remove(fresh_->path());
  fresh_.reset();
}

}  // namespace pabal::engine
