// simulate: plays seeded crashes of log, tables and queues until one breaks a promise. A seed that fails is
// reduced to as few operations as still fail, and printed as the command that repeats it. With --bugs it
// shows that it can find something: each planted bug with the seed that found it.
#include <CLI/CLI.hpp>
#include <map>

#include "base/logging.h"
#include "broker/broker_scenario.h"
#include "broker/group_scenario.h"
#include "broker/producer_scenario.h"
#include "engine/compaction_scenario.h"
#include "engine/log_scenario.h"
#include "engine/table_scenario.h"

namespace pabal {
namespace {

using engine::PlantedBug;
using engine::Scenario;
using engine::SimulationOptions;
using engine::SimulationOutcome;

const std::map<std::string, Scenario>& scenarios() {
  static const std::map<std::string, Scenario> all = {
      {"log", engine::simulate_log},
      {"table", engine::simulate_table},
      {"compaction", engine::simulate_compaction},
      {"broker", broker::simulate_broker},
      {"groups", broker::simulate_groups},
      {"producers", broker::simulate_producers},
  };
  return all;
}

struct Planted {
  PlantedBug bug;
  std::string scenario;  // that finds it
};

const std::map<std::string, Planted>& planted_bugs() {
  static const std::map<std::string, Planted> all = {
      {"skip-flush", {PlantedBug::skip_flush, "log"}},
      {"acknowledge-before-flush", {PlantedBug::acknowledge_before_flush, "log"}},
      {"trust-after-failed-flush", {PlantedBug::trust_after_failed_flush, "log"}},
      {"acknowledge-out-of-order", {PlantedBug::acknowledge_out_of_order, "log"}},
      {"replay-half-commit", {PlantedBug::replay_half_commit, "log"}},
      {"checkpoint-ahead-of-segments", {PlantedBug::checkpoint_ahead_of_segments, "log"}},
      {"compact-above-high-watermark", {PlantedBug::compact_above_high_watermark, "compaction"}},
      {"lose-tombstone", {PlantedBug::lose_tombstone, "compaction"}},
      {"remove-before-checkpoint", {PlantedBug::remove_before_checkpoint, "compaction"}},
      {"cut-one-too-far", {PlantedBug::cut_one_too_far, "log"}},
      {"stale-snapshot", {PlantedBug::stale_snapshot, "log"}},
      {"reuse-offsets", {PlantedBug::reuse_offsets, "log"}},
      {"settle-before-dead-letter", {PlantedBug::settle_before_dead_letter, "broker"}},
      {"assign-before-saved", {PlantedBug::assign_before_saved, "groups"}},
      {"producer-state-apart", {PlantedBug::producer_state_apart, "producers"}},
      {"producer-keeps-four", {PlantedBug::producer_keeps_four, "producers"}},
      {"producer-not-fenced", {PlantedBug::producer_not_fenced, "producers"}},
      {"producers-forgotten", {PlantedBug::producers_forgotten, "producers"}},
      {"repeated-before-durable", {PlantedBug::repeated_before_durable, "producers"}},
  };
  return all;
}

constexpr uint64_t seeds_of_a_scenario = 100;
constexpr uint64_t seeds_of_a_bug = 500;

struct Arguments {
  uint64_t seeds = 0;  // 0: as many as are usual
  uint64_t first_seed = 1;
  size_t operations = SimulationOptions().operations;
  std::string scenario;  // empty: all
  std::string bug;       // empty: none
  bool all_bugs = false;

