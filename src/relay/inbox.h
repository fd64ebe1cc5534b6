#pragma once

#include <string>

#include "base/clock.h"
#include "relay/database.h"

namespace pabal::relay {

// Which events a service has handled: one row per event and queue. The row is inserted first, in the
// handler's own transaction, so that of two handlers with the same event the unique key lets one commit.
// Every function runs within the caller's transaction.
class Inbox {
 public:
  // Ids outlive the longest time for which an event may come again: 14 days in a queue, and some.
  static constexpr Duration keep_min = std::chrono::days(16);

  Result<void> create(Transaction& tx) const;
  // Notes the event; false when it was noted before.
  Result<bool> insert(Transaction& tx, std::string_view queue, std::string_view event_id, WallTime now) const;
  Result<bool> contains(Transaction& tx, std::string_view queue, std::string_view event_id) const;
  // Forgets some of the ids older than keep_min; how many.
  Result<int64_t> prune(Transaction& tx, WallTime now) const;
};

}  // namespace pabal::relay
