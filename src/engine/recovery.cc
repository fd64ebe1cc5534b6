#include "engine/recovery.h"

#include "base/logging.h"
#include "base/random.h"
#include "engine/backup.h"
#include "engine/recovered_journal.h"
#include "log/journal_replay.h"
#include "log/record_batch.h"
#include "runtime/replace_file.h"

namespace pabal::engine {
namespace {

Result<std::string> read_text(runtime::FileSystem& files, const std::string& path) {
  auto bytes = runtime::read_file(files, path, 64);
  if (!bytes) return std::unexpected(bytes.error());
  std::string text(as_text(*bytes));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Result<void> write_version(runtime::FileSystem& files, const std::string& data_dir) {
  return runtime::replace_file(files, data_dir + "/VERSION", as_bytes(std::string(data_version) + "\n"));
}

// Whether `data_dir` holds data that this program reads; false when it has still to be made.
Result<bool> check_version(runtime::FileSystem& files, const std::string& data_dir) {
  auto version = read_text(files, data_dir + "/VERSION");
  if (version && *version == data_version) return true;
  if (version && is_older_version(*version)) {
    // From now on the program of before refuses the directory, so that it cannot misread it.
    if (auto done = write_version(files, data_dir); !done) return std::unexpected(done.error());
    SPDLOG_INFO("engine: {} was of version {} and is of version {} now", data_dir, *version, data_version);
    return true;
  }
  if (version) {
    return error(ErrorCode::unsupported,
                 "{}/VERSION says '{}'; this program reads versions 1 to {}: use the program that wrote it",
                 data_dir, *version, data_version);
  }
  if (!version && version.error().code != ErrorCode::not_found) return std::unexpected(version.error());
  auto topics = files.list(data_dir + "/topics");
  if (topics && !topics->empty()) {
    return error(ErrorCode::corrupt, "{} holds topics, but no VERSION says in which format", data_dir);
  }
  return false;
}

Result<void> flush_name_of(runtime::FileSystem& files, const std::string& dir) {
  auto parent = dir.rfind('/');
  return files.flush_directory(parent == std::string::npos ? "." : parent == 0 ? "/" : dir.substr(0, parent));
}

// VERSION comes last: without it nothing else counts.
Result<void> make_directory(const EmbeddedOptions& options) {
  runtime::FileSystem& files = *options.files;
  const std::string& dir = options.data_dir;
  for (const char* name : {"/journal", "/topics"}) {
    if (auto done = files.make_directories(dir + name); !done) return done;
  }
  auto first = log::prepare_journal_file(files, dir + "/journal", 0, options.limits.journal.first_file_bytes);
  if (!first) return std::unexpected(first.error());
  uint64_t journal_id = options.journal_id.value_or(Random::from_system().next());
  log::Checkpoint checkpoint{.journal_id = journal_id, .replay_from = {.lsn = 1, .file = 0, .offset = 0}};
  if (auto done = log::save_checkpoint(files, dir, checkpoint); !done) return done;
  if (auto done = write_version(files, dir); !done) return done;
  return flush_name_of(files, dir);
}

class Recovery {
 public:
  explicit Recovery(const EmbeddedOptions& options)
      : parts_(std::make_shared<EmbeddedParts>(options)),
        files_(*options.files),
        journal_(files_, parts_->journal_dir()),
        cache_(options.limits.cached_bytes_max) {}

  Result<Recovered> run();

 private:
  Result<log::Checkpoint> load();
  Result<void> restore();
  Result<void> apply(const log::BlockView& block, const log::JournalPosition& at);
  Result<void> apply_entry(const log::JournalEntry& entry);
  Result<void> apply_reserve(const std::shared_ptr<LogState>& log, const log::JournalEntry& entry);
  Result<void> apply_append(const std::shared_ptr<LogState>& log, const log::JournalEntry& entry);
  void apply_create(const std::shared_ptr<LogState>& log, const log::JournalEntry& entry);
  void go_on_at(LogState& log, Offset offset);
  void go_on_above_reservations();
  Result<void> write_round();
  Result<log::ReplayReport> replay();
  Result<void> settle(const log::ReplayReport& report);
  void report(const log::ReplayReport& report);
  void keep_aside(const log::TornTail& torn);

  std::shared_ptr<EmbeddedParts> parts_;
  runtime::FileSystem& files_;
  RecoveredJournal journal_;
  TailCache cache_;
  log::JournalPosition replay_from_;
  std::vector<Effect> effects_;
  uint64_t effects_bytes_ = 0;
  bool clean_ = false;         // the last stop was
  bool checkpointed_ = false;  // the checkpoint that was loaded is durable
};

// After a clean stop the checkpoint is known to be durable. Otherwise what can be read may be a file whose
// name its writer failed to flush, and the next crash would bring back the one before it, or no directory at
// all: it is written again before anything is removed or overwritten because of it.
Result<log::Checkpoint> Recovery::load() {
  const std::string& dir = parts_->options.data_dir;
  auto checkpoint = log::load_checkpoint(files_, dir);
  if (!checkpoint) return checkpoint;
  auto clean = log::take_clean_mark(files_, dir, checkpoint->replay_from);
  if (!clean) return std::unexpected(clean.error());
  clean_ = *clean;
  auto saved = clean_ ? Result<void>() : log::save_checkpoint(files_, dir, *checkpoint);
  checkpointed_ = saved.has_value();
  if (!saved && saved.error().code != ErrorCode::disk_full) return std::unexpected(saved.error());
  auto named = clean_ ? Result<void>() : flush_name_of(files_, dir);
  if (!named) return std::unexpected(named.error());
  return checkpoint;
}

Result<void> Recovery::restore() {
  auto checkpoint = load();
  if (!checkpoint) return std::unexpected(checkpoint.error());
  parts_->journal_id = checkpoint->journal_id;
  replay_from_ = checkpoint->replay_from;
  auto volume = files_.open_volume(parts_->options.data_dir);
  if (!volume) return std::unexpected(volume.error());
  parts_->writer = std::make_unique<SegmentWriter>(
      parts_->cache, SegmentWriter::Options{parts_->options.data_dir, parts_->journal_id, &parts_->clock,
                                            parts_->options.limits, parts_->options.bug, std::move(*volume)});
  for (log::LogCheckpoint& state : checkpoint->logs) {
    bool cut = parts_->options.bug == PlantedBug::cut_one_too_far && !state.segments.empty();
    if (cut && state.segments.back().bytes > 0) --state.segments.back().bytes;
    Offset lost_from = state.next;
    if (state.settings.durability == Durability::memory) lost_from = std::exchange(state.first, state.next);
    if (lost_from < state.next) {
      state.lost += state.next - lost_from;
      state.epoch = LeaderEpoch(state.epoch.value() + 1);
    }
    auto log = parts_->make_log(state.log, state);
    if (lost_from < state.next) log->lost_now.emplace(lost_from, state.next);
    parts_->writer->restore(log, state);
    parts_->table.add(std::move(log));
  }
  parts_->writer->restore_removals(std::move(checkpoint->removals), checkpointed_);
  return {};
}

Result<void> Recovery::apply(const log::BlockView& block, const log::JournalPosition& at) {
  if (auto done = journal_.write_again(block, at); !done) return done;
  uint32_t left = block.entry_count();
  bool lose_last = parts_->options.bug == PlantedBug::replay_half_commit && left > 1;
  auto done = block.for_each([&](const log::JournalEntry& entry) -> Result<void> {
    if (--left == 0 && lose_last) return {};
    return apply_entry(entry);
  });
  if (!done) return done;
  if (effects_bytes_ < parts_->options.limits.replayed_bytes_max) return {};
  return write_round();
}

Result<void> Recovery::apply_entry(const log::JournalEntry& entry) {
  auto log = parts_->table.find(entry.log);
  if (entry.kind == log::EntryKind::create) {
    apply_create(log, entry);
    return {};
  }
  if (!log)
    return error(ErrorCode::corrupt, "the journal changes the log {}, which it did not make", entry.log);
  if (entry.kind == log::EntryKind::append) return apply_append(log, entry);
  if (entry.kind == log::EntryKind::reserve) return apply_reserve(log, entry);
  if (entry.kind == log::EntryKind::trim) {
    log->first = std::max(log->first.load(), entry.first.value());
  } else {
    log->removed = true;
    parts_->table.remove(entry.log);
  }
  effects_.push_back({entry.kind, log, {}, {}, entry.first});
  return {};
}

void Recovery::apply_create(const std::shared_ptr<LogState>& found, const log::JournalEntry& entry) {
  auto log = found ? found : parts_->make_log(entry.log, {.settings = entry.settings});
  log->settings = entry.settings;
  if (!found) parts_->table.add(log);
  effects_.push_back({log::EntryKind::create, log, {}, entry.settings, {}});
}

// A reservation that begins above the log's end was made by a process that went on there, but had no room on
// the disk for the checkpoint that says so.
Result<void> Recovery::apply_reserve(const std::shared_ptr<LogState>& log, const log::JournalEntry& entry) {
  const log::Reservation& reserve = entry.reserve;
  bool written = log->durability == Durability::written;
  if (log->durability == Durability::flushed || (written && reserve.from < log->next)) {
    return error(ErrorCode::corrupt, "the journal reserves offsets from {} for {}, which ends at {}",
                 reserve.from, entry.log, log->next);
  }
  if (written && reserve.from > log->next) go_on_at(*log, reserve.from);
  log->epoch = std::max(log->epoch, reserve.epoch);
  log->reserved = log->reserving = reserve.up_to;
  effects_.push_back(
      {.kind = log::EntryKind::reserve, .log = log, .first = log->continues_at, .reserve = reserve});
  return {};
}

// What lies between the log's end and `offset` is lost.
void Recovery::go_on_at(LogState& log, Offset offset) {
  Offset from = log.lost_now ? log.lost_now->first : log.next;
  log.lost_now.emplace(from, offset);
  log.lost += offset - log.next;
  log.gaps.emplace_back(log.next, offset);
  if (Offset(log.first) >= log.next) log.first = offset.value();
  log.next = log.continues_at = offset;
  log.high_watermark = offset.value();
}

// After an unclean stop nobody knows how far the logs that are not flushed had come.
void Recovery::go_on_above_reservations() {
  for (const auto& log : parts_->table.all()) {
    if (log->durability == Durability::flushed) continue;
    if (!clean_ && log->reserved > log->next) {
      go_on_at(*log, log->reserved);
      log->epoch = LeaderEpoch(log->epoch.value() + 1);
      effects_.push_back({.kind = log::EntryKind::reserve,
                          .log = log,
                          .first = log->next,
                          .reserve = {log->next, log->next, log->epoch}});
      effects_.push_back({.kind = log::EntryKind::trim, .log = log, .first = Offset(log->first)});
    }
    if (!log->lost_now) continue;
    auto [from, to] = *log->lost_now;
    SPDLOG_WARN(
        "engine: partition {} of {} is not flushed and may have lost offsets {} to {}; it goes on at {}",
        log->id.partition, log->name, from, to - 1, log->next);
  }
}

Result<void> Recovery::apply_append(const std::shared_ptr<LogState>& log, const log::JournalEntry& entry) {
  auto batch = log::BatchView::parse(entry.batch);
  if (!batch) return std::unexpected(batch.error());
  if (batch->base_offset() != log->next) {
    return error(ErrorCode::corrupt, "the journal appends to {} at offset {}, but it ends at {}", entry.log,
                 batch->base_offset(), log->next);
  }
  SharedBytes bytes(Bytes(entry.batch.begin(), entry.batch.end()));
  log->next = batch->next_offset();
  log->high_watermark = log->next.value();
  effects_bytes_ += bytes.size();
  log->stored_bytes += bytes.size();
  effects_.push_back({log::EntryKind::append, log, bytes, {}, {}});
  cache_.add(log, batch->base_offset(), log->next, std::move(bytes));
  return {};
}

Result<void> Recovery::write_round() {
  effects_bytes_ = 0;
  RoundResult result = parts_->writer->run({.effects = std::exchange(effects_, {})});
  for (auto& [log, written] : result.written) log->written = written;
  cache_.evict();
  if (!result.failure) return {};
  // A full disk does not keep the server from starting: what was replayed stays in memory, and the segment
  // writer tries again.
  if (result.failure->code == ErrorCode::disk_full) return {};
  return std::unexpected(*result.failure);
}

Result<void> Recovery::settle(const log::ReplayReport& replayed) {
  report(replayed);
  if (replayed.torn) keep_aside(*replayed.torn);
  if (replayed.damage) {
    const log::JournalDamage& damage = *replayed.damage;
    parts_->condition.set(Condition::State::read_only,
                          fmt::format("{} is damaged at byte {}: {}; nothing was cut, no more is written",
                                      log::journal_file_path(parts_->journal_dir(), damage.at.file),
                                      damage.at.offset, damage.problem));
    spdlog::error("engine: {}", parts_->condition.get()->reason);
    return {};
  }
  auto erased = log::erase_blocks(files_, parts_->journal_dir(), replayed.stale);
  if (!erased) return erased;
  go_on_above_reservations();
  auto written = checkpointed_ ? Result<void>() : journal_.write_all_again();
  return written ? journal_.flush() : written;
}

void Recovery::report(const log::ReplayReport& replayed) {
  if (replayed.blocks == 0) return;
  spdlog::info("engine: replayed {} journal blocks, {} bytes", replayed.blocks, replayed.bytes);
}

void Recovery::keep_aside(const log::TornTail& torn) {
  std::string path = fmt::format("{}/torn/{}", parts_->options.data_dir, torn.at.lsn);
  Result<void> done = files_.make_directories(parts_->options.data_dir + "/torn");
  if (done) done = runtime::replace_file(files_, path, torn.bytes);
  spdlog::warn(
      "engine: cut a torn tail of {} bytes off {} at byte {} (nothing of it was acknowledged as flushed); {} "
      "{}",
      torn.bytes.size(), log::journal_file_path(parts_->journal_dir(), torn.at.file), torn.at.offset,
      done ? "kept as" : "not kept as", path);
}

// After a clean stop there is nothing to look for in the journal.
Result<log::ReplayReport> Recovery::replay() {
  if (clean_) return log::ReplayReport{.next = replay_from_};
  return log::replay_journal(
      files_, parts_->journal_dir(), parts_->journal_id, replay_from_,
      [this](const log::BlockView& block, const log::JournalPosition& at) { return apply(block, at); });
}

Result<Recovered> Recovery::run() {
  if (auto done = restore(); !done) return std::unexpected(done.error());
  if (auto done = journal_.open(clean_); !done) return std::unexpected(done.error());
  auto replayed = replay();
  if (!replayed) return std::unexpected(replayed.error());
  if (auto done = settle(*replayed); !done) return std::unexpected(done.error());
  auto journal = journal_.go_on(replayed->next, parts_->options.limits.journal.file_bytes);
  if (!journal) return std::unexpected(journal.error());
  bool behind = !checkpointed_ || replayed->blocks > 0 || replayed->torn || !effects_.empty();
  return Recovered{.parts = std::move(parts_),
                   .journal = std::move(*journal),
                   .cache = std::move(cache_),
                   .effects = std::move(effects_),
                   .effects_bytes = effects_bytes_,
                   .checkpoint_wanted = behind};
}

}  // namespace

Result<Recovered> recover(const EmbeddedOptions& options) {
  auto whole = refuse_unfinished_backup(*options.files, options.data_dir);
  if (!whole) return std::unexpected(whole.error());
  auto made = check_version(*options.files, options.data_dir);
  if (!made) return std::unexpected(made.error());
  if (!*made) {
    if (auto done = make_directory(options); !done) return std::unexpected(done.error());
  }
  return Recovery(options).run();
}

}  // namespace pabal::engine
