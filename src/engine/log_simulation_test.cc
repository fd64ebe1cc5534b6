#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/logging.h"
#include "engine/compaction_scenario.h"
#include "engine/log_scenario.h"

namespace pabal::engine {
namespace {

class LogSimulation : public testing::Test {
 protected:
  static void SetUpTestSuite() { spdlog::set_level(spdlog::level::off); }
  static void TearDownTestSuite() { spdlog::set_level(spdlog::level::info); }
};

TEST_F(LogSimulation, three_hundred_seeds_keep_every_promise) {
  size_t operations = 0;
  size_t crashes = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SimulationOutcome outcome = simulate_log({.seed = seed});
    ASSERT_FALSE(outcome.problem) << "seed " << seed << ": " << *outcome.problem;
    EXPECT_GE(outcome.operations, 1000u);
    EXPECT_GE(outcome.crashes, 3u);
    EXPECT_GT(outcome.acknowledged, 50u) << seed;
    operations += outcome.operations;
    crashes += outcome.crashes;
  }
  fmt::print("300 seeds, {} operations, {} crashes\n", operations, crashes);
}

TEST_F(LogSimulation, a_seed_repeats_itself) {
  SimulationOutcome first = simulate_log({.seed = 7});
  SimulationOutcome second = simulate_log({.seed = 7});
  EXPECT_EQ(first.operations, second.operations);
  EXPECT_EQ(first.acknowledged, second.acknowledged);
  EXPECT_EQ(first.crashes, second.crashes);
}

TEST_F(LogSimulation, a_hundred_seeds_of_compaction_keep_the_latest_of_each_key) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SimulationOutcome outcome = simulate_compaction({.seed = seed});
    ASSERT_FALSE(outcome.problem) << "seed " << seed << ": " << *outcome.problem;
    EXPECT_GE(outcome.crashes, 3u);
    EXPECT_GT(outcome.acknowledged, 50u) << seed;
  }
}

class PlantedBugs : public testing::TestWithParam<PlantedBug> {
 protected:
  static void SetUpTestSuite() { spdlog::set_level(spdlog::level::off); }
  static void TearDownTestSuite() { spdlog::set_level(spdlog::level::info); }
};

TEST_P(PlantedBugs, are_found_within_500_seeds) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    bool compacts = GetParam() == PlantedBug::compact_above_high_watermark ||
                    GetParam() == PlantedBug::lose_tombstone ||
                    GetParam() == PlantedBug::remove_before_checkpoint;
    SimulationOptions options{.seed = seed, .bug = GetParam()};
    SimulationOutcome outcome = compacts ? simulate_compaction(options) : simulate_log(options);
    if (!outcome.problem) continue;
    fmt::print("found with seed {}: {}\n", seed, *outcome.problem);
    return;
  }
  FAIL() << "500 seeds did not find it";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBugs,
                         testing::Values(PlantedBug::skip_flush, PlantedBug::acknowledge_before_flush,
                                         PlantedBug::trust_after_failed_flush,
                                         PlantedBug::acknowledge_out_of_order, PlantedBug::replay_half_commit,
                                         PlantedBug::checkpoint_ahead_of_segments,
                                         PlantedBug::compact_above_high_watermark, PlantedBug::lose_tombstone,
                                         PlantedBug::remove_before_checkpoint, PlantedBug::cut_one_too_far,
                                         PlantedBug::stale_snapshot, PlantedBug::reuse_offsets));

}  // namespace
}  // namespace pabal::engine
