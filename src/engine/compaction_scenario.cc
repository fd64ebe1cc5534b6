#include "engine/compaction_scenario.h"

#include <cstring>
#include <map>

#include "engine/commit_builder.h"
#include "log/packed_batch.h"

namespace pabal::engine {
namespace {

using runtime::Task;

constexpr size_t client_count = 3;
constexpr size_t crashes_min = 3;
constexpr uint64_t keys = 8;
constexpr LogId compacted_log{.topic = {.bytes = {7}}, .partition = PartitionIndex(0)};

struct Written {
  std::string key;
  bool has_value = false;
  std::string id;  // of this record, in a header
  friend bool operator==(const Written&, const Written&) = default;
};
using Records = std::map<int64_t, Written>;  // by offset

class CompactionScenario {
 public:
  explicit CompactionScenario(const SimulationOptions& options)
      : options_(options), machine_({.seed = options.seed, .bug = options.bug}), random_(machine_.random()) {
    machine_.limits().compaction_piece_bytes = 100 + random_.below(2_KiB);
    machine_.limits().compaction_map_bytes_max = 500 + random_.below(4_KiB);
    machine_.limits().segments.segment_bytes = 500 + random_.below(4_KiB);
    machine_.limits().retention_interval = std::chrono::milliseconds(5);
    settings_ = {.name = "compacted", .compact = true};
    tombstones_go_ = random_.chance(0.5);
    if (tombstones_go_) settings_.tombstones_kept = std::chrono::milliseconds(20);
    if (random_.chance(0.4)) settings_.durability = Durability::written;
    if (settings_.durability == Durability::written && random_.chance(0.5)) flush_rarely();
  }

  SimulationOutcome run() {
    while (!outcome_.problem && (outcome_.operations < options_.operations || outcome_.crashes < crashes_min))
      live();
    return outcome_;
  }

 private:
  void live();
  // Much is seen that a crash takes back, and it is a long way to the segments.
  void flush_rarely() {
    machine_.limits().unflushed_bytes_max = 1_MiB;
    machine_.limits().unflushed_time_max = std::chrono::seconds(1);
    machine_.limits().reserve_offsets_min = machine_.limits().reserve_offsets_max = 1'000;
    machine_.slow_segments(2 + random_.below(30));
  }
  bool start();
  void crash(bool power);
  Task<bool> inspect();
  void forget_lost(const LogRange& range, const Records& left);
  void compare(const Records& left);
  Task<> client();
  Task<> write();
  Task<> read();
  Task<> come_and_go();
  Result<Offset> take(const ReadResult& read, Offset from, Records& into);
  void learn(int64_t offset, const Written& record);
  void fail(std::string problem) {
    if (!outcome_.problem) outcome_.problem = std::move(problem);
  }
  [[nodiscard]] bool counts() { return !outcome_.problem && !machine_.disk().power_lost(); }

