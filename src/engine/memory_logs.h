#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "engine/log_state.h"

namespace pabal::engine {

// The records of the logs with durability `memory`, which are nowhere else: in each log's tail, below a
// number of bytes for each (its retention by size, or a limit) and for all together. What came first goes
// first, and the log begins behind it; pins do not keep it. The sequencer's.
class MemoryLogs {
 public:
  using Log = std::shared_ptr<LogState>;
  struct Limits {
    uint64_t log_bytes_max;
    uint64_t all_bytes_max;
  };

  explicit MemoryLogs(Limits limits) : limits_(limits) {}

  // Puts a batch behind its log's others. Returns the logs that begin later because of it.
  [[nodiscard]] std::vector<Log> add(const Log& log, Offset base, Offset next, SharedBytes batch,
                                     Instant now);
  // Lets go what is older than its log's retention time. Returns the logs that begin later now.
  [[nodiscard]] std::vector<Log> expire(Instant now);
  // The log was trimmed: its `first` has moved.
  void trim(const Log& log);
  void forget(const Log& log);
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  static constexpr uint64_t span_bytes_max = 64_KiB;
  static constexpr uint64_t spans_min = 8;  // of a full log, so that it keeps about as much as it may

  struct Span {      // consecutive batches of one log
    uint64_t order;  // among those of all logs
    Offset next;
    uint64_t bytes;
    Instant since;
  };
  struct Kept {
    Log log;
    std::deque<Span> spans = {};
    uint64_t bytes = 0;
  };

  [[nodiscard]] uint64_t bytes_max(const LogState& log) const;
  void drop_first(Kept& kept);

  Limits limits_;
  uint64_t bytes_ = 0;
  uint64_t next_order_ = 0;
  std::map<LogId, Kept> logs_;
  std::set<std::pair<uint64_t, LogId>> oldest_;  // the first span of each log
};

}  // namespace pabal::engine
