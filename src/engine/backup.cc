#include "engine/backup.h"

#include "engine/recovery.h"
#include "log/journal.h"
#include "runtime/replace_file.h"

namespace pabal::engine {
namespace {

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

constexpr std::string_view mark_text =
    "This directory is an unfinished backup. Delete it, and take the backup again.\n";

}  // namespace

Result<void> refuse_unfinished_backup(runtime::FileSystem& files, const std::string& directory) {
  auto marked = files.exists(fmt::format("{}/{}", directory, backup_mark));
  if (!marked) return std::unexpected(marked.error());
  if (!*marked) return {};
  return error(
      ErrorCode::corrupt,
      "{} is an unfinished backup (it holds {}) and lacks part of the data; delete the directory and "
      "take the backup again",
      directory, backup_mark);
}

Result<void> Backup::check_target() const {
  auto data = files_.resolve(options_.data_dir);
  auto target = files_.resolve(options_.directory);
  if (!data) return std::unexpected(data.error());
  if (!target) return std::unexpected(target.error());
  if (*target == *data || target->starts_with(*data + "/")) {
    return error(ErrorCode::invalid, "{} lies in the data directory {}; a backup goes outside of it",
                 options_.directory, *data);
  }
  auto there = files_.exists(*target);
  if (!there) return std::unexpected(there.error());
  if (!*there) return {};
  auto names = files_.list(*target);
  if (!names) return std::unexpected(names.error());
  if (names->empty()) return {};
  if (auto whole = refuse_unfinished_backup(files_, *target); !whole) {
    return error(ErrorCode::conflict, "{}", whole.error().message);
  }
  return error(ErrorCode::conflict, "{} is not empty; a backup goes into a new or an empty directory",
               options_.directory);
}

Result<void> Backup::begin() {
  if (auto fine = check_target(); !fine) return fine;
  std::vector<std::string> grown;  // directories that get a name
  for (std::string path = options_.directory;; path = grown.back()) {
    auto there = files_.exists(path);
    if (!there) return std::unexpected(there.error());
    if (*there) break;
    grown.push_back(parent_of(path));
  }
  if (auto done = files_.make_directories(options_.directory); !done) return done;
  // Not replace_file(): the mark stands as soon as anything does.
  auto mark = files_.open(fmt::format("{}/{}", options_.directory, backup_mark), runtime::OpenMode::create);
  if (!mark) return std::unexpected(mark.error());
  marked_ = true;
  if (auto done = (*mark)->write_at(0, as_bytes(mark_text)); !done) return done;
  if (auto done = (*mark)->flush(); !done) return done;
  grown.push_back(options_.directory);
  for (const std::string& directory : grown) {
    if (auto done = files_.flush_directory(directory); !done) return done;
  }
  return {};
}

std::string Backup::log_dir(const std::string& directory, const log::LogId& log) const {
  return fmt::format("{}/topics/{}/{}", directory, log.topic, log.partition);
}

Result<bool> Backup::step() {
  if (log_ == cut_.logs.size()) return true;
  const log::LogCheckpoint& log = cut_.logs[log_];
  if (segment_ == log.segments.size()) {
    if (auto done = end_log(); !done) return std::unexpected(done.error());
    ++log_;
    segment_ = 0;
    return log_ == cut_.logs.size();
  }
  if (!from_) {
    auto opened = open_segment();
    if (!opened) return std::unexpected(opened.error());
    if (!*opened) ++segment_;
    return false;
  }
  auto more = copy_piece();
  if (!more) return std::unexpected(more.error());
  if (*more) return false;
  if (auto done = to_->flush(); !done) return std::unexpected(done.error());
  from_.reset();
  to_.reset();
  ++segment_;
  return false;
}

// False when there is no such file: what is damaged here is as damaged in the backup, and the rest is whole.
Result<bool> Backup::open_segment() {
  const log::LogCheckpoint& log = cut_.logs[log_];
  const log::SegmentState& segment = log.segments[segment_];
  std::string directory = log_dir(options_.directory, log.log);
  if (auto done = files_.make_directories(directory); !done) return std::unexpected(done.error());
  std::string source = log::segment_path(log_dir(options_.data_dir, log.log), segment);
  auto from = files_.open(source, runtime::OpenMode::read);
  if (!from && from.error().code == ErrorCode::not_found && segment.bytes > 0) {
    report_.damaged.push_back(fmt::format("{} is missing", source));
  }
  if (!from && from.error().code == ErrorCode::not_found) return false;
  if (!from) return std::unexpected(from.error());
  auto to = files_.open(log::segment_path(directory, segment), runtime::OpenMode::create);
  if (!to) return std::unexpected(to.error());
  from_ = std::move(*from);
  to_ = std::move(*to);
  at_ = unflushed_ = 0;
  return true;
}

// False when the segment has been copied to its end.
Result<bool> Backup::copy_piece() {
  const log::SegmentState& segment = cut_.logs[log_].segments[segment_];
  Bytes piece(std::min<uint64_t>(piece_bytes, segment.bytes - at_));
  auto got = from_->read_at(at_, piece);
  if (!got) return std::unexpected(got.error());
  if (auto done = to_->write_at(at_, BytesView(piece).first(*got)); !done)
    return std::unexpected(done.error());
  at_ += *got;
  report_.bytes += *got;
  unflushed_ += *got;
  if (*got < piece.size()) {
    std::string path = log::segment_path(log_dir(options_.data_dir, cut_.logs[log_].log), segment);
    report_.damaged.push_back(
        fmt::format("{} ends at byte {}; {} bytes of it were durable", path, at_, segment.bytes));
    return false;
  }
  if (unflushed_ >= flush_bytes_max) {
    if (auto done = to_->flush(); !done) return std::unexpected(done.error());
    unflushed_ = 0;
  }
  return at_ < segment.bytes;
}

// The names of its files, and the topic's name for people who look at the disk.
Result<void> Backup::end_log() {
  const log::LogCheckpoint& log = cut_.logs[log_];
  ++report_.logs;
  std::string directory = log_dir(options_.directory, log.log);
  auto there = files_.exists(directory);
  if (!there) return std::unexpected(there.error());
  if (!*there) return {};  // it holds no records
  if (auto done = files_.flush_directory(directory); !done) return done;
  std::string topic = parent_of(directory);
  auto named = files_.exists(topic + "/name");
  if (!named) return std::unexpected(named.error());
  if (*named) return files_.flush_directory(topic);
  return runtime::replace_file(files_, topic + "/name", as_bytes(log.settings.name + "\n"));
}

// VERSION comes last: without it nothing else counts; and the mark goes when all of it is durable.
Result<void> Backup::finish() {
  const std::string& directory = options_.directory;
  for (const char* name : {"/journal", "/topics"}) {
    if (auto done = files_.make_directories(directory + name); !done) return done;
  }
  if (auto done = files_.flush_directory(directory + "/topics"); !done) return done;
  auto journal = log::prepare_journal_file(files_, directory + "/journal", 0, options_.journal_bytes);
  if (!journal) return std::unexpected(journal.error());
  cut_.journal_id = options_.journal_id;
  cut_.replay_from = {.lsn = 1, .file = 0, .offset = 0};
  cut_.removals.clear();
  if (auto done = log::save_checkpoint(files_, directory, cut_); !done) return done;
  std::string version(data_version);
  auto done = runtime::replace_file(files_, directory + "/VERSION", as_bytes(version + "\n"));
  if (done) done = files_.flush_directory(directory);
  if (done) done = files_.remove(fmt::format("{}/{}", directory, backup_mark));
  if (done) done = files_.flush_directory(directory);
  return done;
}

// -- the gate
// ---------------------------------------------------------------------------------------------------------

Result<void> BackupGate::enter(const std::string& directory) {
  std::lock_guard lock(mutex_);
  if (closing_) return error(ErrorCode::unavailable, "the engine is stopping");
  if (!running_.empty()) {
    return error(ErrorCode::conflict, "a backup to {} is under way; one is taken at a time", running_);
  }
  running_ = directory;
  return {};
}

void BackupGate::leave() {
  std::move_only_function<void()> ended;
  {
    std::lock_guard lock(mutex_);
    running_.clear();
    ended = std::exchange(ended_, {});
  }
  if (ended) ended();
}

bool BackupGate::closing() const {
  std::lock_guard lock(mutex_);
  return closing_;
}

bool BackupGate::close() {
  std::lock_guard lock(mutex_);
  closing_ = true;
  return running_.empty();
}

void BackupGate::when_ended(std::move_only_function<void()> ended) {
  {
    std::lock_guard lock(mutex_);
    if (!running_.empty()) {
      ended_ = std::move(ended);
      return;
    }
  }
  ended();
}

}  // namespace pabal::engine
