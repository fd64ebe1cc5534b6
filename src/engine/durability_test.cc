#include <gtest/gtest.h>

#include "base/logging.h"
#include "engine/commit_builder.h"
#include "engine/simulation.h"
#include "engine/table.h"
#include "log/record_batch.h"

namespace pabal::engine {
namespace {

using runtime::Task;
using std::chrono::milliseconds;

const LogId flushed_log{.topic = {.bytes = {1}}, .partition = PartitionIndex(0)};
const LogId written_log{.topic = {.bytes = {2}}, .partition = PartitionIndex(0)};
const LogId memory_log{.topic = {.bytes = {3}}, .partition = PartitionIndex(0)};
const LogId other_memory_log{.topic = {.bytes = {4}}, .partition = PartitionIndex(0)};

// Logs of each durability on a machine that loses power.
class Machine : public SimulatedMachine {
 public:
  explicit Machine(uint64_t seed, PlantedBug bug = PlantedBug::none)
      : SimulatedMachine({.seed = seed, .bug = bug}) {
    limits().journal = {.file_bytes = 64_KiB, .first_file_bytes = 64_KiB, .files_max = 4};
    limits().reserve_offsets_min = 100;
    limits().unflushed_time_max = milliseconds(500);
    limits().unflushed_bytes_max = 1_MiB;
    limits().memory_log_bytes_max = 1_MiB;
    limits().memory_logs_bytes_max = 4_MiB;
    begin();
    open(flushed_log, Durability::flushed);
    open(written_log, Durability::written);
    open(memory_log, Durability::memory);
  }

  void begin() { EXPECT_TRUE(SimulatedMachine::start()); }
  void open(const LogId& log, Durability durability, uint64_t bytes = 0) {
    LogSettings settings{.name = "x", .retention_bytes = bytes, .durability = durability};
    EXPECT_TRUE(*run(engine().open_log(log, settings)));
  }
  Result<CommitResult> commit(std::vector<LogId> logs, size_t bytes = 10, WallTime time = {}) {
    CommitBuilder builder;
    std::string value(bytes, 'v');
    for (const LogId& log : logs) builder.add(log, {.value = as_bytes(value), .timestamp = time});
    auto done = run(engine().commit(builder.finish()));
    return done ? std::move(*done) : error(ErrorCode::timed_out, "no answer");
  }
  Offset append(const LogId& log, size_t bytes = 10, WallTime time = {}) {
    auto done = commit({log}, bytes, time);
    EXPECT_TRUE(done) << done.error().message;
    return done ? done->front() : Offset(-1);
  }
  void pass(Duration d) {
    run([](runtime::Timers& timers, Duration t) -> Task<bool> {
      co_await runtime::sleep_for(timers, t);
      co_return true;
    }(shards().at(0).timers(), d));
  }
  void stop_and_begin() {
    run([](Engine& engine) -> Task<bool> {
      co_await engine.stop();
      co_return true;
    }(engine()));
    kill();
    begin();
  }
  void crash_and_begin() {
    crash();
    begin();
  }
  LogRange range(const LogId& log) { return *engine().range(log); }
  ReadResult read(const LogId& log, Offset from, size_t bytes_max = 1_MiB) {
    auto done = *run(engine().read(log, from, bytes_max));
    EXPECT_TRUE(done) << done.error().message;
    return done ? *done : ReadResult{};
  }
  // The offsets of all records from `from` on.
  std::vector<int64_t> offsets(const LogId& log, Offset from = Offset(0)) {
    std::vector<int64_t> all;
    while (true) {
      ReadResult found = read(log, from);
      if (found.batches.empty()) return all;
      for (const SharedBytes& bytes : found.batches) {
        auto batch = log::BatchView::parse(bytes.view());
        for (Offset o = batch->base_offset(); o < batch->next_offset(); ++o) all.push_back(o.value());
        from = batch->next_offset();
      }
    }
  }
};

class DurabilityTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { spdlog::set_level(spdlog::level::off); }
  static void TearDownTestSuite() { spdlog::set_level(spdlog::level::info); }
};

constexpr uint64_t seeds = 40;  // what a crash leaves of unflushed bytes is the seed's

// -- written

TEST_F(DurabilityTest, what_is_written_outlives_the_process) {
  Machine machine(1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(machine.append(written_log), Offset(i));
  EXPECT_EQ(machine.range(written_log).next, Offset(5));
  machine.kill();
  machine.begin();
  EXPECT_EQ(machine.offsets(written_log), (std::vector<int64_t>{0, 1, 2, 3, 4}));
}

TEST_F(DurabilityTest, an_append_to_a_written_log_waits_for_no_flush) {
  bool lost = false;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Machine machine(seed);
    for (int i = 0; i < 3; ++i) machine.append(written_log);
    machine.crash_and_begin();
    lost |= machine.offsets(written_log).size() < 3;
  }
  EXPECT_TRUE(lost) << "some disk should have kept not all of it";
}

TEST_F(DurabilityTest, what_is_written_is_on_the_disk_after_a_bounded_time) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Machine machine(seed);
    for (int i = 0; i < 3; ++i) machine.append(written_log);
    machine.pass(milliseconds(600));
    machine.crash_and_begin();
    EXPECT_EQ(machine.offsets(written_log), (std::vector<int64_t>{0, 1, 2})) << seed;
  }
}

