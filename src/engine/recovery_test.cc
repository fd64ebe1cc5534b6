#include <gtest/gtest.h>

#include "engine/commit_builder.h"
#include "engine/simulation.h"

namespace pabal::engine {
namespace {

using runtime::Task;

LogId log_number(uint8_t n) { return {.topic = {.bytes = {n}}, .partition = PartitionIndex(0)}; }

// Starts after a crash, on a machine whose every step is known. Nothing goes to segments unless the test says
// so.
class RecoveryTest : public testing::Test {
 protected:
  static constexpr uint8_t log_count = 40;

  void SetUp() override { write_nothing_behind(machine_); }
  static void write_nothing_behind(SimulatedMachine& machine) {
    machine.limits().journal = {.file_bytes = 1_MiB, .first_file_bytes = 1_MiB, .files_max = 2};
    machine.limits().write_round_bytes = 1_GiB;
    machine.limits().replayed_bytes_max = 1_GiB;
  }
  void fill_logs() {
    for (uint8_t n = 1; n <= log_count; ++n) {
      ASSERT_TRUE(*machine_.run(machine_.engine().open_log(log_number(n), {.name = "log"})));
      ASSERT_TRUE(append(machine_, log_number(n)));
    }
  }
  static bool append(SimulatedMachine& machine, const LogId& log) {
    CommitBuilder builder;
    std::string value(100, 'v');
    builder.add(log, {.value = as_bytes(value)});
    auto done = machine.run(machine.engine().commit(builder.finish()));
    return done && *done;
  }
  void work_behind() {
    machine_.run([](runtime::Timers& timers) -> Task<bool> {
      co_await runtime::sleep_for(timers, std::chrono::milliseconds(20));
      co_return true;
    }(machine_.shards().at(0).timers()));
  }
  [[nodiscard]] size_t logs_with_files() { return machine_.disk().list("/data/topics")->size(); }
  [[nodiscard]] int readable_logs() {
    int readable = 0;
    for (uint8_t n = 1; n <= log_count; ++n) {
      auto read = machine_.run(machine_.engine().read(log_number(n), Offset(0), 1));
      if (read && *read && !(*read)->batches.empty()) ++readable;
    }
    return readable;
  }

  SimulatedMachine machine_{{.seed = 5}};
};

TEST_F(RecoveryTest, leaves_the_files_of_many_logs_to_the_work_behind_the_start) {
  ASSERT_TRUE(machine_.start());
  fill_logs();
  machine_.kill();
  ASSERT_TRUE(machine_.start());
  EXPECT_EQ(logs_with_files(), 0U);
  EXPECT_EQ(readable_logs(), log_count);
  work_behind();
  EXPECT_EQ(logs_with_files(), log_count);
  machine_.crash();
  ASSERT_TRUE(machine_.start());
  EXPECT_EQ(readable_logs(), log_count);
}

TEST_F(RecoveryTest, writes_what_is_too_much_for_memory_before_the_start_is_done) {
  ASSERT_TRUE(machine_.start());
  fill_logs();
  machine_.kill();
  machine_.limits().replayed_bytes_max = 1_KiB;
  ASSERT_TRUE(machine_.start());
  EXPECT_GT(logs_with_files(), log_count / 2U);
  EXPECT_EQ(readable_logs(), log_count);
}

// A block whose flush failed is nobody's, and may be read after the next start; once it was, it must stay.
TEST_F(RecoveryTest, makes_durable_what_it_shows_where_a_flush_had_failed) {
  int shown = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SimulatedMachine machine{{.seed = seed}};
    write_nothing_behind(machine);
    ASSERT_TRUE(machine.start());
    ASSERT_TRUE(*machine.run(machine.engine().open_log(log_number(1), {.name = "log"})));
    machine.disk().fail_after(seed % 4);
    if (append(machine, log_number(1))) continue;
    machine.kill();
    machine.disk().fail_never();
    ASSERT_TRUE(machine.start());
    Offset seen = machine.engine().range(log_number(1))->next;
    machine.crash();
    ASSERT_TRUE(machine.start());
    EXPECT_GE(machine.engine().range(log_number(1))->next, seen) << "seed " << seed;
    if (seen > Offset(0)) ++shown;
  }
  EXPECT_GT(shown, 0);
}

}  // namespace
}  // namespace pabal::engine
