#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "runtime/file_system.h"

namespace pabal::engine {

// One thing that was found in a data directory.
struct Finding {
  enum class Kind {
    note,    // as a crash may leave it; the next start deals with it
    damage,  // what was durable is not there, or is not what was written
  };
  Kind kind = Kind::note;
  std::string file;
  uint64_t byte = 0;
  std::string text;  // a sentence for people
};

struct Examination {
  std::vector<Finding> findings;
  uint64_t logs = 0;
  uint64_t segments = 0;
  uint64_t batches = 0;  // in segments; each CRC was checked
  uint64_t records = 0;
  uint64_t bytes = 0;
  uint64_t journal_blocks = 0;  // that a start would replay

  // True when nothing durable is damaged.
  [[nodiscard]] bool sound() const;
};

// Reads a data directory that no server uses from end to end and says what it found. Changes nothing but
// LOCK, which it holds meanwhile. Errors: not_found (no data directory), conflict (a server has it),
// unsupported (an unknown version), io_failed. Blocks for as long as reading takes.
[[nodiscard]] Result<Examination> examine(runtime::FileSystem& files, const std::string& data_dir);

}  // namespace pabal::engine
