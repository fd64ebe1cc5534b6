#pragma once

#include <memory>

#include "engine/embedded_parts.h"
#include "engine/tail_cache.h"
#include "log/journal.h"

namespace pabal::engine {

// An engine's state, ready to go on.
struct Recovered {
  std::shared_ptr<EmbeddedParts> parts;
  log::Journal journal;
  TailCache cache;
};

// Makes a new data directory, or brings an old one to the state that its journal ends with: each log is cut
// back to its checkpoint, the journal is replayed, and a new checkpoint makes all of it durable again,
// because after a failed flush what can be read may not be what is on disk. The caller holds the directory's
// lock.
[[nodiscard]] Result<Recovered> recover(const EmbeddedOptions& options);

// DATA/VERSION: what this program writes.
constexpr std::string_view data_version = "2";
// The version before it, which is brought up to date on start: its checkpoint is read, and the next one
// written as this program does.
constexpr std::string_view data_version_before = "1";

}  // namespace pabal::engine
