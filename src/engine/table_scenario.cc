#include "engine/table_scenario.h"

#include <map>
#include <set>

#include "engine/table.h"

namespace pabal::engine {
namespace {

using runtime::Task;

constexpr size_t client_count = 3;
constexpr size_t crashes_min = 3;
constexpr size_t keys_per_client = 12;
constexpr LogId table_log{.topic = {}, .partition = PartitionIndex(0)};

// What each key may hold now: one value, or several while the outcome of a change is unknown.
using Possible = std::set<std::optional<std::string>>;

class TableScenario {
 public:
  explicit TableScenario(const SimulationOptions& options)
      : options_(options), machine_({.seed = options.seed, .bug = options.bug}), random_(machine_.random()) {}

  SimulationOutcome run() {
    while (!outcome_.problem &&
           (outcome_.operations < options_.operations || outcome_.crashes < crashes_min)) {
      live();
    }
    table_.reset();
    return outcome_;
  }

 private:
  void live();
  bool start();
  void inspect();
  void crash(bool power);
  Task<> client(size_t number);
  Task<> change(size_t number);
  void fail(std::string problem) {
    if (!outcome_.problem) outcome_.problem = std::move(problem);
  }
  [[nodiscard]] bool counts() { return !outcome_.problem && !machine_.disk().power_lost(); }

  SimulationOptions options_;
  SimulatedMachine machine_;
  Random& random_;
  SimulationOutcome outcome_;
  std::unique_ptr<Table> table_;
  std::map<std::string, Possible> possible_;
  size_t working_ = 0;
  size_t life_ends_at_ = 0;
  uint64_t last_value_ = 0;
};

void TableScenario::live() {
  if (!start()) return;
  inspect();
  if (outcome_.problem) return;
  life_ends_at_ = outcome_.operations + 10 + random_.below(200);
  bool power = random_.chance(0.7);
  if (power) machine_.disk().lose_power_after(random_.below(500));
  working_ = client_count;
  for (size_t i = 0; i < client_count; ++i) machine_.spawn(0, client(i));
  if (random_.chance(0.2)) {
    machine_.disk().fill_up(random_.below(8_KiB));
    size_t until = outcome_.operations + 50;
    machine_.run_until([&] { return working_ == 0 || outcome_.operations >= until; });
    machine_.disk().set_capacity(uint64_t{1} << 40);
  }
  bool done = machine_.run_until([&] { return working_ == 0 || outcome_.problem; });
  if (!done && counts()) fail("work does not end");
  crash(power || machine_.disk().power_lost());
}

void TableScenario::crash(bool power) {
  if (power) {
    machine_.crash();
    ++outcome_.power_losses;
  } else {
    machine_.kill();
  }
  table_.reset();
  ++outcome_.crashes;
}

bool TableScenario::start() {
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (random_.chance(0.2)) machine_.disk().lose_power_after(random_.below(80));
    auto started = machine_.start();
    if (!started && !machine_.disk().power_lost()) {
      fail(fmt::format("the start failed: {}", started.error().message));
      return false;
    }
    if (started) {
      TableOptions options{.name = "table", .rewrite_records_min = 8, .rewrite_piece_records = 4};
      auto table =
          machine_.run(Table::open(machine_.engine(), machine_.shards().at(0).timers(), table_log, options));
      if (table && *table) {
        table_ = std::move(**table);
        machine_.disk().lose_power_never();
        return true;
      }
      if (table && !machine_.disk().power_lost()) {
        fail(fmt::format("the table does not open: {}", (*table).error().message));
        return false;
      }
    }
    crash(true);
  }
  fail("it does not start any more");
  return false;
}

void TableScenario::inspect() {
  for (const auto& [key, entry] : table_->entries()) {
    if (!possible_.contains(key)) fail(fmt::format("{} = {} was never written", key, entry.value));
  }
  for (auto& [key, possible] : possible_) {
    const std::string* found = table_->find(key);
    std::optional<std::string> value = found ? std::optional(*found) : std::nullopt;
    if (!possible.contains(value)) {
      fail(fmt::format("{} is {}, after {} crashes", key, value.value_or("missing"), outcome_.crashes));
    }
    possible = {value};
  }
}

Task<> TableScenario::client(size_t number) {
  while (counts() && outcome_.operations < life_ends_at_) {
    ++outcome_.operations;
    co_await change(number);
    if (machine_.engine().health().state == EngineHealth::State::read_only) break;
  }
  --working_;
}

// Each client has keys of its own, so that the order of its changes is known.
Task<> TableScenario::change(size_t number) {
  TableChanges changes;
  for (uint64_t i = 0, n = 1 + random_.below(3); i < n; ++i) {
    TableChange one{fmt::format("{}.{}", number, random_.below(keys_per_client)), std::nullopt};
    if (random_.chance(0.7)) one.value = std::to_string(++last_value_);
    std::erase_if(changes, [&](const TableChange& other) { return other.key == one.key; });
    changes.push_back(std::move(one));
  }
  for (const TableChange& one : changes) possible_.try_emplace(one.key, Possible{std::nullopt});
  for (const TableChange& one : changes) possible_[one.key].insert(one.value);
  TableChanges sent = changes;
  auto done = co_await table_->change(std::move(sent));
  if (!done) co_return;  // it may have been written all the same
  ++outcome_.acknowledged;
  for (const TableChange& one : changes) {
    possible_[one.key] = {one.value};
    const std::string* shown = table_->find(one.key);
    if ((shown ? std::optional(*shown) : std::nullopt) != one.value)
      fail(fmt::format("{} does not show", one.key));
  }
}

}  // namespace

SimulationOutcome simulate_table(const SimulationOptions& options) { return TableScenario(options).run(); }

}  // namespace pabal::engine
