#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "log/journal.h"
#include "log/journal_format.h"

namespace pabal::log {

// Bytes that a crash caught before they were flushed: nobody was told that they are durable.
struct TornTail {
  JournalPosition at;
  Bytes bytes;  // what was there
};

// A block that was durable and is not there any more.
struct JournalDamage {
  JournalPosition at;
  std::string problem;
};

struct ReplayReport {
  JournalPosition next;  // where the next block goes
  uint64_t blocks = 0;   // handed out
  uint64_t bytes = 0;
  std::optional<TornTail> torn = {};
  // Blocks that were written behind the end and never flushed, as of logs that do not ask for it: the one
  // before them is lost. They must be erased, or they would follow the blocks to come.
  std::vector<JournalPosition> stale = {};
  std::optional<JournalDamage> damage = {};
};

// Takes a block and where it lies.
using ApplyBlock = std::function<Result<void>(const BlockView&, const JournalPosition&)>;

// Hands each block from `from` on to `apply`, in order, and says how the journal ends. An error of `apply` or
// of the disk ends it. Reads only.
[[nodiscard]] Result<ReplayReport> replay_journal(runtime::FileSystem& files, const std::string& directory,
                                                  uint64_t journal_id, JournalPosition from,
                                                  const ApplyBlock& apply);
// Erases what a replay found to be stale, durably.
[[nodiscard]] Result<void> erase_blocks(runtime::FileSystem& files, const std::string& directory,
                                        const std::vector<JournalPosition>& blocks);

}  // namespace pabal::log
