#include <gtest/gtest.h>

#include "engine/commit_builder.h"
#include "engine/segment_writer.h"
#include "engine/simulation.h"
#include "log/checkpoint.h"

namespace pabal::engine {
namespace {

using runtime::Task;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const LogId log_a{.topic = {.bytes = {1}}, .partition = PartitionIndex(0)};
const LogId log_b{.topic = {.bytes = {2}}, .partition = PartitionIndex(0)};

// What the engine does when the disk fails it, on a machine whose every step is known.
class EngineFaultsTest : public testing::Test {
 protected:
  void start() {
    ASSERT_TRUE(machine_.start());
    ASSERT_TRUE(*machine_.run(machine_.engine().open_log(log_a, {.name = "a"})));
    pass(milliseconds(20));
  }
  void SetUp() override {
    machine_.limits().journal = {.file_bytes = 64_KiB, .first_file_bytes = 64_KiB, .files_max = 2};
    machine_.limits().write_round_bytes = 16_KiB;
    machine_.limits().disk_reserve_bytes = 32_KiB;
    start();
  }

  void pass(Duration d) {
    machine_.run([](runtime::Timers& timers, Duration t) -> Task<bool> {
      co_await runtime::sleep_for(timers, t);
      co_return true;
    }(machine_.shards().at(0).timers(), d));
  }
  void end_cleanly() {
    machine_.run([](Engine& engine) -> Task<bool> {
      co_await engine.stop();
      co_return true;
    }(machine_.engine()));
    machine_.kill();
  }
  Result<Offset> append(size_t bytes, bool may_use_reserve = false) {
    CommitBuilder builder;
    std::string value(bytes, 'v');
    builder.add(log_a, {.value = as_bytes(value)});
    if (may_use_reserve) builder.use_reserve();
    auto done = machine_.run(machine_.engine().commit(builder.finish()));
    if (!done) return error(ErrorCode::timed_out, "no answer");
    if (!*done) return std::unexpected(done->error());
    return done->value().front();
  }
  struct Outcomes {
    int taken = 0;
    int refused = 0;
  };
  // So many commits that do not wait for each other.
  Outcomes append_at_once(int count) {
    auto all = std::make_shared<Outcomes>();
    auto one = [](Engine& engine, std::shared_ptr<Outcomes> outcomes) -> Task<> {
      CommitBuilder builder;
      std::string value(1000, 'v');
      builder.add(log_a, {.value = as_bytes(value)});
      auto done = co_await engine.commit(builder.finish());
      ++(done ? outcomes->taken : outcomes->refused);
      if (!done) EXPECT_EQ(done.error().code, ErrorCode::unavailable);
    };
    for (int i = 0; i < count; ++i) machine_.spawn(0, one(machine_.engine(), all));
    machine_.run_until([&] { return all->taken + all->refused == count; });
    return *all;
  }
  [[nodiscard]] EngineHealth::State state() { return machine_.engine().health().state; }