TEST_F(DurabilityTest, what_is_written_is_on_the_disk_after_a_bounded_number_of_bytes) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Machine machine(seed);
    machine.kill();
    machine.limits().unflushed_bytes_max = 10'000;
    machine.begin();
    for (int i = 0; i < 4; ++i) machine.append(written_log, 1000);
    machine.pass(milliseconds(1));
    machine.crash_and_begin();
    EXPECT_EQ(machine.offsets(written_log).size(), 4) << seed;
  }
}

TEST_F(DurabilityTest, a_flushed_append_takes_with_it_what_was_written_before) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Machine machine(seed);
    for (int i = 0; i < 3; ++i) machine.append(written_log, 20'000);  // over several journal files
    machine.append(flushed_log);
    machine.crash_and_begin();
    EXPECT_EQ(machine.offsets(written_log), (std::vector<int64_t>{0, 1, 2})) << seed;
    EXPECT_EQ(machine.offsets(flushed_log), (std::vector<int64_t>{0})) << seed;
  }
}

TEST_F(DurabilityTest, a_commit_is_as_durable_as_its_most_demanding_append) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Machine machine(seed);
    ASSERT_TRUE(machine.commit({written_log, flushed_log}));
    machine.crash_and_begin();
    EXPECT_EQ(machine.offsets(written_log), (std::vector<int64_t>{0})) << seed;
    EXPECT_EQ(machine.offsets(flushed_log), (std::vector<int64_t>{0})) << seed;
  }
}

TEST_F(DurabilityTest, unflushed_blocks_behind_a_lost_one_never_follow_those_that_come_after_the_crash) {
  for (uint64_t seed = 1; seed <= 4 * seeds; ++seed) {
    Machine machine(seed);
    machine.append(written_log);
    for (int i = 0; i < 6; ++i) machine.append(written_log);
    machine.crash_and_begin();
    std::vector<int64_t> kept = machine.offsets(written_log);
    for (int i = 0; i < 3; ++i) kept.push_back(machine.append(written_log).value());
    machine.append(flushed_log);
    machine.crash_and_begin();
    EXPECT_EQ(machine.offsets(written_log), kept) << seed;
  }
}

// -- offsets

TEST_F(DurabilityTest, after_a_crash_a_log_goes_on_above_all_that_it_gave_and_tells_what_it_may_have_lost) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Machine machine(seed);
    Offset last;
    for (int i = 0; i < 130; ++i) last = machine.append(written_log);
    machine.crash_and_begin();
    LogRange range = machine.range(written_log);
    auto kept = static_cast<int64_t>(machine.offsets(written_log).size());
    EXPECT_GT(range.next, last) << seed;
    EXPECT_EQ(range.epoch, LeaderEpoch(1)) << seed;
    EXPECT_EQ(range.lost, range.next - Offset(kept)) << seed;
    ASSERT_EQ(machine.engine().health().lost.size(), 1) << seed;
    EngineHealth::Lost lost = machine.engine().health().lost[0];
    EXPECT_EQ(lost.log, written_log);
    EXPECT_EQ(std::pair(lost.from, lost.to), std::pair(Offset(kept), range.next)) << seed;
    EXPECT_EQ(machine.append(written_log), range.next) << seed;
    auto batch = log::BatchView::parse(machine.read(written_log, range.next).batches.front().view());
    EXPECT_EQ(batch->leader_epoch(), LeaderEpoch(1)) << seed;
  }
}

