#include "log/journal_replay.h"

#include <algorithm>

#include "log/file_window.h"

namespace pabal::log {
namespace {

constexpr size_t torn_bytes_max = 64_MiB;

// One journal file and a window into it.
struct NumberedFile {
  uint32_t number;
  std::unique_ptr<runtime::File> file;
  FileWindow window;

  [[nodiscard]] uint64_t bytes() const { return window.end(); }
};

// What stands at one place of a file.
struct Found {
  std::optional<BlockClaim> claim;
  std::optional<BlockView> block;  // when it is whole
};

class Replay {
 public:
  Replay(uint64_t journal_id, JournalPosition from) : journal_id_(journal_id) { report_.next = from; }

  Result<void> open_files(runtime::FileSystem& files, const std::string& directory);
  Result<void> run(const ApplyBlock& apply);
  [[nodiscard]] ReplayReport take_report() { return std::move(report_); }

 private:
  Result<Found> look(NumberedFile& file, uint64_t position);
  Result<NumberedFile*> file_that_begins_with(uint64_t lsn);
  NumberedFile* file_numbered(uint32_t number);
  Result<void> explain_end();
  Result<bool> flushed_later(NumberedFile& file);
  Result<void> keep_torn(NumberedFile& file, uint64_t position);

  uint64_t journal_id_;
  std::vector<std::unique_ptr<NumberedFile>> opened_;
  ReplayReport report_;
};

Result<void> Replay::open_files(runtime::FileSystem& files, const std::string& directory) {
  auto numbers = journal_files(files, directory);
  if (!numbers) return std::unexpected(numbers.error());
  for (uint32_t number : *numbers) {
    auto file = files.open(journal_file_path(directory, number), runtime::OpenMode::read);
    if (!file) return std::unexpected(file.error());
    auto bytes = (*file)->size();
    if (!bytes) return std::unexpected(bytes.error());
    runtime::File& opened = **file;
    opened_.push_back(std::make_unique<NumberedFile>(number, std::move(*file), FileWindow(opened, *bytes)));
  }
  return {};
}

Result<Found> Replay::look(NumberedFile& file, uint64_t position) {
  auto header = file.window.view(position, journal_block_header_bytes);
  if (!header) return std::unexpected(header.error());
  Found found{claimed_block(*header, journal_id_), std::nullopt};
  if (!found.claim || found.claim->block_bytes > file.bytes() - position) return found;
  auto bytes = file.window.view(position, found.claim->block_bytes);
  if (!bytes) return std::unexpected(bytes.error());
  if (auto block = BlockView::parse(*bytes, journal_id_)) found.block = *block;
  return found;
}

NumberedFile* Replay::file_numbered(uint32_t number) {
  for (auto& file : opened_) {
    if (file->number == number) return file.get();
  }
  return nullptr;
}

Result<NumberedFile*> Replay::file_that_begins_with(uint64_t lsn) {
  for (auto& file : opened_) {
    auto found = look(*file, 0);
    if (!found) return std::unexpected(found.error());
    if (found->block && found->block->lsn() == lsn) return file.get();
  }
  return nullptr;
}

Result<void> Replay::run(const ApplyBlock& apply) {
  NumberedFile* file = file_numbered(report_.next.file);
  for (;;) {
    Found found;
    if (file != nullptr) {
      auto looked = look(*file, report_.next.offset);
      if (!looked) return std::unexpected(looked.error());
      found = *looked;
    }
    if (!found.block || found.block->lsn() != report_.next.lsn) {
      auto next_file = file_that_begins_with(report_.next.lsn);
      if (!next_file) return std::unexpected(next_file.error());
      if (*next_file == nullptr) return explain_end();
      file = *next_file;
      report_.next.file = file->number;
      report_.next.offset = 0;
      continue;
    }
    size_t block_bytes = found.block->aligned_bytes();
    if (auto done = apply(*found.block, report_.next); !done) return done;
    ++report_.blocks;
    report_.bytes += block_bytes;
    report_.next.offset += block_bytes;
    ++report_.next.lsn;
  }
}

// The expected block is not there. It is damage when a later block knows that it was durable.
Result<void> Replay::explain_end() {
  for (auto& file : opened_) {
    auto later = flushed_later(*file);
    if (!later) return std::unexpected(later.error());
    if (!*later) continue;
    report_.stale.clear();
    report_.damage = JournalDamage{report_.next,
                                   fmt::format("block {} was durable and is not readable", report_.next.lsn)};
    return {};
  }
  if (NumberedFile* file = file_numbered(report_.next.file); file == nullptr) {
    report_.stale.clear();
    report_.damage = JournalDamage{report_.next, "the journal file is missing"};
    return {};
  } else if (auto done = keep_torn(*file, report_.next.offset); !done || report_.torn) {
    return done;
  }
  for (auto& file : opened_) {
    if (auto done = keep_torn(*file, 0); !done || report_.torn) return done;
  }
  return {};
}

Result<bool> Replay::flushed_later(NumberedFile& file) {
  for (uint64_t position = 0; position < file.bytes(); position += journal_alignment_bytes) {
    auto header = file.window.view(position, journal_block_header_bytes);
    if (!header) return std::unexpected(header.error());
    auto claim = claimed_block(*header, journal_id_);
    if (!claim || claim->lsn <= report_.next.lsn) continue;
    auto found = look(file, position);
    if (!found) return std::unexpected(found.error());
    if (found->block && found->block->flushed_lsn() >= report_.next.lsn) return true;
    report_.stale.push_back({claim->lsn, file.number, position});
  }
  return false;
}

// Remembers what stands at `position` when it is the beginning of the block that is missing.
Result<void> Replay::keep_torn(NumberedFile& file, uint64_t position) {
  auto found = look(file, position);
  if (!found) return std::unexpected(found.error());
  if (!found->claim || found->claim->lsn != report_.next.lsn) return {};
  size_t count = std::min(found->claim->block_bytes, torn_bytes_max);
  auto bytes = file.window.view(position, count);
  if (!bytes) return std::unexpected(bytes.error());
  count = std::min(count, bytes->size());
  report_.torn = TornTail{{report_.next.lsn, file.number, position},
                          Bytes(bytes->begin(), bytes->begin() + static_cast<ptrdiff_t>(count))};
  return {};
}

}  // namespace

Result<void> erase_blocks(runtime::FileSystem& files, const std::string& directory,
                          const std::vector<JournalPosition>& blocks) {
  const Bytes zeros(journal_alignment_bytes);
  for (size_t i = 0; i < blocks.size();) {
    uint32_t number = blocks[i].file;
    auto file = files.open(journal_file_path(directory, number), runtime::OpenMode::write);
    if (!file) return std::unexpected(file.error());
    for (; i < blocks.size() && blocks[i].file == number; ++i) {
      if (auto done = (*file)->write_at(blocks[i].offset, zeros); !done) return done;
    }
    if (auto done = (*file)->flush(); !done) return done;
  }
  return {};
}

Result<ReplayReport> replay_journal(runtime::FileSystem& files, const std::string& directory,
                                    uint64_t journal_id, JournalPosition from, const ApplyBlock& apply) {
  Replay replay(journal_id, from);
  if (auto done = replay.open_files(files, directory); !done) return std::unexpected(done.error());
  if (auto done = replay.run(apply); !done) return std::unexpected(done.error());
  return replay.take_report();
}

}  // namespace pabal::log
