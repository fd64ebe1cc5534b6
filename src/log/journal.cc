#include "log/journal.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/check.h"

namespace pabal::log {
namespace {

constexpr std::string_view file_suffix = ".journal";
constexpr std::string_view unfinished_suffix = ".new";
constexpr size_t prepare_piece_bytes = 1_MiB;  // flushed one by one, so that no commit's flush waits for all

std::optional<uint32_t> number_of(std::string_view name) {
  if (!name.ends_with(file_suffix)) return std::nullopt;
  name.remove_suffix(file_suffix.size());
  uint32_t number = 0;
  auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (problem != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

Result<void> write_zeros(runtime::File& file, uint64_t bytes) {
  const Bytes zeros(std::min<uint64_t>(bytes, prepare_piece_bytes));
  for (uint64_t position = 0; position < bytes; position += zeros.size()) {
    uint64_t count = std::min<uint64_t>(zeros.size(), bytes - position);
    if (auto done = file.write_at(position, BytesView(zeros).first(count)); !done) return done;
    if (auto done = file.flush(); !done) return done;
  }
  return {};
}

}  // namespace

std::string journal_file_path(const std::string& directory, uint32_t number) {
  return fmt::format("{}/{}{}", directory, number, file_suffix);
}

Result<std::vector<uint32_t>> journal_files(runtime::FileSystem& files, const std::string& directory) {
  auto names = files.list(directory);
  if (!names) return std::unexpected(names.error());
  std::vector<uint32_t> numbers;
  for (const std::string& name : *names) {
    if (auto number = number_of(name)) numbers.push_back(*number);
  }
  return numbers;
}

Result<JournalFile> prepare_journal_file(runtime::FileSystem& files, const std::string& directory,
                                         uint32_t number, uint64_t bytes) {
  std::string path = journal_file_path(directory, number);
  std::string unfinished = path + std::string(unfinished_suffix);
  {
    auto file = files.open(unfinished, runtime::OpenMode::create);
    if (!file) return std::unexpected(file.error());
    if (auto done = (*file)->reserve(bytes); !done) return std::unexpected(done.error());
    if (auto done = write_zeros(**file, bytes); !done) return std::unexpected(done.error());
  }
  if (auto done = files.rename(unfinished, path); !done) return std::unexpected(done.error());
  if (auto done = files.flush_directory(directory); !done) return std::unexpected(done.error());
  auto file = files.open(path, runtime::OpenMode::write);
  if (!file) return std::unexpected(file.error());
  return JournalFile{number, bytes, std::move(*file)};
}

bool Journal::fits(uint64_t bytes) const {
  return next_.offset + bytes <= current_.bytes || (!spare_.empty() && bytes <= spare_.front().bytes);
}

Result<void> Journal::write(std::span<const BytesView> block) {
  size_t bytes = size_of(block);
  check(fits(bytes), "a block of {} bytes does not fit the journal", bytes);
  if (next_.offset + bytes > current_.bytes) change_file();
  if (auto done = current_.file->write_at(next_.offset, block); !done) return done;
  if (unflushed_.empty() || unflushed_.back().file != current_.file)
    unflushed_.push_back({current_.file, next_.lsn});
  unflushed_.back().last_lsn = next_.lsn;
  next_.offset += bytes;
  ++next_.lsn;
  return {};
}

Result<void> JournalFlusher::flush(const Files& files) {
  std::lock_guard lock(mutex_);
  for (const auto& file : files) {
    if (failure_) break;
    if (auto done = file->flush(); !done) failure_ = done.error();
  }
  return failure_ ? Result<void>(std::unexpected(*failure_)) : Result<void>();
}

Journal::FlushBehind Journal::flush_behind() const {
  FlushBehind behind{.lsn = next_.lsn - 1, .flusher = flusher_};
  for (const Unflushed& unflushed : unflushed_) behind.files.push_back(unflushed.file);
  return behind;
}

Result<void> Journal::flush() {
  FlushBehind all = flush_behind();
  if (auto done = all.run(); !done) return done;
  note_flushed(all.lsn);
  return {};
}

void Journal::note_flushed(uint64_t lsn) {
  flushed_lsn_ = std::max(flushed_lsn_, lsn);
  std::erase_if(unflushed_, [this](const Unflushed& file) { return file.last_lsn <= flushed_lsn_; });
}

void Journal::change_file() {
  full_.push_back({std::move(current_), next_.lsn});
  current_ = std::move(spare_.front());
  spare_.pop_front();
  next_.file = current_.number;
  next_.offset = 0;
}

uint64_t Journal::bytes() const {
  uint64_t sum = current_.bytes;
  for (const Full& full : full_) sum += full.file.bytes;
  for (const JournalFile& file : spare_) sum += file.bytes;
  return sum;
}

uint32_t Journal::free_number() const {
  std::set<uint32_t> used{current_.number};
  for (const Full& full : full_) used.insert(full.file.number);
  for (const JournalFile& file : spare_) used.insert(file.number);
  uint32_t number = 0;
  while (used.contains(number)) ++number;
  return number;
}

void Journal::recycle_below(uint64_t lsn) {
  while (!full_.empty() && full_.front().end_lsn <= lsn) {
    if (full_.front().file.bytes >= file_bytes_) spare_.push_back(std::move(full_.front().file));
    full_.pop_front();
  }
}

}  // namespace pabal::log