TEST_F(DurabilityTest, a_reservation_counts_when_it_is_flushed) {
  bool reused = false;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Machine machine(seed, PlantedBug::reuse_offsets);
    Offset last = machine.append(written_log);
    machine.crash_and_begin();
    reused |= machine.range(written_log).next <= last;
  }
  EXPECT_TRUE(reused) << "else the test above shows nothing";
}

TEST_F(DurabilityTest, after_a_clean_stop_nothing_is_lost_and_no_offset_is_skipped) {
  Machine machine(1);
  for (int i = 0; i < 130; ++i) machine.append(written_log);
  machine.stop_and_begin();
  EXPECT_EQ(machine.range(written_log).next, Offset(130));
  EXPECT_EQ(machine.range(written_log).lost, 0);
  EXPECT_EQ(machine.range(written_log).epoch, LeaderEpoch(0));
  EXPECT_TRUE(machine.engine().health().lost.empty());
  EXPECT_EQ(machine.offsets(written_log).size(), 130);
}

TEST_F(DurabilityTest, a_read_in_the_gap_goes_on_behind_it) {
  Machine machine(1);
  for (int i = 0; i < 3; ++i) machine.append(written_log);
  machine.kill();
  machine.begin();
  LogRange range = machine.range(written_log);
  ReadResult nothing = machine.read(written_log, Offset(50));
  EXPECT_TRUE(nothing.batches.empty());
  EXPECT_EQ(nothing.range.next, range.next) << "where the reader goes on";
  EXPECT_EQ(**machine.run(machine.engine().find_time(written_log, WallTime(milliseconds(5)))), range.next);
  Offset after = machine.append(written_log, 10, WallTime(milliseconds(7)));
  for (int64_t from : {3, 50, 99}) {
    EXPECT_EQ(machine.offsets(written_log, Offset(from)), (std::vector<int64_t>{after.value()})) << from;
  }
  EXPECT_EQ(**machine.run(machine.engine().find_time(written_log, WallTime(milliseconds(5)))), after);
  machine.stop_and_begin();  // now it lies in a segment
  for (int64_t from : {3, 50, 99}) {
    EXPECT_EQ(machine.offsets(written_log, Offset(from)), (std::vector<int64_t>{after.value()})) << from;
  }
  EXPECT_EQ(machine.offsets(written_log), (std::vector<int64_t>{0, 1, 2, after.value()}));
  EXPECT_EQ(**machine.run(machine.engine().find_time(written_log, WallTime(milliseconds(5)))), after);
  ASSERT_TRUE(*machine.run(machine.engine().trim(written_log, Offset(50))));
  machine.stop_and_begin();
  EXPECT_EQ(machine.offsets(written_log, Offset(50)), (std::vector<int64_t>{after.value()}));
}

// A group may hold several appends of one log, and a reservation between them.
TEST_F(DurabilityTest, a_reservation_within_a_group_costs_nothing_of_it) {
  Machine machine(1);
  auto done = std::make_shared<int>(0);
  auto one = [](Engine& engine, std::shared_ptr<int> count) -> Task<> {
    CommitBuilder builder;
    for (int r = 0; r < 60; ++r) builder.add(written_log, {.value = as_bytes("v")});
    if (co_await engine.commit(builder.finish())) ++*count;
  };
  for (int i = 0; i < 20; ++i) machine.spawn(0, one(machine.engine(), done));
  ASSERT_TRUE(machine.run_until([&] { return *done == 20; }));
  machine.stop_and_begin();
  EXPECT_EQ(machine.offsets(written_log).size(), 1200);
}

