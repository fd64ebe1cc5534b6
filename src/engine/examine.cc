#include "engine/examine.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "engine/backup.h"
#include "engine/recovery.h"
#include "log/batch_walk.h"
#include "log/checkpoint.h"
#include "log/journal_replay.h"
#include "log/segment.h"
#include "runtime/replace_file.h"

namespace pabal::engine {
namespace {

class Examiner {
 public:
  Examiner(runtime::FileSystem& files, std::string data_dir)
      : files_(files), data_dir_(std::move(data_dir)) {}

  Result<Examination> run();

 private:
  struct Ends {
    Offset next;
    bool removed = false;
  };

  std::optional<log::Checkpoint> load();
  Result<void> examine_log(const log::LogCheckpoint& log);
  Result<void> examine_segment(const std::string& path, const log::SegmentState& state);
  Result<void> walk(const std::string& path, const log::SegmentState& state, runtime::File& file);
  void examine_index(const std::string& path, const log::SegmentState& state);
  Result<void> examine_journal(const log::Checkpoint& checkpoint);
  Result<void> follow(const log::BlockView& block);
  void follow_entry(const log::JournalEntry& entry, uint64_t lsn);
  Result<void> examine_names();
  void found(Finding::Kind kind, std::string file, uint64_t byte, std::string text) {
    result_.findings.push_back({kind, std::move(file), byte, std::move(text)});
  }

