#include <gtest/gtest.h>

#include "base/logging.h"
#include "engine/table_scenario.h"

namespace pabal::engine {
namespace {

class TableSimulation : public testing::Test {
 protected:
  static void SetUpTestSuite() { spdlog::set_level(spdlog::level::off); }
  static void TearDownTestSuite() { spdlog::set_level(spdlog::level::info); }
};

TEST_F(TableSimulation, forty_seeds_keep_every_promise) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SimulationOutcome outcome = simulate_table({.seed = seed, .operations = 500});
    ASSERT_FALSE(outcome.problem) << "seed " << seed << ": " << *outcome.problem;
    EXPECT_GE(outcome.crashes, 3u);
    EXPECT_GT(outcome.acknowledged, 50u) << seed;
  }
}

TEST_F(TableSimulation, a_skipped_flush_is_found) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    if (simulate_table({.seed = seed, .operations = 500, .bug = PlantedBug::skip_flush}).problem) return;
  }
  FAIL() << "300 seeds did not find it";
}

}  // namespace
}  // namespace pabal::engine
