#include "engine/log_scenario.h"

#include "engine/commit_builder.h"
#include "engine/log_model.h"
#include "log/checkpoint.h"

namespace pabal::engine {
namespace {

using runtime::Task;

constexpr size_t client_count = 4;
constexpr size_t logs_max = 6;
constexpr size_t crashes_min = 3;
constexpr uint64_t disk_bytes = uint64_t{1} << 40;

// How a life of the machine ends.
enum class End { power_loss, kill, stop, io_error, ends };

class LogScenario {
 public:
  explicit LogScenario(const SimulationOptions& options)
      : options_(options), machine_({.seed = options.seed, .bug = options.bug}), random_(machine_.random()) {}

  SimulationOutcome run() {
    while (!found() && (outcome_.operations < options_.operations || outcome_.crashes < crashes_min)) live();
    outcome_.acknowledged = model_.acknowledged();
    outcome_.problem = model_.problem();
    return outcome_;
  }

 private:
  using Log = LogModel::Log;

  [[nodiscard]] bool found() const { return model_.problem().has_value(); }
  // False once nothing counts any more: power is off, or the verdict is there.
  [[nodiscard]] bool counts() const { return !found() && !machine_.disk_has_no_power(); }

  // One life: start, look at what is left, work, end.
  void live();
  bool start();
  void pin_some();
  void inspect();
  Task<bool> inspect_logs();
  void plan_end(End end);
  void work(End end);
  void finish(End end);
  void crash();
  void damage_checkpoint();
  void kill();

  Task<> client(size_t lane, size_t life);
  Task<> act(size_t lane);
  Task<> commit(size_t lane);
  Task<> open();
  Task<> remove();
  Task<> read();
  Task<> trim();
  Task<> find_time();
  Log* any_log();
  void judge(const Error& problem, std::string_view what, const Log* log);

