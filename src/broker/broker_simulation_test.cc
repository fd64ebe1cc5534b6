#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/logging.h"
#include "broker/broker_scenario.h"
#include "broker/group_scenario.h"
#include "broker/producer_scenario.h"

namespace pabal::broker {
namespace {

using engine::PlantedBug;
using engine::SimulationOutcome;

class BrokerSimulation : public testing::Test {
 protected:
  static void SetUpTestSuite() { spdlog::set_level(spdlog::level::off); }
  static void TearDownTestSuite() { spdlog::set_level(spdlog::level::info); }

  // Whether a seed finds the fault.
  static bool is_found(PlantedBug bug, uint64_t seeds_max) {
    for (uint64_t seed = 1; seed <= seeds_max; ++seed) {
      SimulationOutcome outcome = simulate_broker({.seed = seed, .operations = 600, .bug = bug});
      if (!outcome.problem) continue;
      fmt::print("found with seed {}: {}\n", seed, *outcome.problem);
      return true;
    }
    return false;
  }
};

TEST_F(BrokerSimulation, fifteen_seeds_keep_every_promise) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    SimulationOutcome outcome = simulate_broker({.seed = seed, .operations = 600});
    ASSERT_FALSE(outcome.problem) << "seed " << seed << ": " << *outcome.problem;
    EXPECT_GE(outcome.crashes, 3u);
    EXPECT_GT(outcome.acknowledged, 50u) << seed;
  }
}

TEST_F(BrokerSimulation, thirty_seeds_of_groups_keep_every_promise) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SimulationOutcome outcome = simulate_groups({.seed = seed});
    ASSERT_FALSE(outcome.problem) << "seed " << seed << ": " << *outcome.problem;
    EXPECT_GE(outcome.crashes, 3u);
    EXPECT_GT(outcome.acknowledged, 50u) << seed;
  }
}

TEST_F(BrokerSimulation, an_assignment_that_is_told_before_it_is_saved_is_found) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    auto problem = simulate_groups({.seed = seed, .bug = PlantedBug::assign_before_saved}).problem;
    if (problem) return fmt::print("found with seed {}: {}\n", seed, *problem);
  }
  FAIL() << "500 seeds did not find it";
}

TEST_F(BrokerSimulation, thirty_seeds_of_idempotent_producers_keep_every_promise) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SimulationOutcome outcome = simulate_producers({.seed = seed});
    ASSERT_FALSE(outcome.problem) << "seed " << seed << ": " << *outcome.problem;
    EXPECT_GE(outcome.crashes, 3u);
    EXPECT_GT(outcome.acknowledged, 50u) << seed;
  }
}

class PlantedProducerFaults : public testing::TestWithParam<PlantedBug> {};

TEST_P(PlantedProducerFaults, are_found_within_500_seeds) {
  spdlog::set_level(spdlog::level::off);
  std::optional<std::string> problem;
  for (uint64_t seed = 1; seed <= 500 && !problem; ++seed) {
    problem = simulate_producers({.seed = seed, .bug = GetParam()}).problem;
    if (problem) fmt::print("found with seed {}: {}\n", seed, *problem);
  }
  spdlog::set_level(spdlog::level::info);
  EXPECT_TRUE(problem) << "500 seeds did not find it";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedProducerFaults,
                         testing::Values(PlantedBug::producer_state_apart, PlantedBug::producer_keeps_four,
                                         PlantedBug::producer_not_fenced, PlantedBug::producers_forgotten,
                                         PlantedBug::repeated_before_durable));

TEST_F(BrokerSimulation, a_seed_repeats_itself) {
  SimulationOutcome first = simulate_broker({.seed = 7, .operations = 600});
  SimulationOutcome second = simulate_broker({.seed = 7, .operations = 600});
  EXPECT_EQ(first.operations, second.operations);
  EXPECT_EQ(first.acknowledged, second.acknowledged);
  EXPECT_EQ(first.crashes, second.crashes);
}

TEST_F(BrokerSimulation, settling_before_the_dead_letter_is_durable_is_found) {
  EXPECT_TRUE(is_found(PlantedBug::settle_before_dead_letter, 100));
}

TEST_F(BrokerSimulation, a_skipped_flush_is_found) { EXPECT_TRUE(is_found(PlantedBug::skip_flush, 30)); }

}  // namespace
}  // namespace pabal::broker
