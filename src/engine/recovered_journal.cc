#include "engine/recovered_journal.h"

#include <algorithm>

#include "base/check.h"

namespace pabal::engine {
namespace {

Result<void> write_file_again(runtime::File& file, uint64_t file_bytes) {
  Bytes piece;
  for (uint64_t at = 0; at < file_bytes; at += piece.size()) {
    piece.resize(std::min<uint64_t>(1_MiB, file_bytes - at));
    auto got = file.read_at(at, piece);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) break;
    piece.resize(*got);
    if (auto done = file.write_at(at, piece); !done) return done;
  }
  return {};
}

}  // namespace

Result<void> RecoveredJournal::open(bool clean) {
  auto named = clean ? Result<void>() : files_.flush_directory(directory_);
  if (!named) return named;
  auto numbers = log::journal_files(files_, directory_);
  if (!numbers) return std::unexpected(numbers.error());
  for (uint32_t number : *numbers) {
    auto file = files_.open(log::journal_file_path(directory_, number), runtime::OpenMode::write);
    if (!file) return std::unexpected(file.error());
    auto bytes = (*file)->size();
    if (!bytes) return std::unexpected(bytes.error());
    opened_[number] = {number, *bytes, std::move(*file)};
  }
  return {};
}

Result<void> RecoveredJournal::write_again(const log::BlockView& block, const log::JournalPosition& at) {
  auto found = opened_.find(at.file);
  check(found != opened_.end(), "journal file {} was made during the start", at.file);
  needed_.insert(at.file);
  return found->second.file->write_at(at.offset, block.bytes());
}

Result<void> RecoveredJournal::write_all_again() {
  for (auto& [number, opened] : opened_) {
    needed_.insert(number);
    if (auto done = write_file_again(*opened.file, opened.bytes); !done) return done;
  }
  return {};
}

Result<void> RecoveredJournal::flush() {
  for (uint32_t number : needed_) {
    if (auto done = opened_.at(number).file->flush(); !done) return done;
  }
  return {};
}

Result<log::Journal> RecoveredJournal::go_on(const log::JournalPosition& next, uint64_t file_bytes) {
  auto current = opened_.extract(next.file);
  if (current.empty()) {
    return error(ErrorCode::corrupt, "{} is missing", log::journal_file_path(directory_, next.file));
  }
  log::Journal journal(std::move(current.mapped()), next, file_bytes);
  for (auto& [number, opened] : opened_) {
    if (needed_.contains(number)) {
      journal.add_full(std::move(opened), next.lsn);
    } else if (opened.bytes >= file_bytes) {
      journal.add_spare(std::move(opened));
    }
  }
  opened_.clear();
  return journal;
}

}  // namespace pabal::engine