  runtime::FileSystem& files_;
  std::string data_dir_;
  Examination result_;
  std::map<LogId, Ends> ends_;  // as the journal goes on
};

Result<Examination> Examiner::run() {
  auto version = runtime::read_file(files_, data_dir_ + "/VERSION", 64);
  if (!version) return std::unexpected(version.error());
  std::string text(as_text(*version));
  while (text.ends_with('\n')) text.pop_back();
  if (text != data_version && !is_older_version(text)) {
    return error(ErrorCode::unsupported, "{}/VERSION says '{}'; this program reads versions 1 to {}",
                 data_dir_, text, data_version);
  }
  auto checkpoint = load();
  if (!checkpoint) return std::move(result_);
  for (const log::LogCheckpoint& log : checkpoint->logs) {
    if (auto done = examine_log(log); !done) return std::unexpected(done.error());
  }
  if (auto done = examine_journal(*checkpoint); !done) return std::unexpected(done.error());
  if (auto done = examine_names(); !done) return std::unexpected(done.error());
  return std::move(result_);
}

// Either file will do; a directory of an older version has only the first.
std::optional<log::Checkpoint> Examiner::load() {
  auto [path, copy_path] = log::checkpoint_paths(data_dir_);
  auto first = log::load_checkpoint_file(files_, path);
  auto copy = log::load_checkpoint_file(files_, copy_path);
  Finding::Kind kind = first || copy ? Finding::Kind::note : Finding::Kind::damage;
  if (!first) found(kind, path, 0, first.error().message);
  if (!copy && copy.error().code != ErrorCode::not_found) found(kind, copy_path, 0, copy.error().message);
  if (first) return std::move(*first);
  return copy ? std::optional(std::move(*copy)) : std::nullopt;
}

Result<void> Examiner::examine_log(const log::LogCheckpoint& log) {
  ++result_.logs;
  ends_[log.log] = {log.next};
  std::string directory = fmt::format("{}/topics/{}/{}", data_dir_, log.log.topic, log.log.partition);
  for (const log::SegmentState& segment : log.segments) {
    ++result_.segments;
    if (auto done = examine_segment(log::segment_path(directory, segment), segment); !done) return done;
  }
  return {};
}

Result<void> Examiner::examine_segment(const std::string& path, const log::SegmentState& state) {
  auto file = files_.open(path, runtime::OpenMode::read);
  if (!file && file.error().code == ErrorCode::not_found) {
    found(Finding::Kind::damage, path, 0,
          fmt::format("the file is missing; it held offsets {} to {}", state.base, state.next - 1));
    return {};
  }
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size < state.bytes) {
    found(Finding::Kind::damage, path, *size,
          fmt::format("it ends here; {} bytes were durable", state.bytes));
  } else if (*size > state.bytes) {
    found(Finding::Kind::note, path, state.bytes,
          fmt::format("{} bytes above the checkpoint, which the next start takes from the journal",
                      *size - state.bytes));
  }
  examine_index(log::index_path(path), state);
  return walk(path, state, **file);
}

void Examiner::examine_index(const std::string& path, const log::SegmentState& state) {
  constexpr size_t index_bytes_max = 64_MiB;
  auto bytes = runtime::read_file(files_, path, index_bytes_max);
  if (!bytes && bytes.error().code == ErrorCode::not_found) return;
  log::IndexedSegment segment{.base = state.base, .generation = state.generation, .bytes = state.bytes};
  Result<void> whole = bytes ? Result<void>() : std::unexpected(bytes.error());
  if (whole) {
    auto index = log::SegmentIndex::decode(*bytes, segment, log::Segment::index_interval_bytes);
    if (!index) whole = std::unexpected(index.error());
  }
  if (whole) return;
  found(Finding::Kind::note, path, 0,
        fmt::format("{}; nobody believes it, readers build it again", whole.error().message));
}

// Each batch must follow the one before it, up to the checkpoint's end; where compaction has been, offsets
// may be missing between them. After damage the rest is not judged.
Result<void> Examiner::walk(const std::string& path, const log::SegmentState& state, runtime::File& file) {
  log::BatchWalk walk(file, 0, state.bytes);
  Offset expected = state.base;
  bool gaps = state.generation > 0;
  while (!walk.at_end()) {
    auto batch = walk.current();
    Result<void> whole = batch ? batch->verify() : std::unexpected(batch.error());
    bool follows = whole && (gaps ? batch->base_offset() >= expected : batch->base_offset() == expected);
    if (whole && !follows) {
      whole = error(ErrorCode::corrupt, "offset {} is expected and {} stands here", expected,
                    batch->base_offset());
    }
    if (!whole && whole.error().code != ErrorCode::corrupt) return whole;
    if (!whole) {
      found(Finding::Kind::damage, path, walk.position(), whole.error().message);
      return {};
    }
    ++result_.batches;
    result_.records += static_cast<uint64_t>(batch->record_count());
    result_.bytes += batch->bytes().size();
    expected = batch->next_offset();
    walk.pass(*batch);
  }
  if (gaps ? expected > state.next : expected != state.next) {
    found(Finding::Kind::damage, path, state.bytes,
          fmt::format("it ends at offset {}; the checkpoint says {}", expected, state.next));
  }
  return {};
}

Result<void> Examiner::examine_journal(const log::Checkpoint& checkpoint) {
  std::string directory = data_dir_ + "/journal";
  auto replayed = log::replay_journal(
      files_, directory, checkpoint.journal_id, checkpoint.replay_from,
      [this](const log::BlockView& block, const log::JournalPosition&) { return follow(block); });
  if (!replayed) return std::unexpected(replayed.error());
  result_.journal_blocks = replayed->blocks;
  if (replayed->torn) {
    found(Finding::Kind::note, log::journal_file_path(directory, replayed->torn->at.file),
          replayed->torn->at.offset, "the torn tail of a crash; nothing of it was acknowledged");
  }
  if (replayed->damage) {
    found(Finding::Kind::damage, log::journal_file_path(directory, replayed->damage->at.file),
          replayed->damage->at.offset, replayed->damage->problem);
  }
  return {};
}

Result<void> Examiner::follow(const log::BlockView& block) {
  return block.for_each([&](const log::JournalEntry& entry) -> Result<void> {
    follow_entry(entry, block.lsn());
    return {};
  });
}

void Examiner::follow_entry(const log::JournalEntry& entry, uint64_t lsn) {
  auto problem = [&](std::string text) {
    found(Finding::Kind::damage, fmt::format("{}/journal, block {}", data_dir_, lsn), 0, std::move(text));
  };
  if (entry.kind == log::EntryKind::create) {
    if (ends_.try_emplace(entry.log).second) ++result_.logs;
    return;
  }
  auto log = ends_.find(entry.log);
  if (log == ends_.end() || log->second.removed)
    return problem(fmt::format("it changes the unknown log {}", entry.log));
  if (entry.kind == log::EntryKind::remove) log->second.removed = true;
  if (entry.kind == log::EntryKind::reserve)
    log->second.next = std::max(log->second.next, entry.reserve.from);
  if (entry.kind != log::EntryKind::append) return;
  auto batch = log::BatchView::parse(entry.batch);
  Result<void> whole = batch ? batch->verify() : std::unexpected(batch.error());
  if (!whole) return problem(whole.error().message);
  if (batch->base_offset() != log->second.next) {
    problem(fmt::format("{} goes on at {} instead of {}", entry.log, batch->base_offset(), log->second.next));
  }
  log->second.next = batch->next_offset();
}

// Directories that no log owns cost space and nothing else.
Result<void> Examiner::examine_names() {
  std::set<std::string> owned;
  for (const auto& [log, ends] : ends_) owned.insert(log.topic.to_string());
  auto topics = files_.list(data_dir_ + "/topics");
  if (!topics) return std::unexpected(topics.error());
  for (const std::string& topic : *topics) {
    if (owned.contains(topic)) continue;
    found(Finding::Kind::note, data_dir_ + "/topics/" + topic, 0, "it belongs to no log");
  }
  auto torn = files_.list(data_dir_ + "/torn");
  for (const std::string& name : torn.value_or(std::vector<std::string>())) {
    found(Finding::Kind::note, data_dir_ + "/torn/" + name, 0, "what an earlier crash left torn, kept aside");
  }
  return {};
}

}  // namespace

bool Examination::sound() const {
  return std::ranges::none_of(findings, [](const Finding& f) { return f.kind == Finding::Kind::damage; });
}

Result<Examination> examine(runtime::FileSystem& files, const std::string& data_dir) {
  if (auto whole = refuse_unfinished_backup(files, data_dir); !whole) return std::unexpected(whole.error());
  auto exists = files.exists(data_dir + "/VERSION");
  if (!exists) return std::unexpected(exists.error());
  if (!*exists) return error(ErrorCode::not_found, "{} is not a data directory: it has no VERSION", data_dir);
  auto lock = files.lock(data_dir + "/LOCK");
  if (!lock) return std::unexpected(lock.error());
  return Examiner(files, data_dir).run();
}

}  // namespace pabal::engine