TEST_F(DurabilityTest, losses_add_up_and_are_remembered) {
  Machine machine(1);
  int64_t lost = 0;
  for (int i = 0; i < 3; ++i) {
    machine.append(written_log);
    Offset next = machine.range(written_log).next;
    machine.kill();
    machine.begin();
    lost += machine.range(written_log).next - next;
    EXPECT_EQ(machine.range(written_log).lost, lost);
    EXPECT_EQ(machine.range(written_log).epoch, LeaderEpoch(i + 1));
  }
  machine.stop_and_begin();
  EXPECT_EQ(machine.range(written_log).lost, lost);
  EXPECT_TRUE(machine.engine().health().lost.empty()) << "nothing at this start";
}

TEST_F(DurabilityTest, a_full_disk_at_the_start_costs_no_offset) {
  Machine machine(1);
  for (int i = 0; i < 3; ++i) machine.append(written_log);
  Offset last;
  for (int i = 0; i < 3; ++i) {
    machine.kill();
    machine.disk().fill_up(0);
    machine.begin();
    EXPECT_GT(machine.range(written_log).next, last);
    CommitBuilder builder;
    builder.add(written_log, {.value = as_bytes("x")});
    builder.use_reserve();
    auto done = *machine.run(machine.engine().commit(builder.finish()));
    ASSERT_TRUE(done) << done.error().message;
    last = done->front();
  }
  EXPECT_EQ(machine.offsets(written_log).size(), 6);
  machine.crash_and_begin();
  EXPECT_GT(machine.range(written_log).next, last);
}

TEST_F(DurabilityTest, a_table_on_a_written_log_opens_after_a_crash_with_all_changes_before_the_lost_ones) {
  const LogId log{.topic = {.bytes = {9}}, .partition = PartitionIndex(0)};
  TableOptions options{.name = "t", .durability = Durability::written, .rewrite_records_min = 20};
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Machine machine(seed);
    for (int life = 0; life < 3; ++life) {
      auto table = *machine.run(Table::open(machine.engine(), machine.shards().at(0).timers(), log, options));
      ASSERT_TRUE(table) << table.error().message;
      ASSERT_EQ((*table)->size(), static_cast<size_t>(life));
      for (int i = 0; i < 50; ++i) {
        TableChanges change{{fmt::format("life {}", life), std::to_string(i)}};
        ASSERT_TRUE(*machine.run((*table)->change(std::move(change))));
        if (i == 5) machine.append(flushed_log);
      }
      machine.run(std::move([](Table& t) -> Task<bool> { co_return co_await t.stop(), true; })(**table));
      table->reset();
      machine.crash_and_begin();
    }
    EXPECT_GT(machine.range(log).lost, 0);
  }
}

TEST_F(DurabilityTest, the_durability_of_a_log_does_not_change) {
  Machine machine(1);
  auto done = *machine.run(machine.engine().open_log(written_log, {.name = "x"}));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::conflict);
}

// -- memory

TEST_F(DurabilityTest, a_log_in_memory_is_read_like_any_other_and_writes_nothing) {
  Machine machine(1);
  machine.append(memory_log);  // which reserves
  machine.pass(milliseconds(600));
  uint64_t changes = machine.disk().changes();
  for (int i = 1; i < 20; ++i) EXPECT_EQ(machine.append(memory_log), Offset(i));
  EXPECT_EQ(machine.disk().changes(), changes);
  EXPECT_EQ(machine.offsets(memory_log).size(), 20);
  EXPECT_EQ(machine.offsets(memory_log, Offset(15)).size(), 5);
  EXPECT_GT(machine.range(memory_log).bytes, 0);
}

TEST_F(DurabilityTest, after_any_restart_a_log_in_memory_is_empty_and_gives_no_offset_twice) {
  for (bool clean : {true, false}) {
    Machine machine(1);
    for (int i = 0; i < 130; ++i) machine.append(memory_log);
    if (clean) {
      machine.stop_and_begin();
    } else {
      machine.crash_and_begin();
    }
    LogRange range = machine.range(memory_log);
    EXPECT_EQ(range.first, range.next);
    EXPECT_GE(range.next, Offset(130));
    EXPECT_GE(range.lost, 130);
    if (clean) EXPECT_EQ(range.lost, 130) << "a clean stop knows";
    EXPECT_EQ(range.epoch.value() > 0, true);
    ASSERT_EQ(machine.engine().health().lost.size(), 1);
    EXPECT_EQ(machine.append(memory_log), range.next);
    EXPECT_EQ(machine.offsets(memory_log, range.next), (std::vector<int64_t>{range.next.value()}));
  }
}

