#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "log/published.h"
#include "log/segmented_log.h"
#include "log/tail.h"

namespace pabal::engine {

// Work that has to run on certain executors, handed over once for each of them.
class Deliveries {
 public:
  using Work = std::move_only_function<void()>;
  void add(const runtime::Executor& executor, Work work);
  // Hands over all; leaves it empty.
  void send();
  // Turns the order around within each executor. Only a planted bug wants that.
  void reverse();

 private:
  struct Batch {
    runtime::Executor executor;
    std::vector<Work> work;
  };
  std::vector<Batch> batches_;
};

// Who wants to know that a log has moved. add() from any thread, notify() from the sequencer's.
class Watchers {
 public:
  [[nodiscard]] Engine::Watch add(runtime::Executor executor, std::function<void()> advanced);
  void notify(Deliveries& deliveries);

 private:
  struct Watcher {
    runtime::Executor executor;
    std::function<void()> advanced;
    std::atomic<bool> pending = false;
    bool closed = false;  // the executor's
  };
  struct Handle;
  using List = std::vector<std::shared_ptr<Watcher>>;

  // Shared with the handles, which may outlive the log.
  std::shared_ptr<log::Published<List>> list_ = std::make_shared<log::Published<List>>();
};

// The lowest offsets that retention must keep, by who wants it. Any thread.
class Pins {
 public:
  void set(const std::string& who, std::optional<Offset> from);
  [[nodiscard]] std::optional<Offset> lowest() const;

 private:
  mutable std::mutex mutex_;  // held for one look-up; pins move when a cursor does, not with each record
  std::map<std::string, Offset> by_owner_;
};

// What is known of damage to a log: bytes that were durable and are not there, or are not what was written.
// Any thread.
class Damage {
 public:
  // The first problem counts: a sentence that names the file and the byte.
  void found(const LogId& log, const std::string& problem);
  [[nodiscard]] bool any() const { return any_.load(std::memory_order_acquire); }
  [[nodiscard]] std::string problem() const { return *problem_.get(); }  // empty when there is none

 private:
  std::atomic<bool> any_ = false;
  log::Published<std::string> problem_;
};

// One log, as its users share it. The sequencer alone writes the numbers and the tail; the segment writer
// alone writes the segments; everybody reads.
//
//   0 ......... first .................... written ............ high_watermark ............ next
//     removed          in segments                 in the tail                   being flushed
//                              (the tail may reach further down, as a cache)
//
// Durability below `flushed`. An append is seen when it is written, or at once; so a crash may take what was
// seen. Therefore no offset is given before the journal holds, flushed, how far the log has reserved them: in
// steps, the next one asked for behind the work, so that it costs next to nothing.
//
//   ....... high_watermark ....... reserved ....... reserving
//           given                  may be given     asked for, not flushed yet
//
// After an unclean stop the log goes on at `reserved` with the next epoch; what lies between its end and that
// is told as lost. Of a log in memory nothing is left after any end of the process.
struct LogState {
  LogState(LogId log, log::FileCache& files, const std::string& directory, const log::LogCheckpoint& state,
           log::SegmentLimits limits);

  const LogId id;
  const std::string name;  // as given when the log was made
  const Durability durability;

  // Recovery's; they stay as they are.
  LeaderEpoch epoch;
  int64_t lost = 0;                                        // LogRange::lost
  std::optional<std::pair<Offset, Offset>> lost_now = {};  // at this start
  Offset continues_at;                                     // what this process appends lies here or above
  std::vector<std::pair<Offset, Offset>> gaps =
      {};  // [from, to) that hold no records, above the checkpoint's

  // The sequencer's.
  LogSettings settings;
  Offset reserved;
  Offset reserving;
  Offset next;
  Offset written;         // the segments hold everything below
  bool touched = false;   // by the group that is being published
  bool removing = false;  // by the group that is being formed

  // The segment writer's. Batches have moved from the journal to segments, all of a round or some: they
  // have been counted as stored since they were published.
  void batches_moved() { segment_bytes = segments.bytes(); }
  // Segments were trimmed or compacted. What is stored changes in one step: nobody sees a batch twice or not
  // at all.
  void segments_changed();

  // Any thread's.
  // Where a reader at `from` finds the next record, as far as gaps are in its way.
  [[nodiscard]] Offset behind_gap(Offset from) const;
  std::atomic<int64_t> first;
  std::atomic<int64_t> high_watermark;
  std::atomic<uint64_t> segment_bytes = 0;
  std::atomic<uint64_t> stored_bytes = 0;  // in segments, and in the journal on the way there; or in memory
  std::atomic<bool> removed = false;
  log::Tail tail;
  log::SegmentedLog segments;
  Watchers watchers;
  Pins pins;
  mutable Damage damage;  // readers are the first to see it; with any, nothing more is appended
};

// All logs by id. One thread adds and removes; any thread looks up, without waiting.
class LogTable {
 public:
  [[nodiscard]] std::shared_ptr<LogState> find(const LogId& id) const;
  [[nodiscard]] std::vector<std::shared_ptr<LogState>> all() const;
  void add(std::shared_ptr<LogState> log);
  void remove(const LogId& id);

 private:
  // So many parts that adding to one copies little.
  static constexpr size_t part_count = 256;
  using Part = std::unordered_map<LogId, std::shared_ptr<LogState>>;

  [[nodiscard]] log::Published<Part>& part_of(const LogId& id);
  [[nodiscard]] const log::Published<Part>& part_of(const LogId& id) const;

  std::array<log::Published<Part>, part_count> parts_;
};

}  // namespace pabal::engine
