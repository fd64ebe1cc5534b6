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
constexpr std::string_view data_version = "3";
// The versions before it, which are brought up to date on start: their checkpoint is read, and the next one
// written as this program does.
[[nodiscard]] constexpr bool is_older_version(std::string_view version) {
  return version == "1" || version == "2";
}

}  // namespace pabal::engine
