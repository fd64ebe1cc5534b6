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
  std::vector<Effect> effects;  // what the journal alone holds
  uint64_t effects_bytes = 0;
  bool checkpoint_wanted = false;
};

// Makes a new data directory, or brings an old one to the state that its journal ends with: the journal is
// replayed on top of the checkpoint, into memory and, above replayed_bytes_max, into segments. All of it is
// durable on return (see RecoveredJournal); the segment writer does the rest behind the start, so that a
// start does not wait for as many files as logs were written. The caller holds the directory's lock.
[[nodiscard]] Result<Recovered> recover(const EmbeddedOptions& options);

// DATA/VERSION: what this program writes.
constexpr std::string_view data_version = "3";
// The versions before it, which are brought up to date on start: their checkpoint is read, and the next one
// written as this program does.
[[nodiscard]] constexpr bool is_older_version(std::string_view version) {
  return version == "1" || version == "2";
}

}  // namespace pabal::engine
