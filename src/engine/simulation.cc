#include "engine/simulation.h"

#include <boost/asio/co_spawn.hpp>

#include "base/check.h"

namespace pabal::engine {

using runtime::Task;

namespace {

std::unexpected<Error> machine_is_off() { return error(ErrorCode::unavailable, "the machine is off"); }

EmbeddedLimits small_limits(Random& random) {
  EmbeddedLimits limits;
  limits.journal.file_bytes = (32 + 16 * random.below(4)) * 1_KiB;
  limits.journal.first_file_bytes = 8_KiB + 8_KiB * random.below(2);
  limits.journal.files_max = 2 + random.below(3);
  limits.segments.segment_bytes = 2_KiB + random.below(16_KiB);
  limits.segments.index_interval_bytes = 64 + limits.segments.segment_bytes % 256;
  limits.group_bytes_max = 1_KiB + random.below(8_KiB);
  limits.write_round_bytes = 1_KiB + random.below(16_KiB);
  limits.unwritten_bytes_max = 4 * limits.write_round_bytes;
  limits.replayed_bytes_max = 1_KiB + random.below(64_KiB);
  limits.cached_bytes_max = random.below(64_KiB);
  limits.unflushed_bytes_max = 1_KiB + random.below(32_KiB);
  limits.unflushed_time_max = std::chrono::milliseconds(1 + random.below(50));
  limits.reserve_offsets_min = 1 + static_cast<int64_t>(random.below(20));
  limits.reserve_offsets_max = limits.reserve_offsets_min * 8;
  limits.memory_log_bytes_max = 2_KiB + random.below(16_KiB);
  limits.memory_logs_bytes_max = 8_KiB + random.below(32_KiB);
  limits.disk_reserve_bytes = 0;
  limits.flush_one_by_one_max = random.below(4);
  limits.retention_interval = std::chrono::milliseconds(50);
  return limits;
}

}  // namespace

// The engine as the scenario sees it: the real one while there is one.
class SimulatedMachine::Front final : public Engine {
 public:
  std::unique_ptr<Engine> real;

  Task<Result<void>> open_log(LogId log, LogSettings settings) override {
    if (!real) co_return machine_is_off();
    co_return co_await real->open_log(log, std::move(settings));
  }
  std::vector<std::pair<LogId, std::string>> logs() const override {
    return real ? real->logs() : std::vector<std::pair<LogId, std::string>>();
  }
  Task<Result<void>> delete_log(LogId log) override {
    if (!real) co_return machine_is_off();
    co_return co_await real->delete_log(log);
  }
  Task<Result<CommitResult>> commit(Commit commit) override {
    if (!real) co_return machine_is_off();
    co_return co_await real->commit(std::move(commit));
  }
  Result<LogRange> range(LogId log) const override {
    if (!real) return machine_is_off();
    return real->range(log);
  }
  Task<Result<ReadResult>> read(LogId log, Offset from, size_t bytes_max) override {
    if (!real) co_return machine_is_off();
    co_return co_await real->read(log, from, bytes_max);
  }
  Task<Result<Offset>> find_time(LogId log, WallTime time) override {
    if (!real) co_return machine_is_off();
    co_return co_await real->find_time(log, time);
  }
  Task<Result<void>> trim(LogId log, Offset first) override {
    if (!real) co_return machine_is_off();
    co_return co_await real->trim(log, first);
  }
  void pin(LogId log, const std::string& who, std::optional<Offset> from) override {
    if (real) real->pin(log, who, from);
  }
  [[nodiscard]] Watch watch(LogId log, runtime::Executor executor, std::function<void()> advanced) override {
    return real ? real->watch(log, std::move(executor), std::move(advanced)) : nullptr;
  }
  Task<Result<BackupReport>> backup(std::string directory, std::function<bool()> given_up) override {
    if (!real) co_return machine_is_off();
    co_return co_await real->backup(std::move(directory), std::move(given_up));
  }
  EngineHealth health() const override { return real ? real->health() : EngineHealth{}; }
  std::vector<double> recent_commit_seconds() const override {
    return real ? real->recent_commit_seconds() : std::vector<double>();
  }
  Task<> stop() override {
    if (real) co_await real->stop();
  }
};

SimulatedMachine::SimulatedMachine(const Options& options)
    : random_(options.seed),
      loop_(random_.next()),
      disk_(random_.next()),
      shards_(std::make_unique<runtime::SimulatedShards>(loop_, options.shards)),
      journal_lane_(loop_.add_lane()),
      segments_lane_(loop_.add_lane()),
      io_{journal_lane_.executor(), segments_lane_.executor(), loop_.add_lane().executor()},
      limits_(small_limits(random_)),
      bug_(options.bug),
      journal_id_(random_.next()),
      front_(std::make_unique<Front>()) {}

SimulatedMachine::~SimulatedMachine() { destroy_process(); }

Engine& SimulatedMachine::engine() { return *front_; }

Result<void> SimulatedMachine::start() {
  check(!engine_up_, "the machine runs already");
  EmbeddedOptions options{.data_dir = "/data",
                          .shards = shards_.get(),
                          .files = &disk_,
                          .io = io_,
                          .limits = limits_,
                          .bug = bug_,
                          .journal_id = journal_id_};
  auto opened = open_embedded(std::move(options));
  if (!opened) return std::unexpected(opened.error());
  front_->real = std::move(*opened);
  engine_up_ = true;
  if (disk_.power_lost()) {  // while it did something whose failure does not matter to it
    destroy_process();
    return error(ErrorCode::io_failed, "the machine has no power");
  }
  return {};
}

// Coroutines wait in the lanes and in the engine's requests. Both die before whatever they refer to.
void SimulatedMachine::destroy_process() {
  loop_.drop_all();
  front_->real.reset();
  loop_.drop_all();
  engine_up_ = false;
}

void SimulatedMachine::crash() {
  destroy_process();
  disk_.restart_after_power_loss();
}

void SimulatedMachine::kill() {
  destroy_process();
  disk_.restart_after_kill();
}

void SimulatedMachine::spawn(size_t shard, Task<> work) {
  asio::co_spawn(shards_->at(shard).executor(), std::move(work),
                 [](std::exception_ptr failure) { check(!failure, "a coroutine of the simulation threw"); });
}

bool SimulatedMachine::run_until(const std::function<bool()>& done) {
  for (uint64_t steps = 0; !done(); ++steps) {
    if (disk_.power_lost() || steps >= steps_max || !step()) return false;
  }
  return true;
}

}  // namespace pabal::engine
