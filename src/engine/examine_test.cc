#include "engine/examine.h"

#include <gtest/gtest.h>

#include "engine/commit_builder.h"
#include "engine/simulation.h"
#include "log/checkpoint.h"
#include "log/segment_index.h"

namespace pabal::engine {
namespace {

using runtime::Task;

const LogId log_a{.topic = {.bytes = {1}}, .partition = PartitionIndex(0)};

// A machine whose engine is filled, stopped in some way, damaged, and examined or started again.
class ExamineTest : public testing::Test {
 protected:
  void SetUp() override {
    machine_.limits().journal = {.file_bytes = 64_KiB, .first_file_bytes = 64_KiB, .files_max = 4};
    machine_.limits().segments.segment_bytes = 4_KiB;
    machine_.limits().write_round_bytes = 1_GiB;
    ASSERT_TRUE(machine_.start());
    EXPECT_TRUE(*machine_.run(machine_.engine().open_log(log_a, {.name = "a"})));
    ASSERT_TRUE(machine_.run(settle()));
  }

  void fill(int records) {
    for (int i = 0; i < records; ++i) {
      CommitBuilder builder;
      std::string value(300, 'v');
      builder.add(log_a, {.value = as_bytes(value)});
      ASSERT_TRUE(*machine_.run(machine_.engine().commit(builder.finish())));
    }
  }
  void stop() {
    machine_.run(settle(true));
    machine_.kill();
  }
  // Lets what goes on behind come to its end.
  Task<bool> settle(bool stop = false) {
    co_await runtime::sleep_for(machine_.shards().at(0).timers(), std::chrono::milliseconds(20));
    if (stop) co_await machine_.engine().stop();
    co_return true;
  }
  [[nodiscard]] static std::string journal_file() { return "/data/journal/0.journal"; }
  [[nodiscard]] static std::string segment(int base) {
    return fmt::format("/data/topics/{}/0/{:020}.log", log_a.topic, base);
  }
  Examination examined() {
    auto result = examine(machine_.disk(), "/data");
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(Examination());
  }
  Error failed_examination() { return examine(machine_.disk(), "/data").error(); }

  SimulatedMachine machine_{{.seed = 5}};
};

TEST_F(ExamineTest, a_damaged_side_file_is_no_damage) {
  fill(50);
  stop();
  std::string side_file = log::index_path(segment(0));
  ASSERT_TRUE(*machine_.disk().exists(side_file));
  ASSERT_TRUE((*machine_.disk().open_volume("/data"))->flush());
  EXPECT_TRUE(examined().findings.empty());
  machine_.disk().flip_bit(side_file, 50);
  Examination result = examined();
  EXPECT_TRUE(result.sound());
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].file, side_file);
  ASSERT_TRUE(machine_.start());
  auto read = machine_.run(machine_.engine().read(log_a, Offset(3), 1));
  ASSERT_TRUE(read && *read);
  EXPECT_TRUE(machine_.engine().health().damaged.empty());
}

TEST_F(ExamineTest, a_side_file_goes_with_its_segment) {
  fill(50);
  stop();
  ASSERT_TRUE(*machine_.disk().exists(log::index_path(segment(0))));
  ASSERT_TRUE(machine_.start());
  ASSERT_TRUE(*machine_.run(machine_.engine().trim(log_a, Offset(45))));
  stop();
  EXPECT_FALSE(*machine_.disk().exists(segment(0)));
  EXPECT_FALSE(*machine_.disk().exists(log::index_path(segment(0))));
}

TEST_F(ExamineTest, a_clean_directory_is_sound) {
  fill(50);
  stop();
  Examination result = examined();
  EXPECT_TRUE(result.sound());
  EXPECT_TRUE(result.findings.empty());
  EXPECT_EQ(result.logs, 1u);
  EXPECT_EQ(result.records, 50u);
  EXPECT_GT(result.segments, 3u);
  EXPECT_EQ(result.journal_blocks, 0u);
}

TEST_F(ExamineTest, a_killed_one_is_sound_and_has_blocks_to_replay) {
  fill(10);
  machine_.kill();
  Examination result = examined();
  EXPECT_TRUE(result.sound());
  EXPECT_EQ(result.journal_blocks, 11u);
}

TEST_F(ExamineTest, a_directory_in_use_or_of_nobody_is_refused) {
  EXPECT_EQ(failed_examination().code, ErrorCode::conflict);
  EXPECT_EQ(examine(machine_.disk(), "/elsewhere").error().code, ErrorCode::not_found);
}