TEST_F(DurabilityTest, a_log_in_memory_lets_the_oldest_go_at_its_size) {
  Machine machine(1);
  machine.open(other_memory_log, Durability::memory, 20'000);
  for (int i = 0; i < 200; ++i) machine.append(other_memory_log, 1000);
  LogRange range = machine.range(other_memory_log);
  EXPECT_LE(range.bytes, 20'000);
  EXPECT_GT(range.bytes, 10'000);
  EXPECT_EQ(range.next, Offset(200));
  EXPECT_GT(range.first, Offset(180));
  EXPECT_EQ(machine.offsets(other_memory_log, range.first).size(), range.next - range.first);
  auto gone = *machine.run(machine.engine().read(other_memory_log, Offset(0), 1));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::not_found);
  EXPECT_EQ(range.lost, 0) << "retention is no loss";
}

TEST_F(DurabilityTest, a_pin_does_not_keep_what_lies_in_memory) {
  Machine machine(1);
  machine.open(other_memory_log, Durability::memory, 20'000);
  machine.engine().pin(other_memory_log, "queue", Offset(0));
  for (int i = 0; i < 200; ++i) machine.append(other_memory_log, 1000);
  EXPECT_LE(machine.range(other_memory_log).bytes, 20'000);
}

TEST_F(DurabilityTest, all_logs_in_memory_together_have_a_bound_and_the_oldest_goes_first) {
  Machine machine(1);
  machine.kill();
  machine.limits().memory_logs_bytes_max = 300'000;
  machine.begin();
  machine.open(other_memory_log, Durability::memory);
  for (int i = 0; i < 200; ++i) machine.append(memory_log, 1000);
  for (int i = 0; i < 200; ++i) machine.append(other_memory_log, 1000);
  LogRange old = machine.range(memory_log);
  LogRange young = machine.range(other_memory_log);
  EXPECT_LE(old.bytes + young.bytes, 300'000);
  EXPECT_GT(old.bytes + young.bytes, 200'000);
  EXPECT_EQ(young.next - young.first, 200);
  EXPECT_LT(old.next - old.first, 100);
}

TEST_F(DurabilityTest, a_log_in_memory_keeps_records_for_its_retention_time) {
  Machine machine(1);
  LogSettings settings{.name = "x", .retention_time = milliseconds(300), .durability = Durability::memory};
  ASSERT_TRUE(*machine.run(machine.engine().open_log(memory_log, settings)));
  machine.append(memory_log);
  machine.pass(milliseconds(100));
  EXPECT_EQ(machine.range(memory_log).first, Offset(0));
  machine.pass(milliseconds(500));
  EXPECT_EQ(machine.range(memory_log).first, Offset(1));
}

TEST_F(DurabilityTest, a_commit_over_memory_and_disk_is_seen_as_a_whole_or_not_at_all) {
  Machine machine(1);
  ASSERT_TRUE(machine.commit({memory_log, flushed_log}));
  machine.disk().fail_after(1);  // the write succeeds, its flush does not
  EXPECT_FALSE(machine.commit({memory_log, flushed_log}));
  EXPECT_EQ(machine.range(memory_log).next, Offset(1));
  EXPECT_EQ(machine.range(flushed_log).next, Offset(1));
}

TEST_F(DurabilityTest, trimming_and_deleting_a_log_in_memory_frees_it) {
  Machine machine(1);
  for (int i = 0; i < 200; ++i) machine.append(memory_log, 1000);
  ASSERT_TRUE(*machine.run(machine.engine().trim(memory_log, Offset(150))));
  EXPECT_EQ(machine.offsets(memory_log, Offset(150)).size(), 50);
  EXPECT_LT(machine.range(memory_log).bytes, 130'000);
  ASSERT_TRUE(*machine.run(machine.engine().delete_log(memory_log)));
  EXPECT_FALSE(machine.engine().range(memory_log));
}

}  // namespace
}  // namespace pabal::engine