  SimulatedMachine machine_{{.seed = 11}};
};

TEST_F(EngineFaultsTest, below_the_reserve_publishing_stops_acks_and_reads_go_on_and_space_heals_it) {
  ASSERT_TRUE(append(100));
  machine_.disk().fill_up(20_KiB);
  pass(milliseconds(200));
  auto refused = append(100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::disk_full);
  EXPECT_NE(refused.error().message.find("free"), std::string::npos) << refused.error().message;
  EXPECT_EQ(state(), EngineHealth::State::disk_full);
  EXPECT_TRUE(append(100, true));
  EXPECT_TRUE(*machine_.run(machine_.engine().read(log_a, Offset(0), 1)));
  machine_.disk().set_capacity(1_GiB);
  pass(milliseconds(200));
  EXPECT_TRUE(append(100));
  EXPECT_EQ(state(), EngineHealth::State::ok);
}

TEST_F(EngineFaultsTest, health_notices_by_itself_that_space_is_back) {
  machine_.disk().fill_up(0);
  pass(milliseconds(200));
  EXPECT_FALSE(append(100));
  machine_.disk().set_capacity(1_GiB);
  pass(milliseconds(200));
  static_cast<void>(machine_.engine().health());
  pass(milliseconds(200));
  EXPECT_EQ(state(), EngineHealth::State::ok);
}

TEST_F(EngineFaultsTest,
       a_disk_without_any_room_takes_acks_into_the_preallocated_journal_until_that_is_full) {
  machine_.disk().fill_up(0);
  int taken = 0;
  Result<Offset> last = Offset(0);
  while ((last = append(1000, true))) ++taken;
  EXPECT_EQ(last.error().code, ErrorCode::disk_full);
  EXPECT_GE(taken, 10);
  auto before = machine_.engine().range(log_a)->next;
  machine_.crash();
  ASSERT_TRUE(machine_.start()) << "a full disk does not keep it from starting";
  EXPECT_EQ(machine_.engine().range(log_a)->next, before);
  EXPECT_TRUE(*machine_.run(machine_.engine().read(log_a, Offset(0), 1)));
  machine_.disk().set_capacity(1_GiB);
  pass(milliseconds(500));
  static_cast<void>(machine_.engine().health());
  pass(milliseconds(500));
  EXPECT_TRUE(append(1000));
  machine_.crash();
  ASSERT_TRUE(machine_.start());
  EXPECT_EQ(machine_.engine().range(log_a)->next, before + 1);
}

TEST_F(EngineFaultsTest, what_is_stored_is_counted_once_however_often_a_round_is_repeated) {
  ASSERT_TRUE(*machine_.run(machine_.engine().open_log(log_b, {.name = "b"})));
  auto append_to_both = [this] {
    CommitBuilder builder;
    std::string value(1000, 'v');
    builder.add(log_a, {.value = as_bytes(value)});
    builder.add(log_b, {.value = as_bytes(value)});
    builder.use_reserve();
    auto done = machine_.run(machine_.engine().commit(builder.finish()));
    return done && *done;
  };
  ASSERT_TRUE(append_to_both());
  uint64_t one = machine_.engine().range(log_a)->bytes;
  machine_.disk().fill_up(12_KiB);  // a segment of one log fits, both do not
  for (int i = 1; i < 10; ++i) ASSERT_TRUE(append_to_both());
  auto expect_ten_of_each = [&] {
    EXPECT_EQ(machine_.engine().range(log_a)->bytes, 10 * one);
    EXPECT_EQ(machine_.engine().range(log_b)->bytes, 10 * one);
  };
  pass(seconds(3));
  EXPECT_EQ(state(), EngineHealth::State::disk_full);
  expect_ten_of_each();
  machine_.disk().set_capacity(1_GiB);
  pass(seconds(3));
  expect_ten_of_each();
  end_cleanly();
  start();
  expect_ten_of_each();
}

TEST_F(EngineFaultsTest, after_a_failed_flush_nothing_is_written_until_a_restart) {
  ASSERT_TRUE(append(100));
  machine_.disk().fail_after(1);  // the write succeeds, its flush does not
  auto failed = append(100);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::read_only);
  EXPECT_NE(failed.error().message.find("restart"), std::string::npos) << failed.error().message;
  EXPECT_EQ(append(100, true).error().code, ErrorCode::read_only);
  EXPECT_EQ(state(), EngineHealth::State::read_only);
  EXPECT_EQ(machine_.engine().range(log_a)->next, Offset(1));
  EXPECT_TRUE(*machine_.run(machine_.engine().read(log_a, Offset(0), 1)));
  machine_.kill();
  start();
  EXPECT_EQ(state(), EngineHealth::State::ok);
  EXPECT_GE(machine_.engine().range(log_a)->next, Offset(1));
  EXPECT_TRUE(append(100));
}

TEST_F(EngineFaultsTest, what_a_restart_after_a_failed_flush_shows_survives_a_power_loss) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SimulatedMachine machine({.seed = seed});
    ASSERT_TRUE(machine.start());
    ASSERT_TRUE(*machine.run(machine.engine().open_log(log_a, {.name = "a"})));
    machine.disk().fail_after(1);
    CommitBuilder builder;
    builder.add(log_a, {.value = as_bytes("x")});
    static_cast<void>(machine.run(machine.engine().commit(builder.finish())));
    machine.kill();
    ASSERT_TRUE(machine.start());
    Offset seen = machine.engine().range(log_a)->next;
    machine.crash();
    ASSERT_TRUE(machine.start());
    EXPECT_GE(machine.engine().range(log_a)->next, seen) << seed;
  }
}

constexpr const char* segment_of_a =
    "/data/topics/01000000-0000-0000-0000-000000000000/0/00000000000000000000.log";