TEST_F(ExamineTest, a_damaged_segment_is_named_with_its_byte) {
  fill(50);
  stop();
  machine_.disk().flip_bit(segment(0), 500);
  Examination result = examined();
  EXPECT_FALSE(result.sound());
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].file, segment(0));
  EXPECT_GT(result.findings[0].byte, 0u);
  EXPECT_LE(result.findings[0].byte, 500u);
}

TEST_F(ExamineTest, a_read_of_a_damaged_segment_names_the_file_and_leaves_other_logs_alone) {
  fill(50);
  stop();
  machine_.disk().flip_bit(segment(0), 500);
  ASSERT_TRUE(machine_.start());
  auto read = machine_.run(machine_.engine().read(log_a, Offset(1), 100));
  ASSERT_TRUE(read && !*read);
  EXPECT_EQ(read->error().code, ErrorCode::corrupt);
  EXPECT_NE(read->error().message.find(segment(0)), std::string::npos) << read->error().message;
  EXPECT_TRUE(*machine_.run(machine_.engine().read(log_a, Offset(45), 100)));
}

TEST_F(ExamineTest, damage_below_a_known_flush_is_corruption_and_nothing_is_cut) {
  fill(10);
  machine_.kill();
  constexpr uint64_t third_block = 2 * 4096 + 100;
  machine_.disk().flip_bit(journal_file(), third_block);
  Examination result = examined();
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].kind, Finding::Kind::damage);
  EXPECT_EQ(result.findings[0].file, journal_file());
  EXPECT_EQ(result.findings[0].byte, 2u * 4096);

  ASSERT_TRUE(machine_.start());
  EngineHealth health = machine_.engine().health();
  EXPECT_EQ(health.state, EngineHealth::State::read_only);
  EXPECT_NE(health.reason.find(journal_file()), std::string::npos) << health.reason;
  EXPECT_NE(health.reason.find("8192"), std::string::npos) << health.reason;
  EXPECT_EQ(machine_.engine().range(log_a)->next, Offset(1));
  EXPECT_TRUE(*machine_.run(machine_.engine().read(log_a, Offset(0), 100)));
  CommitBuilder builder;
  builder.add(log_a, {.value = as_bytes("x")});
  EXPECT_EQ(machine_.run(machine_.engine().commit(builder.finish()))->error().code, ErrorCode::read_only);
  machine_.kill();
  EXPECT_FALSE(examined().sound());  // still there for who can repair it
}

TEST_F(ExamineTest, damage_of_the_last_block_is_a_torn_tail_and_kept_aside) {
  fill(10);
  machine_.kill();
  machine_.disk().flip_bit(journal_file(), 10 * 4096 + 100);
  Examination result = examined();
  EXPECT_TRUE(result.sound());
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].byte, 10u * 4096);
  ASSERT_TRUE(machine_.start());
  EXPECT_EQ(machine_.engine().health().state, EngineHealth::State::ok);
  EXPECT_EQ(machine_.engine().range(log_a)->next, Offset(9));
  EXPECT_EQ(machine_.disk().list("/data/torn")->size(), 1u);
  fill(3);
  EXPECT_EQ(machine_.engine().range(log_a)->next, Offset(12));
}

TEST_F(ExamineTest, a_damaged_or_missing_checkpoint_has_a_copy) {
  for (int turn = 0; turn < 4; ++turn) {
    fill(10);
    stop();
    std::string path = log::checkpoint_paths("/data")[static_cast<size_t>(turn % 2)];
    if (turn < 2) {
      machine_.disk().flip_bit(path, 30);
    } else {
      ASSERT_TRUE(machine_.disk().remove(path));
    }
    Examination result = examined();
    EXPECT_TRUE(result.sound());
    bool only_copy_is_missing = turn == 3;
    ASSERT_EQ(result.findings.size(), only_copy_is_missing ? 0u : 1u);
    if (!only_copy_is_missing) EXPECT_EQ(result.findings[0].file, path);
    ASSERT_TRUE(machine_.start());
    EXPECT_EQ(machine_.engine().range(log_a)->next, Offset(10 * (turn + 1)));
  }
}

TEST_F(ExamineTest, a_checkpoint_that_is_damaged_twice_is_refused_with_its_name) {
  fill(10);
  stop();
  for (const std::string& path : log::checkpoint_paths("/data")) machine_.disk().flip_bit(path, 30);
  EXPECT_FALSE(examined().sound());
  auto started = machine_.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::corrupt);
  EXPECT_NE(started.error().message.find("/data/checkpoint"), std::string::npos) << started.error().message;
}

TEST_F(ExamineTest, a_missing_segment_is_damage) {
  fill(50);
  stop();
  ASSERT_TRUE(machine_.disk().remove(segment(0)));
  Examination result = examined();
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].kind, Finding::Kind::damage);
}

}  // namespace
}  // namespace pabal::engine
