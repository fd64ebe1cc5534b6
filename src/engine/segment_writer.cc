#include "engine/segment_writer.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/logging.h"

namespace pabal::engine {
namespace {

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

void SegmentWriter::restore(std::shared_ptr<LogState> log, const log::LogCheckpoint& state) {
  LogId id = log->id;
  log->segments.set_segment_bytes(segment_bytes_for(state.settings, options_.limits));
  logs_[id] = {std::move(log), state.settings, state.first, state.reserved};
}

void SegmentWriter::restore_removals(std::vector<std::string> paths, bool durable) {
  (durable ? ready_removals_ : removals_) = std::move(paths);
  if (!durable) return;
  remove_files();
  for (auto& [id, stored] : logs_) {
    if (stored.settings.compact) stored.log->segments.remove_strangers();
  }
}

RoundResult SegmentWriter::run(WriteRound round) {
  RoundResult result;
  std::ranges::move(round.effects, std::back_inserter(backlog_));
  auto done = apply_backlog(result);
  if (done && round.checkpoint && options_.bug == PlantedBug::compact_above_high_watermark) {
    // Of records that came after the round was made, which the checkpoint does not wait for.
    while (compact().more) {
    }
  }
  if (done && round.checkpoint) {
    done = checkpoint(round);
    if (done) result.checkpointed_lsn = round.end.lsn;
    if (done && round.hold) {
      holding_ = true;
      result.held = describe(round);
    }
    result.removals_done = removals_.empty();
  }
  if (!done) {
    result.failure = done.error();
  } else if (round.retention) {
    retain(result);
  }
  return result;
}

Result<void> SegmentWriter::apply_backlog(RoundResult& result) {
  Batches batches;
  uint64_t bytes = 0;
  for (const Effect& effect : backlog_) {
    LogId id = effect.log->id;
    if (effect.kind == log::EntryKind::append) {
      auto& [state, of_log] = batches[id];
      state = effect.log;
      of_log.push_back(effect.batch);
      bytes += effect.batch.size();
      continue;
    }
    if (auto before = batches.find(id); before != batches.end()) {
      auto [state, of_log] = std::move(before->second);
      batches.erase(before);
      if (auto done = write(*state, of_log, result); !done) return done;
    }
    if (auto done = apply(effect); !done) return done;
  }
  for (auto& [id, of_log] : batches) {
    if (auto done = write(*of_log.first, of_log.second, result); !done) return done;
  }
  for (auto& [id, of_log] : batches) result.written.emplace_back(of_log.first, of_log.first->segments.next());
  result.written_bytes = bytes;
  backlog_.clear();
  return {};
}

Result<void> SegmentWriter::write(LogState& log, const std::vector<SharedBytes>& batches, RoundResult&) {
  if (!logs_.contains(log.id)) return {};  // removed meanwhile
  dirty_[log.id] = logs_[log.id].log;
  auto done = log.segments.append(batches, options_.clock->wall_now());
  if (!done && done.error().code == ErrorCode::corrupt) {
    // What was acknowledged goes to a segment of its own, behind the one that is damaged.
    log.damage.found(log.id, done.error().message);
    done = log.segments.append(batches, options_.clock->wall_now());
  }
  log.batches_moved();
  return done;
}

Result<void> SegmentWriter::apply(const Effect& effect) {
  switch (effect.kind) {
    case log::EntryKind::create:
      return create(effect);
    case log::EntryKind::trim:
      trim(effect);
      return {};
    case log::EntryKind::remove:
      remove(effect);
      return {};
    case log::EntryKind::reserve:
      if (auto found = logs_.find(effect.log->id); found != logs_.end()) {
        found->second.reserved = effect.reserve.up_to;
        effect.log->segments.skip_to(effect.first);
      }
      return {};
    case log::EntryKind::append:
    case log::EntryKind::create_compacted:
    case log::EntryKind::create_unflushed:
      break;
  }
  return {};
}

Result<void> SegmentWriter::create(const Effect& effect) {
  const LogId& id = effect.log->id;
  if (!is_named(id.topic, effect.settings.name)) {
    if (auto done = write_name(effect); !done) return done;
  }
  Stored& stored = logs_[id];
  stored.log = effect.log;
  stored.settings = effect.settings;
  effect.log->segments.set_segment_bytes(segment_bytes_for(effect.settings, options_.limits));
  return {};
}

// For people who look at the disk; no program reads it, so it is flushed with whatever comes next.
Result<void> SegmentWriter::write_name(const Effect& effect) {
  std::string topic = parent_of(effect.log->segments.directory());
  if (auto done = files_.file_system().make_directories(topic); !done) return done;
  auto file = files_.file_system().open(topic + "/name", runtime::OpenMode::create);
  if (!file) return std::unexpected(file.error());
  if (auto done = (*file)->resize(0); !done) return done;
  return (*file)->write_at(0, as_bytes(effect.settings.name + "\n"));
}

// Whether a log of the topic is known by that name, so that the file beside its partitions says it.
bool SegmentWriter::is_named(const TopicId& topic, const std::string& name) const {
  auto first = logs_.lower_bound({topic, PartitionIndex(0)});
  return first != logs_.end() && first->first.topic == topic && first->second.settings.name == name;
}

void SegmentWriter::trim(const Effect& effect) {
  auto found = logs_.find(effect.log->id);
  if (found == logs_.end()) return;
  found->second.first = std::max(found->second.first, effect.first);
  for (const std::string& path : effect.log->segments.trim(effect.first)) remove_later(path);
  if (effect.log->durability != Durability::memory) effect.log->segments_changed();
}

void SegmentWriter::remove(const Effect& effect) {
  if (logs_.erase(effect.log->id) == 0) return;
  dirty_.erase(effect.log->id);
  std::string partition = effect.log->segments.directory();
  for (const auto& segment : effect.log->segments.states()) {
    remove_later(log::segment_path(partition, segment));
  }
  remove_later(partition);
  auto left = logs_.lower_bound({effect.log->id.topic, PartitionIndex(0)});
  if (left == logs_.end() || left->first.topic != effect.log->id.topic) remove_later(parent_of(partition));
}

Result<void> SegmentWriter::checkpoint(const WriteRound& round) {
  if (options_.bug != PlantedBug::checkpoint_ahead_of_segments) {
    if (auto done = flush_segments(); !done) return done;
  }
  dirty_.clear();
  if (auto done = save(round); !done) return done;
  if (!holding_) {  // else the next checkpoint still says what is to be removed
    ready_removals_.insert(ready_removals_.end(), removals_.begin(), removals_.end());
    removals_.clear();
    remove_files();
  }
  for (auto& [id, stored] : logs_) stored.log->segments.save_indexes(round.last);
  return round.last ? log::mark_clean(files_.file_system(), options_.data_dir, round.end) : Result<void>();
}

Result<void> SegmentWriter::save(const WriteRound& round) {
  if (options_.bug == PlantedBug::stale_snapshot && std::exchange(has_saved_, true)) return {};
  return log::save_checkpoint(files_.file_system(), options_.data_dir, describe(round));
}

Result<void> SegmentWriter::flush_segments() {
  auto done = dirty_.size() > options_.limits.flush_one_by_one_max ? flush_volume() : flush_one_by_one();
  if (!done) return done;
  for (auto& [id, log] : dirty_) log->segments.set_flushed();
  return {};
}

// One wait instead of many.
Result<void> SegmentWriter::flush_volume() {
  auto done = options_.volume->flush();
  if (!done && done.error().code == ErrorCode::unsupported) return flush_one_by_one();
  return done;
}

Result<void> SegmentWriter::flush_one_by_one() {
  std::set<std::string> directories;
  for (auto& [id, log] : dirty_) {
    if (auto done = log->segments.flush_files(); !done) return done;
    log->segments.add_changed_directories(directories);
  }
  for (const std::string& changed : directories) {
    if (auto done = files_.file_system().flush_directory(changed); !done) return done;
  }
  return {};
}

log::Checkpoint SegmentWriter::describe(const WriteRound& round) const {
  log::Checkpoint checkpoint{
      .journal_id = options_.journal_id, .replay_from = round.end, .removals = removals_};
  checkpoint.logs.reserve(logs_.size());
  for (const auto& [id, stored] : logs_) checkpoint.logs.push_back(describe(id, stored, round.last));
  return checkpoint;
}

log::LogCheckpoint SegmentWriter::describe(const LogId& id, const Stored& stored, bool last) {
  const LogState& log = *stored.log;
  log::LogCheckpoint state{.log = id,
                           .settings = stored.settings,
                           .epoch = log.epoch,
                           .first = stored.first,
                           .next = log.segments.next(),
                           .compacted = log.segments.compacted(),
                           .reserved = stored.reserved,
                           .lost = log.lost,
                           .segments = log.segments.states()};
  if (log.durability == Durability::memory) {
    state.next = std::max(state.next, Offset(log.high_watermark));
    state.first = std::min(Offset(log.first), state.next);
  }
  // Nothing is given any more: the next process goes on where this one ends.
  if (last && log.durability != Durability::flushed) state.reserved = state.next;
  return state;
}

void SegmentWriter::remove_later(const std::string& path) {
  check(path.starts_with(options_.data_dir + "/"), "{} is not below {}", path, options_.data_dir);
  removals_.push_back(path.substr(options_.data_dir.size() + 1));
}

void SegmentWriter::remove_files() {
  for (const std::string& below : std::exchange(ready_removals_, {})) {
    if (!below.starts_with("topics/") || below.find("..") != std::string::npos) continue;
    std::string path = options_.data_dir + "/" + below;
    files_.forget(path);
    // First, so that a segment that is gone has no side file.
    if (path.ends_with(".log")) std::ignore = files_.file_system().remove(log::index_path(path));
    auto done = files_.file_system().remove_all(path);
    if (done || done.error().code == ErrorCode::not_found) continue;
    spdlog::warn("engine: cannot remove {}: {}", path, done.error().message);
    removals_.push_back(below);
  }
}

// -- compaction
// -------------------------------------------------------------------------------------------------------

bool SegmentWriter::wants_compaction(const Stored& stored) {
  return stored.settings.compact && !stored.log->damage.any() && Compaction::is_due(stored.log->segments);
}

void SegmentWriter::begin_compaction() {
  for (const auto& [id, stored] : logs_) {
    if (!wants_compaction(stored)) continue;
    compaction_ = std::make_unique<Compaction>(
        stored.log, Compaction::Options{.piece_bytes = options_.limits.compaction_piece_bytes,
                                        .map_bytes_max = options_.limits.compaction_map_bytes_max,
                                        .segment_bytes = segment_bytes_for(stored.settings, options_.limits),
                                        .tombstones_kept = stored.settings.tombstones_kept,
                                        .now = options_.clock->wall_now(),
                                        .bug = options_.bug});
    return;
  }
}

SegmentWriter::CompactionStep SegmentWriter::compact() {
  if (!compaction_) begin_compaction();
  if (!compaction_) return {};
  LogState& log = *compaction_->log();
  auto step = compaction_->step();
  if (step) {
    for (const std::string& path : step->removals) remove_later(path);
    if (logs_.contains(log.id)) dirty_[log.id] = compaction_->log();
    if (options_.bug == PlantedBug::remove_before_checkpoint) {
      ready_removals_ = std::exchange(removals_, {});
      remove_files();
    }
    if (step->done) compaction_.reset();
    return {.more = true};
  }
  compaction_.reset();
  if (step.error().code == ErrorCode::corrupt) log.damage.found(log.id, step.error().message);
  bool of_the_log = step.error().code == ErrorCode::corrupt || step.error().code == ErrorCode::not_found;
  return of_the_log ? CompactionStep{} : CompactionStep{.failure = step.error()};
}

}  // namespace pabal::engine
