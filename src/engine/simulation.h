#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/embedded.h"
#include "runtime/simulated_disk.h"
#include "runtime/simulated_loop.h"
#include "runtime/simulated_shards.h"

namespace pabal::engine {

// What a scenario is told, and what it says in the end. The same options give the same run.
struct SimulationOptions {
  uint64_t seed = 1;
  size_t operations = 1200;  // at least so many, unless something is found before
  PlantedBug bug = PlantedBug::none;
};
struct SimulationOutcome {
  size_t operations = 0;
  size_t acknowledged = 0;
  size_t crashes = 0;  // of either kind
  size_t power_losses = 0;
  std::optional<std::string> problem = {};  // what was lost, doubled, reordered, torn …
};
// A kind of load with its checker: the log's, the tables', the queues'.
using Scenario = std::function<SimulationOutcome(const SimulationOptions&)>;

// A machine of the seed's making: a hostile disk, virtual time, shards whose work interleaves as the seed
// says, and an embedded engine on it whose limits are small and random, so that every file is changed often.
//
//   SimulatedMachine machine({.seed = 7});
//   machine.start();                                 // opens the engine
//   machine.spawn(0, client(machine.engine()));      // a coroutine on shard 0
//   machine.disk().lose_power_after(40);             // in the middle of a write, a flush, a rename …
//   while (!machine.disk().power_lost() && machine.step()) {}
//   machine.crash();                                 // nothing of the process is left
//   machine.start();                                 // recovery
//
// One thread; anything it runs must take files, time, randomness and threads from here alone.
class SimulatedMachine {
 public:
  struct Options {
    uint64_t seed = 1;
    size_t shards = 2;
    PlantedBug bug = PlantedBug::none;
  };

  explicit SimulatedMachine(const Options& options);
  ~SimulatedMachine();
  SimulatedMachine(const SimulatedMachine&) = delete;
  SimulatedMachine& operator=(const SimulatedMachine&) = delete;

  [[nodiscard]] Random& random() { return random_; }  // the scenario's
  [[nodiscard]] runtime::Shards& shards() { return *shards_; }
  [[nodiscard]] runtime::SimulatedDisk& disk() { return disk_; }
  [[nodiscard]] runtime::SimulatedLoop& loop() { return loop_; }
  // Where logs live now. The reference stays; between crash() and start() every call is refused, so what is
  // built on it can be destroyed after it.
  [[nodiscard]] Engine& engine();
  [[nodiscard]] bool running() const { return engine_up_; }
  [[nodiscard]] EmbeddedLimits& limits() { return limits_; }
  // The thread that writes segments falls behind the others.
  void slow_segments(uint64_t times) { segments_lane_.slow_down(times); }

  // Opens the engine. Its errors are open_embedded's.
  [[nodiscard]] Result<void> start();
  // Power is lost: what ran is destroyed, the disk keeps what it must and some of the rest.
  void crash();
  // The process is killed: what ran is destroyed, the disk shows all that was written.
  void kill();

  // Starts a coroutine on a shard. It ends with the process.
  void spawn(size_t shard, runtime::Task<> work);
  // Does one thing. False when nothing can happen any more.
  bool step() { return loop_.step(); }
  // Steps until `done`, or until nothing can happen, or the machine has no power, or it has turned in circles
  // for steps_max; says whether `done`.
  static constexpr uint64_t steps_max = 3'000'000;
  bool run_until(const std::function<bool()>& done);
  // Runs a coroutine to its end; nullopt when power was lost or nothing can happen before.
  template <class T>
  std::optional<T> run(runtime::Task<T> task);

 private:
  class Front;

  void destroy_process();

  Random random_;
  runtime::SimulatedLoop loop_;
  runtime::SimulatedDisk disk_;
  std::unique_ptr<runtime::SimulatedShards> shards_;
  runtime::SimulatedLoop::Lane& journal_lane_;
  runtime::SimulatedLoop::Lane& segments_lane_;
  IoExecutors io_;
  EmbeddedLimits limits_;
  PlantedBug bug_;
  uint64_t journal_id_;
  std::unique_ptr<Front> front_;
  bool engine_up_ = false;
};

template <class T>
std::optional<T> SimulatedMachine::run(runtime::Task<T> task) {
  auto result = std::make_shared<std::optional<T>>();
  spawn(0, [](runtime::Task<T> t, std::shared_ptr<std::optional<T>> r) -> runtime::Task<> {
    *r = co_await std::move(t);
  }(std::move(task), result));
  run_until([&] { return result->has_value(); });
  return std::move(*result);
}

}  // namespace pabal::engine