  [[nodiscard]] SimulationOptions options(uint64_t seed) const {
    return {.seed = seed,
            .operations = operations,
            .bug = bug.empty() ? PlantedBug::none : planted_bugs().at(bug).bug};
  }
};

// The fewest operations with which the seed still fails, by halving the distance.
SimulationOptions reduced(const Scenario& scenario, SimulationOptions failing) {
  size_t passes = 0;
  while (failing.operations - passes > 1) {
    SimulationOptions attempt = failing;
    attempt.operations = passes + (failing.operations - passes) / 2;
    if (scenario(attempt).problem) {
      failing = attempt;
    } else {
      passes = attempt.operations;
    }
  }
  return failing;
}

// Plays all seeds of one scenario; says whether all promises held.
bool play(const std::string& name, const Scenario& scenario, const Arguments& arguments) {
  SimulationOutcome sum;
  for (uint64_t i = 0; i < arguments.seeds; ++i) {
    SimulationOptions options = arguments.options(arguments.first_seed + i);
    SimulationOutcome outcome = scenario(options);
    sum.operations += outcome.operations;
    sum.acknowledged += outcome.acknowledged;
    sum.crashes += outcome.crashes;
    sum.power_losses += outcome.power_losses;
    if (!outcome.problem) continue;
    SimulationOptions fewest = reduced(scenario, options);
    fmt::print("{}: seed {} fails: {}\n", name, options.seed, *outcome.problem);
    fmt::print("repeat it with: ./dev simulate --scenario {} --seeds 1 --seed {} --operations {}{}\n", name,
               fewest.seed, fewest.operations, arguments.bug.empty() ? "" : " --bug " + arguments.bug);
    return false;
  }
  fmt::print("{}: {} seeds, {} operations, {} acknowledged, {} crashes ({} power losses): nothing lost\n",
             name, arguments.seeds, sum.operations, sum.acknowledged, sum.crashes, sum.power_losses);
  return true;
}

// Plays each bug until it is found, and prints a line for it; says whether all were.
bool hunt(Arguments arguments) {
  bool good = true;
  fmt::print("{:30} {:10} {:>5}  {}\n", "planted bug", "scenario", "seed", "what was found");
  for (const auto& [name, planted] : planted_bugs()) {
    arguments.bug = name;
    std::optional<std::string> problem;
    uint64_t seed = arguments.first_seed;
    for (uint64_t i = 0; i < arguments.seeds && !problem; ++i) {
      seed = arguments.first_seed + i;
      problem = scenarios().at(planted.scenario)(arguments.options(seed)).problem;
    }
    good = good && problem;
    fmt::print("{:30} {:10} {:>5}  {}\n", name, planted.scenario, problem ? std::to_string(seed) : "-",
               problem.value_or(fmt::format("{} seeds found nothing", arguments.seeds)));
  }
  return good;
}

int run(Arguments arguments) {
  if (arguments.seeds == 0) arguments.seeds = arguments.all_bugs ? seeds_of_a_bug : seeds_of_a_scenario;
  if (arguments.all_bugs) return hunt(arguments) ? 0 : 1;
  bool good = true;
  for (const auto& [name, scenario] : scenarios()) {
    if (arguments.scenario.empty() || arguments.scenario == name)
      good = play(name, scenario, arguments) && good;
  }
  return good ? 0 : 1;
}

template <class T>
std::vector<std::string> names_of(const std::map<std::string, T>& all) {
  std::vector<std::string> names;
  for (const auto& [name, value] : all) names.push_back(name);
  return names;
}

}  // namespace
}  // namespace pabal

int main(int count, char** words) {
  using namespace pabal;
  Arguments arguments;
  std::string log_level = "off";
  CLI::App app{
      "Crashes log, tables and queues in the simulator, seed by seed.\nExample: simulate --seeds 2000"};
  app.add_option("--seeds", arguments.seeds, "how many seeds: 100, or with --bugs at most 500 for each")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", arguments.first_seed, "the first seed");
  app.add_option("--operations", arguments.operations, "operations of each seed, at least")
      ->check(CLI::PositiveNumber);
  app.add_option("--scenario", arguments.scenario, "only this one")
      ->check(CLI::IsMember(names_of(scenarios())));
  app.add_option("--bug", arguments.bug, "plant this fault")->check(CLI::IsMember(names_of(planted_bugs())));
  app.add_flag("--bugs", arguments.all_bugs, "plant one fault after the other and say which seed finds it");
  app.add_option("--log", log_level, "level of the engine's log: off, warn, info, …");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& e) {
    int status = app.exit(e);
    return status == 0 ? 0 : 2;
  }
  if (!start_logging(log_level)) {
    fmt::print(stderr, "--log {}: not a level\n", log_level);
    return 2;
  }
  return run(arguments);
}