// A checkpoint whose name its writer failed to flush is what the next start reads, and what a power loss may
// take back. Until it is durable no journal file may be overwritten because of it.
class UnflushedCheckpoint : public testing::Test {
 protected:
  // A machine whose engine has just failed to flush the name of a checkpoint that lies in another journal
  // file than the one before; nothing was acknowledged after it. nullptr when the n-th change was something
  // else.
  static std::unique_ptr<SimulatedMachine> made(uint64_t seed, uint64_t change) {
    auto machine = std::make_unique<SimulatedMachine>(SimulatedMachine::Options{.seed = seed});
    machine->limits().journal = {.file_bytes = 16_KiB, .first_file_bytes = 16_KiB, .files_max = 2};
    machine->limits().write_round_bytes = 1_GiB;
    if (!machine->start() || !*machine->run(machine->engine().open_log(log_a, {.name = "a"}))) return nullptr;
    pass(*machine);
    auto paths = log::checkpoint_paths("/data");
    auto before = log::load_checkpoint_file(machine->disk(), paths[0]);
    while (append(*machine) && machine->engine().range(log_a)->next < Offset(3)) pass(*machine);
    machine->disk().fail_after(change);
    while (append(*machine)) {
      pass(*machine);
      if (machine->engine().health().state == EngineHealth::State::read_only) break;
      if (machine->engine().range(log_a)->next > Offset(6)) return nullptr;
    }
    machine->disk().fail_never();
    auto after = log::load_checkpoint_file(machine->disk(), paths[0]);
    bool is_it = before && after && after->replay_from.file != before->replay_from.file &&
                 machine->engine().health().state == EngineHealth::State::read_only;
    return is_it ? std::move(machine) : nullptr;
  }
  static void pass(SimulatedMachine& machine) {
    machine.run([](runtime::Timers& timers) -> Task<bool> {
      co_await runtime::sleep_for(timers, milliseconds(20));
      co_return true;
    }(machine.shards().at(0).timers()));
  }
  static bool append(SimulatedMachine& machine) {
    CommitBuilder builder;
    builder.add(log_a, {.value = as_bytes("v")});
    auto done = machine.run(machine.engine().commit(builder.finish()));
    return done && *done;
  }
};

TEST_F(UnflushedCheckpoint, is_written_again_before_the_journal_is_used_because_of_it) {
  int tried = 0;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    for (uint64_t change = 0; change < 60; ++change) {
      for (uint64_t loss = 0; loss < 40; loss += 3) {
        auto machine = made(seed, change);
        if (!machine) break;
        Offset acknowledged = machine->engine().range(log_a)->next;
        machine->kill();
        ++tried;
        if (!machine->start()) continue;
        machine->disk().lose_power_after(loss);
        while (append(*machine)) acknowledged = machine->engine().range(log_a)->next;
        machine->crash();
        auto started = machine->start();
        ASSERT_TRUE(started) << started.error().message;
        EXPECT_EQ(machine->engine().health().state, EngineHealth::State::ok)
            << "seed " << seed << ", change " << change << ", loss " << loss;
        ASSERT_GE(machine->engine().range(log_a)->next, acknowledged)
            << "seed " << seed << ", change " << change << ", loss " << loss;
      }
    }
  }
  EXPECT_GT(tried, 10);
}

TEST_F(EngineFaultsTest, a_damaged_segment_closes_its_partition_and_leaves_the_rest_alone) {
  machine_.limits().cached_bytes_max = 0;
  machine_.kill();
  start();
  ASSERT_TRUE(*machine_.run(machine_.engine().open_log(log_b, {.name = "b"})));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(append(1000));
  end_cleanly();
  machine_.disk().flip_bit(segment_of_a, 2500);
  ASSERT_TRUE(machine_.start());
  auto whole = *machine_.run(machine_.engine().read(log_a, Offset(0), 1));
  ASSERT_TRUE(whole);
  EXPECT_TRUE(machine_.engine().health().damaged.empty()) << "nobody has looked yet";
  auto damaged = *machine_.run(machine_.engine().read(log_a, Offset(2), 1));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::corrupt);
  auto refused = append(10);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::read_only);
  EXPECT_NE(refused.error().message.find(segment_of_a), std::string::npos) << refused.error().message;
  auto health = machine_.engine().health();
  EXPECT_EQ(health.state, EngineHealth::State::ok);
  ASSERT_EQ(health.damaged.size(), 1);
  EXPECT_EQ(health.damaged[0].log, log_a);
  EXPECT_EQ(health.damaged[0].name, "a");
  CommitBuilder builder;
  builder.add(log_b, {.value = as_bytes("x")});
  EXPECT_TRUE(*machine_.run(machine_.engine().commit(builder.finish())));
  EXPECT_TRUE(*machine_.run(machine_.engine().read(log_a, Offset(0), 1))) << "what is whole is read";
}

