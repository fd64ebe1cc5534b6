#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "runtime/file_system.h"

namespace pabal::log {

struct JournalLimits {
  uint64_t file_bytes = 64_MiB;       // one journal file; a block lies in one file
  uint64_t first_file_bytes = 4_MiB;  // the first of a new directory, so that a start is fast
  size_t files_max = 4;
};

// One file of the journal, open and ready to be written: its blocks are allocated and written once, so that
// overwriting them changes no metadata and a flush is as cheap as it can be.
struct JournalFile {
  uint32_t number = 0;  // DATA/journal/<number>.journal; says nothing about order
  uint64_t bytes = 0;
  std::shared_ptr<runtime::File> file;
};

// Where a block lies.
struct JournalPosition {
  uint64_t lsn = 0;
  uint32_t file = 0;
  uint64_t offset = 0;
  friend bool operator==(const JournalPosition&, const JournalPosition&) = default;
};

[[nodiscard]] std::string journal_file_path(const std::string& directory, uint32_t number);
// The numbers of the files in `directory`.
[[nodiscard]] Result<std::vector<uint32_t>> journal_files(runtime::FileSystem& files,
                                                          const std::string& directory);
// Makes a journal file, or replaces a smaller one, and writes it once from end to end, flushed. Takes as long
// as the disk needs. A crash on the way leaves nothing that counts: a file that was not written from end to
// end would make each flush of what is put there depend on the file system's own journal.
[[nodiscard]] Result<JournalFile> prepare_journal_file(runtime::FileSystem& files,
                                                       const std::string& directory, uint32_t number,
                                                       uint64_t bytes);

// Flushes journal files for two threads: the one that commits, and the one that flushes behind it. The kernel
// tells a failed flush once, to one of them; here every later flush fails as well.
class JournalFlusher {
 public:
  using Files = std::vector<std::shared_ptr<runtime::File>>;
  [[nodiscard]] Result<void> flush(const Files& files);

 private:
  std::mutex mutex_;  // two flushes at once would have to agree on who was told of a failure
  std::optional<Error> failure_;
};

// The files that commits are written to, one block after the other, used again when a checkpoint has made
// their blocks superfluous. One thread; calls block. A block is safe from the end of the process after
// write(), and durable after flush(), which covers all that was written before it, in whichever file.
class Journal {
 public:
  // `next`: all blocks below it are durable, or no longer needed.
  Journal(JournalFile current, JournalPosition next, uint64_t file_bytes)
      : current_(std::move(current)), next_(next), flushed_lsn_(next.lsn - 1), file_bytes_(file_bytes) {}

  // True when a block of that many bytes (aligned) has a place now.
  [[nodiscard]] bool fits(uint64_t bytes) const;
  // True when the current file has as much behind it as before it.
  [[nodiscard]] bool half_full() const { return next_.offset * 2 >= current_.bytes; }
  // Writes the next block; it must fit. After an error the block does not count, and may be written again.
  [[nodiscard]] Result<void> write(std::span<const BytesView> block);
  // Makes all writes durable. After an error nothing since the last flush may be trusted, for ever.
  [[nodiscard]] Result<void> flush();
  // The last block known to be durable.
  [[nodiscard]] uint64_t flushed_lsn() const { return flushed_lsn_; }
  [[nodiscard]] bool has_unflushed() const { return !unflushed_.empty(); }
  // The same for another thread: run() it there, and when that went well, tell note_flushed() here.
  struct FlushBehind {
    uint64_t lsn = 0;
    JournalFlusher::Files files = {};
    std::shared_ptr<JournalFlusher> flusher = {};
    [[nodiscard]] Result<void> run() const { return flusher->flush(files); }
  };
  [[nodiscard]] FlushBehind flush_behind() const;
  void note_flushed(uint64_t lsn);

  [[nodiscard]] const JournalPosition& next() const { return next_; }  // where the next block goes
  [[nodiscard]] uint64_t bytes() const;                                // of all files
  [[nodiscard]] size_t file_count() const { return 1 + full_.size() + spare_.size(); }
  [[nodiscard]] size_t spare_count() const { return spare_.size(); }
  [[nodiscard]] size_t full_count() const { return full_.size(); }
  // A file number that no file has, for a new one.
  [[nodiscard]] uint32_t free_number() const;

  void add_spare(JournalFile file) { spare_.push_back(std::move(file)); }
  // A file whose blocks, all below `end_lsn`, are still needed.
  void add_full(JournalFile file, uint64_t end_lsn) { full_.push_back({std::move(file), end_lsn}); }
  // Files whose blocks all lie below `lsn` become spare; a smaller one than the others is closed, and its
  // number is free.
  void recycle_below(uint64_t lsn);

 private:
  struct Full {
    JournalFile file;
    uint64_t end_lsn;  // one past its last block
  };

  struct Unflushed {
    std::shared_ptr<runtime::File> file;
    uint64_t last_lsn;
  };

  void change_file();

  JournalFile current_;
  JournalPosition next_;
  uint64_t flushed_lsn_;
  std::vector<Unflushed> unflushed_;  // files with blocks above flushed_lsn_, the oldest first
  std::shared_ptr<JournalFlusher> flusher_ = std::make_shared<JournalFlusher>();
  uint64_t file_bytes_;
  std::deque<Full> full_;
  std::deque<JournalFile> spare_;
};

}  // namespace pabal::log