  SimulationOptions options_;
  struct Machine : SimulatedMachine {
    using SimulatedMachine::SimulatedMachine;
    [[nodiscard]] bool disk_has_no_power() const { return const_cast<Machine*>(this)->disk().power_lost(); }
  };
  Machine machine_;
  Random& random_;
  LogModel model_;
  SimulationOutcome outcome_;
  size_t life_ = 0;
  size_t working_ = 0;       // clients of this life
  size_t life_ends_at_ = 0;  // operations
  bool io_error_due_ = false;
  bool full_ = false;  // the disk has been full in this life
};

void LogScenario::live() {
  End end = outcome_.crashes < crashes_min && random_.chance(0.5) ? End::power_loss
                                                                  : static_cast<End>(random_.below(4));
  io_error_due_ = false;
  if (!start()) return;
  inspect();
  if (random_.chance(0.5)) machine_.disk().set_capacity(disk_bytes);
  if (found()) return;
  model_.begin_life();
  plan_end(end);
  work(end);
  finish(end);
}

// A start may be interrupted, again and again.
bool LogScenario::start() {
  if (random_.chance(0.3)) machine_.disk().lose_power_after(random_.below(80));
  if (random_.chance(0.1)) machine_.disk().fail_after(random_.below(80));
  full_ = random_.chance(0.1);
  machine_.disk().set_capacity(disk_bytes);
  if (full_) machine_.disk().fill_up(random_.below(6_KiB));
  for (int attempt = 0; attempt < 20; ++attempt) {
    auto started = machine_.start();
    if (started) {
      pin_some();
      machine_.disk().lose_power_never();
      machine_.disk().fail_never();
      return true;
    }
    bool power_lost = machine_.disk().power_lost();
    bool no_room = full_ && started.error().code == ErrorCode::disk_full;
    if (no_room) machine_.disk().set_capacity(disk_bytes);
    if (!power_lost && !no_room && started.error().code != ErrorCode::io_failed) {
      model_.fail(fmt::format("the start failed: {}", started.error().message));
      return false;
    }
    if (power_lost) {
      crash();
    } else {
      kill();
    }
    if (random_.chance(0.2)) machine_.disk().lose_power_after(random_.below(80));
  }
  model_.fail("it does not start any more");
  return false;
}

// Pins last as long as a process.
void LogScenario::pin_some() {
  for (Log& log : model_.logs()) {
    auto range = machine_.engine().range(log.id);
    log.pinned.reset();
    if (!range || random_.chance(0.5)) continue;
    log.pinned = range->first.value();
    machine_.engine().pin(log.id, "reader", range->first);
  }
}

void LogScenario::inspect() {
  model_.begin_inspection();
  auto done = machine_.run(inspect_logs());
  if (!done && !found()) model_.fail("the look after a start does not end");
  if (!found()) model_.check_commits();
}

Task<bool> LogScenario::inspect_logs() {
  for (Log& log : model_.logs()) {
    auto range = machine_.engine().range(log.id);
    if (!range) {
      model_.missing(log);
      log.deleted = log.deleted || log.delete_begun;
      continue;
    }
    if (log.deleted) model_.fail(fmt::format("{}: it was deleted and is back", log.id));
    log.opened = true;
    model_.begin_look(log, *range);
    model_.saw_range(log, *range);
    for (Offset from = range->first; from < range->next && !found();) {
      auto read = co_await machine_.engine().read(log.id, from, 1 + random_.below(8_KiB));
      if (!read) {
        model_.fail(fmt::format("{}: offset {} cannot be read: {}", log.id, from, read.error().message));
        break;
      }
      Offset next = model_.saw_batches(log, from, *read);
      if (read->batches.empty() && log.durability != Durability::flushed) {
        model_.saw_gap(log, from, next = read->range.next);
      }
      if (next <= from) model_.fail(fmt::format("{}: nothing is read at {}", log.id, from));
      from = next;
    }
    model_.end_look(log, *range);
  }
  co_return true;
}

void LogScenario::plan_end(End end) {
  life_ends_at_ = outcome_.operations + 20 + random_.below(300);
  if (end == End::power_loss) machine_.disk().lose_power_after(random_.below(600));
  if (end == End::io_error) {
    machine_.disk().fail_after(random_.below(300));
    io_error_due_ = true;
  }
}

void LogScenario::work(End end) {
  ++life_;
  working_ = client_count;
  for (size_t i = 0; i < client_count; ++i) machine_.spawn(i % 2, client(i % 2, life_));
  // Sometimes the disk is too small for a while.
  if (random_.chance(0.2) && end != End::io_error) {
    size_t until = outcome_.operations + 10;
    machine_.run_until([&] { return outcome_.operations >= until || working_ == 0 || found(); });
    full_ = true;
    machine_.disk().fill_up(random_.below(6_KiB));
    machine_.run_until([&] { return outcome_.operations >= until + 100 || working_ == 0 || found(); });
    machine_.disk().set_capacity(disk_bytes);
  }
  bool all_done = machine_.run_until([&] { return working_ == 0 || found(); });
  if (!all_done && counts()) model_.fail("work does not end");
}

void LogScenario::finish(End end) {
  if (found()) return;
  for (Log& log : model_.logs()) {  // what readers of logs in memory could still see
    if (log.durability != Durability::memory) continue;
    if (auto range = machine_.engine().range(log.id)) model_.saw_range(log, *range);
  }
  if (machine_.disk().power_lost()) return crash();
  if (end == End::stop || (end == End::power_loss && random_.chance(0.5))) {
    machine_.run([](Engine& engine) -> Task<bool> {
      co_await engine.stop();
      co_return true;
    }(machine_.engine()));
    if (machine_.disk().power_lost()) return crash();
    if (machine_.engine().health().state == EngineHealth::State::ok) model_.stopped_cleanly();
  }
  if (end == End::power_loss || (end == End::io_error && random_.chance(0.5))) return crash();
  kill();
}

void LogScenario::crash() {
  machine_.crash();
  ++outcome_.crashes;
  ++outcome_.power_losses;
  if (outcome_.power_losses % 3 == 0) damage_checkpoint();
}

// The seed says which of the two files it is, in all its lives: the engine promises to stand the loss of one.
void LogScenario::damage_checkpoint() {
  auto paths = log::checkpoint_paths("/data");
  for (const std::string& path : paths) {
    if (!log::load_checkpoint_file(machine_.disk(), path)) return;
  }
  machine_.disk().flip_bit(paths[options_.seed % 2], options_.seed % 50);
}

void LogScenario::kill() {
  machine_.kill();
  ++outcome_.crashes;
}

Task<> LogScenario::client(size_t lane, size_t life) {
  while (counts() && outcome_.operations < life_ends_at_) {
    ++outcome_.operations;
    co_await act(lane);
    if (machine_.engine().health().state == EngineHealth::State::read_only) break;
  }
  if (life == life_) --working_;
}

Task<> LogScenario::act(size_t lane) {
  uint64_t dice = random_.below(100);
  if (model_.logs().empty() || dice < 2) return open();
  if (dice < 4) return remove();
  if (dice < 10) return trim();
  if (dice < 24) return read();
  if (dice < 28) return find_time();
  return commit(lane);
}

LogScenario::Log* LogScenario::any_log() {
  std::vector<Log*> open;
  for (Log& log : model_.logs()) {
    if (log.opened && !log.delete_begun) open.push_back(&log);
  }
  return open.empty() ? nullptr : open[random_.below(open.size())];
}

// Whether an operation may fail like this.
void LogScenario::judge(const Error& problem, std::string_view what, const Log* log) {
  if (!counts()) return;
  bool expected = (problem.code == ErrorCode::not_found && (log == nullptr || log->delete_begun)) ||
                  (problem.code == ErrorCode::disk_full && full_) ||
                  (problem.code == ErrorCode::read_only && io_error_due_) ||
                  problem.code == ErrorCode::unavailable;
  if (!expected) model_.fail(fmt::format("{} failed: {}: {}", what, name_of(problem.code), problem.message));
}

Task<> LogScenario::commit(size_t lane) {
  std::vector<LogModel::Part> parts;
  for (size_t i = 0; i < model_.logs().size() && parts.size() < 3; ++i) {
    const Log& log = model_.logs()[i];
    if (!log.opened || log.delete_begun || random_.chance(0.5)) continue;
    parts.push_back({i, 1 + static_cast<int>(random_.below(3))});
  }
  if (parts.empty()) co_return;
  size_t number = model_.begin_commit(parts);
  CommitBuilder builder;
  for (size_t i = 0; i < parts.size(); ++i) {
    for (int r = 0; r < parts[i].records; ++r) {
      std::string value =
          LogModel::value_of(number, i, r, random_.chance(0.1) ? random_.below(3000) : random_.below(60));
      builder.add(model_.logs()[parts[i].log].id,
                  {.value = as_bytes(value), .timestamp = LogModel::time_of(number)});
    }
  }
  if (random_.chance(0.3)) builder.use_reserve();
  auto done = co_await machine_.engine().commit(builder.finish());
  if (!counts()) co_return;
  if (!done) co_return judge(done.error(), "a commit", nullptr);
  model_.acknowledged(number, *done, lane);
  for (const auto& part : parts) {
    Log& log = model_.logs()[part.log];
    if (auto range = machine_.engine().range(log.id)) model_.saw_range(log, *range);
  }
}

Task<> LogScenario::open() {
  if (any_log() != nullptr && model_.logs().size() >= logs_max && random_.chance(0.9)) co_return;
  if (model_.logs().size() >= 4 * logs_max) co_return;
  size_t index = model_.logs().size();
  Log log;
  log.id.topic = Uuid::random(random_);
  log.id.partition = PartitionIndex(static_cast<int32_t>(random_.below(3)));
  log.retained = random_.chance(0.3);
  if (random_.chance(0.5)) log.durability = random_.chance(0.6) ? Durability::written : Durability::memory;
  model_.logs().push_back(log);
  LogSettings settings{.name = fmt::format("log-{}", index), .durability = log.durability};
  if (log.retained) settings.retention_bytes = 1 + random_.below(20'000);
  if (log.retained && random_.chance(0.3))
    settings.retention_time = std::chrono::milliseconds(1 + random_.below(100));
  auto done = co_await machine_.engine().open_log(log.id, std::move(settings));
  if (!counts()) co_return;
  if (!done) co_return judge(done.error(), "making a log", nullptr);
  model_.logs()[index].opened = true;
}

Task<> LogScenario::remove() {
  Log* log = any_log();
  if (log == nullptr || random_.chance(0.5)) co_return;
  auto index = static_cast<size_t>(log - model_.logs().data());
  log->delete_begun = true;
  auto done = co_await machine_.engine().delete_log(log->id);
  if (!counts()) co_return;
  if (!done) co_return judge(done.error(), "deleting a log", nullptr);
  model_.logs()[index].deleted = true;
  if (machine_.engine().range(model_.logs()[index].id)) model_.fail("a deleted log still answers");
}

Task<> LogScenario::read() {
  Log* log = any_log();
  if (log == nullptr) co_return;
  auto index = static_cast<size_t>(log - model_.logs().data());
  auto range = machine_.engine().range(log->id);
  if (!range) co_return judge(range.error(), "a range", log);
  model_.saw_range(*log, *range);
  Offset from = range->first +
                static_cast<int64_t>(random_.below(static_cast<uint64_t>(range->next - range->first) + 1));
  auto read = co_await machine_.engine().read(log->id, from, random_.below(6_KiB));
  if (!counts()) co_return;
  Log& now = model_.logs()[index];
  bool trimmed = now.durability == Durability::memory || now.first_asked > from.value() ||
                 (now.retained && from.value() < now.pinned.value_or(INT64_MAX));
  if (!read && read.error().code == ErrorCode::not_found && trimmed) co_return;
  if (!read) co_return judge(read.error(), "a read", &now);
  model_.saw_batches(now, from, *read);
  if (!read->batches.empty() || from >= range->next) co_return;
  if (now.durability == Durability::flushed) model_.fail("a read gave nothing");
  model_.saw_gap(now, from, read->range.next);
}

Task<> LogScenario::trim() {
  Log* log = any_log();
  if (log == nullptr || random_.chance(0.5)) co_return;
  auto index = static_cast<size_t>(log - model_.logs().data());
  auto range = machine_.engine().range(log->id);
  if (!range) co_return judge(range.error(), "a range", log);
  Offset to = range->first +
              static_cast<int64_t>(random_.below(static_cast<uint64_t>(range->next - range->first) + 1));
  log->first_asked = std::max(log->first_asked, to.value());
  auto done = co_await machine_.engine().trim(log->id, to);
  if (!counts()) co_return;
  Log& now = model_.logs()[index];
  if (!done) co_return judge(done.error(), "a trim", &now);
  now.first_seen = std::max(now.first_seen, to.value());
}

Task<> LogScenario::find_time() {
  Log* log = any_log();
  if (log == nullptr) co_return;
  auto index = static_cast<size_t>(log - model_.logs().data());
  auto before = machine_.engine().range(log->id);
  if (!before) co_return judge(before.error(), "a range", log);
  WallTime time = LogModel::time_of(random_.below(outcome_.operations + 10));
  auto found_offset = co_await machine_.engine().find_time(log->id, time);
  if (!counts()) co_return;
  Log& now = model_.logs()[index];
  auto after = machine_.engine().range(now.id);
  if (!found_offset || !after) {
    co_return judge(found_offset ? after.error() : found_offset.error(), "a time look-up", &now);
  }
  model_.saw_time(now, time, *found_offset, *before, *after);
}

}  // namespace

SimulationOutcome simulate_log(const SimulationOptions& options) { return LogScenario(options).run(); }

}  // namespace pabal::engine