TEST_F(EngineFaultsTest, a_segment_that_was_cut_loses_nothing_that_was_acknowledged_after_it) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(append(1000));
  end_cleanly();
  {
    auto file = machine_.disk().open(segment_of_a, runtime::OpenMode::write);
    ASSERT_TRUE(file && (*file)->resize(100));
  }
  ASSERT_TRUE(machine_.start());
  ASSERT_TRUE(append(30'000)) << "nobody has looked yet";
  pass(milliseconds(100));
  EXPECT_EQ(append(10).error().code, ErrorCode::read_only);
  EXPECT_EQ(state(), EngineHealth::State::ok);
  machine_.kill();
  ASSERT_TRUE(machine_.start());
  auto after = *machine_.run(machine_.engine().read(log_a, Offset(4), 1));
  EXPECT_TRUE(after) << "it stands in a segment of its own";
  EXPECT_FALSE(*machine_.run(machine_.engine().read(log_a, Offset(1), 1)));
}

TEST_F(EngineFaultsTest, more_than_may_wait_is_refused_and_then_taken) {
  machine_.limits().waiting_bytes_max = 2500;
  machine_.kill();
  start();
  auto [taken, refused] = append_at_once(30);
  EXPECT_EQ(taken + refused, 30);
  EXPECT_GT(refused, 0);
  EXPECT_GE(taken, 8);
  EXPECT_TRUE(append(1000));
}

TEST_F(EngineFaultsTest, commits_wait_for_segments_that_are_behind) {
  machine_.limits().unwritten_bytes_max = 4000;  // less than a round is begun for
  machine_.limits().group_bytes_max = 2000;
  machine_.limits().retention_interval = hours(1);  // whose rounds would help
  machine_.kill();
  start();
  EXPECT_EQ(append_at_once(30).taken, 30);
  machine_.disk().fill_up(0);
  Result<Offset> last = Offset(0);
  for (int i = 0; i < 30 && (last = append(1000, true)); ++i) {
  }
  ASSERT_FALSE(last) << "they wait for no disk that is full";
  EXPECT_EQ(last.error().code, ErrorCode::unavailable);
}

TEST_F(EngineFaultsTest, a_stopping_engine_takes_no_more) {
  auto stopped = std::make_shared<bool>(false);
  machine_.spawn(0, [](Engine& engine, std::shared_ptr<bool> done) -> Task<> {
    co_await engine.stop();
    *done = true;
  }(machine_.engine(), stopped));
  int taken = 0;
  Result<Offset> last = Offset(0);
  while (!*stopped && (last = append(10))) ++taken;
  machine_.run_until([&] { return *stopped; });
  machine_.crash();
  ASSERT_TRUE(machine_.start());
  EXPECT_EQ(machine_.engine().range(log_a)->next, Offset(taken));
}

// Retention's arithmetic.

std::vector<log::SegmentState> four_segments() {
  std::vector<log::SegmentState> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back({.base = Offset(i * 10),
                   .next = Offset(i * 10 + 10),
                   .bytes = 100,
                   .last_append = WallTime(hours(i))});
  }
  return all;
}

TEST(Retention, by_size_keeps_at_least_what_is_asked_in_whole_segments) {
  for (auto [bytes, first] : {std::pair(1, 30), {100, 30}, {101, 20}, {300, 10}, {301, 0}, {1000, 0}}) {
    LogSettings settings{.name = "", .retention_bytes = static_cast<uint64_t>(bytes)};
    EXPECT_EQ(retained_from(four_segments(), settings, Offset(0), {}, {}), Offset(first)) << bytes;
  }
}

TEST(Retention, by_time_counts_from_the_last_append_of_a_segment) {
  LogSettings settings{.name = "", .retention_time = hours(1)};
  for (auto [now, first] : {std::pair(0, 0), {1, 10}, {2, 20}, {4, 40}}) {
    EXPECT_EQ(retained_from(four_segments(), settings, Offset(0), {}, WallTime(hours(now))), Offset(first))
        << now;
  }
}

TEST(Retention, a_pin_and_the_first_offset_bound_it) {
  LogSettings settings{.name = "", .retention_time = hours(1)};
  WallTime late{hours(100)};
  EXPECT_EQ(retained_from(four_segments(), settings, Offset(0), Offset(15), late), Offset(15));
  EXPECT_EQ(retained_from(four_segments(), settings, Offset(20), Offset(15), late), Offset(20));
  EXPECT_EQ(retained_from(four_segments(), {}, Offset(3), {}, late), Offset(3));
}

TEST(Retention, a_log_that_keeps_little_has_small_segments) {
  EmbeddedLimits limits;
  EXPECT_EQ(segment_bytes_for({.name = "", .compact = true}, limits), limits.compacted_segment_bytes);
  EXPECT_EQ(segment_bytes_for({}, limits), 128_MiB);
  EXPECT_EQ(segment_bytes_for({.name = "", .retention_bytes = 80_MiB}, limits), 10_MiB);
  EXPECT_EQ(segment_bytes_for({.name = "", .retention_bytes = 1}, limits), 64_KiB);
}

}  // namespace
}  // namespace pabal::engine
