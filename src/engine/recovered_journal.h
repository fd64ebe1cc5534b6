#pragma once

#include <map>
#include <set>
#include <string>

#include "log/journal.h"
#include "log/journal_format.h"

namespace pabal::engine {

// The journal's files between the end of one process and the work of the next. Recovery's; calls block.
//
// What was replayed is needed until the next checkpoint, and after a failed flush what can be read may not be
// what is on disk: the kernel takes such pages for clean. So each block is written again from the bytes that
// were checked, and all of it is flushed, before anything follows it.
class RecoveredJournal {
 public:
  RecoveredJournal(runtime::FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  // Opens the files. `clean`: the process before stopped, so that all is as it says. Otherwise their names
  // are flushed: a file whose maker failed to do that must not hold what is acknowledged from now on.
  Result<void> open(bool clean);
  Result<void> write_again(const log::BlockView& block, const log::JournalPosition& at);
  // Everything in every file, where nobody knows from which checkpoint the next start goes on.
  Result<void> write_all_again();
  // What was written again is durable.
  Result<void> flush();
  // Ready to write at `next`. Files that hold what was written again stay as they are until a checkpoint is
  // above it; the others are free. `corrupt` when the file of `next` is missing.
  Result<log::Journal> go_on(const log::JournalPosition& next, uint64_t file_bytes);

 private:
  runtime::FileSystem& files_;
  std::string directory_;
  std::map<uint32_t, log::JournalFile> opened_;
  std::set<uint32_t> needed_;
};

}  // namespace pabal::engine
