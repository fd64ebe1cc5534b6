#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "broker/groups.h"

namespace pabal::broker {

// A group, and what keeps it going.
struct Groups::OpenGroup {
  OpenGroup(Group g, Instant now) : group(std::move(g)), used(now) {}
  Group group;
  Instant used;                            // last had a member, or was committed to
  std::optional<Instant> used_saved = {};  // what the table knows of it
  bool has_offsets = false;
  int committing = 0;  // commits on their way
  bool saving = false;
  std::optional<Instant> armed = {};  // the timer is set, for then
  runtime::TimerId timer{};
};

// One table with its groups, on the shard that owns them.
struct Groups::Slot {
  Slot(size_t i, runtime::Shard& s) : index(i), shard(s), opening(s.executor()), saved(s.executor()) {}
  size_t index;
  runtime::Shard& shard;
  FifoLock opening;
  std::unique_ptr<engine::Table> table;
  std::map<std::string, Held> groups;
  int saving = 0;  // coroutines that write
  Wakeup saved;    // one of them has ended
  bool stopping = false;
};

template <class T>
runtime::Task<T> Groups::at_slot(Slot& slot, std::function<runtime::Task<T>()> work) {
  co_return co_await runtime::on<T>(slot.shard.executor(), std::move(work));
}

}  // namespace pabal::broker