  SimulationOptions options_;
  SimulatedMachine machine_;
  Random& random_;
  LogSettings settings_;
  bool tombstones_go_ = false;
  bool power_was_lost_ = false;  // since the last start that could be used
  int64_t lost_ = 0;             // LogRange::lost, as it was then
  SimulationOutcome outcome_;
  Records known_;  // acknowledged or seen
  uint64_t last_id_ = 0;
  uint64_t last_other_ = 0;
  size_t working_ = 0;
  size_t life_ends_at_ = 0;
};

void CompactionScenario::live() {
  if (!start()) return;
  auto looked = machine_.run(inspect());
  if (!looked && counts()) fail("the look after a start does not end");
  if (outcome_.problem) return;
  life_ends_at_ = outcome_.operations + 20 + random_.below(300);
  bool power = random_.chance(0.6);
  if (power) machine_.disk().lose_power_after(random_.below(900));
  working_ = client_count;
  for (size_t i = 0; i < client_count; ++i) machine_.spawn(i % 2, client());
  bool done = machine_.run_until([&] { return working_ == 0 || outcome_.problem; });
  if (!done && counts()) fail("work does not end");
  crash(power || machine_.disk().power_lost());
}

void CompactionScenario::crash(bool power) {
  if (power) {
    machine_.crash();
    power_was_lost_ = true;
    ++outcome_.power_losses;
  } else {
    machine_.kill();
  }
  ++outcome_.crashes;
}

bool CompactionScenario::start() {
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (random_.chance(0.2)) machine_.disk().lose_power_after(random_.below(80));
    auto started = machine_.start();
    if (!started && !machine_.disk().power_lost()) {
      fail(fmt::format("the start failed: {}", started.error().message));
      return false;
    }
    if (started) {
      auto opened = machine_.run(machine_.engine().open_log(compacted_log, settings_));
      if (opened && *opened) {
        machine_.disk().lose_power_never();
        return true;
      }
    }
    crash(true);
  }
  fail("it does not start any more");
  return false;
}

void CompactionScenario::learn(int64_t offset, const Written& record) {
  auto [known, added] = known_.try_emplace(offset, record);
  if (!added && known->second != record)
    fail(fmt::format("offset {} was {} and is {}", offset, known->second.id, record.id));
}

// What a read has brought, in `into`. Returns where to go on.
Result<Offset> CompactionScenario::take(const ReadResult& read, Offset from, Records& into) {
  Offset next = from;
  for (const SharedBytes& bytes : read.batches) {
    auto batch = log::BatchView::parse(bytes.view());
    Result<void> whole = batch ? batch->verify() : std::unexpected(batch.error());
    if (!whole) return std::unexpected(whole.error());
    if (batch->next_offset() <= next) fail(fmt::format("a batch up to {} at {}", batch->next_offset(), next));
    whole = batch->for_each([&](const log::StoredRecord& record) {
      const auto* id = log::find_header(record, "id");
      if (record.offset < from) return true;
      if (!id || !record.key)
        fail(fmt::format("offset {} holds what nobody wrote", record.offset));
      else
        into[record.offset.value()] = {std::string(as_text(*record.key)), record.value.has_value(),
                                       std::string(as_text(*id->value))};
      return true;
    });
    if (!whole) return std::unexpected(whole.error());
    next = batch->next_offset();
  }
  return next;
}

Task<bool> CompactionScenario::inspect() {
  auto range = machine_.engine().range(compacted_log);
  if (!range) {
    fail("the log is gone");
    co_return false;
  }
  Records left;
  for (Offset from = range->first; from < range->next;) {
    auto read = co_await machine_.engine().read(compacted_log, from, 1 + random_.below(4_KiB));
    if (!read) {
      fail(fmt::format("offset {} cannot be read: {}", from, read.error().message));
      co_return false;
    }
    if (read->batches.empty()) break;
    auto next = take(*read, from, left);
    if (!next) {
      fail(next.error().message);
      co_return false;
    }
    from = *next;
  }
  if (!known_.empty() && range->next.value() <= known_.rbegin()->first) {
    fail(fmt::format("ends at {}, but {} was acknowledged", range->next, known_.rbegin()->first));
  }
  for (const auto& [offset, record] : left) learn(offset, record);
  forget_lost(*range, left);
  compare(left);
  co_return true;
}

// What a log that is not flushed says it may have lost counts as if it had never been. It is the end of the
// log: nobody has appended since, however many starts it took.
void CompactionScenario::forget_lost(const LogRange& range, const Records& left) {
  int64_t from = range.next.value() - (range.lost - std::exchange(lost_, range.lost));
  auto begin = known_.lower_bound(from);
  if (begin != known_.end() && (settings_.durability == Durability::flushed || !power_was_lost_))
    fail(fmt::format("offset {} was lost without a loss of power", begin->first));
  if (auto back = left.lower_bound(from); back != left.end())
    fail(fmt::format("offset {} is there and told as lost", back->first));
  known_.erase(begin, known_.end());
  power_was_lost_ = false;
}

// All that is missing must have been replaced by a later record of its key, or be a tombstone that may go,
// with nothing left of what it deletes.
void CompactionScenario::compare(const Records& left) {
  std::map<std::string, int64_t> latest;
  for (const auto& [offset, record] : known_) latest[record.key] = offset;
  for (const auto& [offset, record] : known_) {
    if (left.contains(offset) || latest[record.key] > offset) continue;
    bool may_go = !record.has_value && tombstones_go_;
    if (!may_go) fail(fmt::format("{}, the latest of {} at {}, is missing", record.id, record.key, offset));
    for (const auto& [other_offset, other] : left) {
      if (other.key == record.key)
        fail(fmt::format("{} of {} is back: its tombstone at {} is gone", other.id, record.key, offset));
    }
  }
}

Task<> CompactionScenario::client() {
  while (counts() && outcome_.operations < life_ends_at_) {
    ++outcome_.operations;
    if (random_.chance(0.2)) {
      co_await read();
    } else if (random_.chance(0.05)) {
      co_await come_and_go();
    } else {
      co_await write();
    }
    if (random_.chance(0.1)) {
      co_await runtime::sleep_for(machine_.shards().at(0).timers(), std::chrono::milliseconds(5));
    }
  }
  --working_;
}

Task<> CompactionScenario::write() {
  CommitBuilder builder;
  std::vector<Written> records;
  for (uint64_t i = 0, n = 1 + random_.below(4); i < n; ++i) {
    records.push_back(
        {fmt::format("k{}", random_.below(keys)), random_.chance(0.7), fmt::format("r{}", ++last_id_)});
    const Written& record = records.back();
    std::string value(random_.below(60), 'v');
    log::RecordView view{.key = as_bytes(record.key), .headers = {{"id", as_bytes(record.id)}}};
    if (record.has_value) view.value = as_bytes(value);
    view.timestamp = machine_.shards().clock().wall_now();
    builder.add(compacted_log, view);
  }
  Commit commit = builder.finish();
  if (random_.chance(0.25)) {
    BytesView batch = commit.appends[0].batch;
    commit.appends[0].batch = log::packed_batch(Bytes(batch.begin(), batch.end()), log::Compression::zstd);
  }
  auto done = co_await machine_.engine().commit(std::move(commit));
  if (!done || !counts()) co_return;
  ++outcome_.acknowledged;
  for (size_t i = 0; i < records.size(); ++i) {
    learn((*done)[0].value() + static_cast<int64_t>(i), records[i]);
  }
}

// A log beside it that is made and removed, because a checkpoint follows: in the middle of a pass, and while
// records are written that it does not know.
Task<> CompactionScenario::come_and_go() {
  LogId other{.topic = {.bytes = {8}}, .partition = PartitionIndex(0)};
  ++last_other_;
  std::memcpy(other.topic.bytes.data() + 8, &last_other_, sizeof last_other_);
  auto opened = co_await machine_.engine().open_log(other, {.name = "other"});
  if (!opened) co_return;
  std::ignore = co_await machine_.engine().delete_log(other);
}

Task<> CompactionScenario::read() {
  auto range = machine_.engine().range(compacted_log);
  if (!range || range->first == range->next) co_return;
  Offset from =
      range->first + static_cast<int64_t>(random_.below(static_cast<uint64_t>(range->next - range->first)));
  auto read = co_await machine_.engine().read(compacted_log, from, random_.below(4_KiB));
  if (!counts()) co_return;
  if (!read) co_return fail(fmt::format("a read at {} failed: {}", from, read.error().message));
  Records seen;
  auto next = take(*read, from, seen);
  if (!next) co_return fail(next.error().message);
  for (const auto& [offset, record] : seen) learn(offset, record);
}

}  // namespace

SimulationOutcome simulate_compaction(const SimulationOptions& options) {
  return CompactionScenario(options).run();
}

}  // namespace pabal::engine
