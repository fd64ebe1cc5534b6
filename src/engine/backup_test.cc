#include "engine/backup.h"

#include <gtest/gtest.h>

#include "engine/commit_builder.h"
#include "engine/examine.h"
#include "engine/simulation.h"
#include "log/record_batch.h"

namespace pabal::engine {
namespace {

using runtime::Task;

LogId log_number(uint8_t n) { return {.topic = {.bytes = {n}}, .partition = PartitionIndex(0)}; }
const LogId log_a = log_number(1);
const LogId log_b = log_number(2);
const LogId log_short = log_number(3);  // trimmed all the time

Task<Result<void>> write(Engine& engine, std::vector<LogId> logs, std::string value) {
  CommitBuilder builder;
  for (const LogId& log : logs) builder.add(log, {.value = as_bytes(value)});
  auto done = co_await engine.commit(builder.finish());
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

Task<Result<std::vector<std::string>>> values_of(Engine& engine, LogId log) {
  std::vector<std::string> values;
  auto range = engine.range(log);
  if (!range) co_return std::unexpected(range.error());
  for (Offset from = range->first; from < range->next;) {
    auto read = co_await engine.read(log, from, 64_KiB);
    if (!read) co_return std::unexpected(read.error());
    for (const SharedBytes& bytes : read->batches) {
      auto batch = log::BatchView::parse(bytes.view());
      std::ignore = batch->for_each([&](const log::StoredRecord& record) {
        values.emplace_back(as_text(*record.value));
        return true;
      });
      from = batch->next_offset();
    }
  }
  co_return values;
}

// A machine whose seed decides what happens between the pieces of a backup.
class Machine {
 public:
  explicit Machine(uint64_t seed) : machine_({.seed = seed}) {
    EXPECT_TRUE(machine_.start());
    for (const LogId& log : {log_a, log_b, log_short}) {
      EXPECT_TRUE(*machine_.run(engine().open_log(log, {.name = "topic"})));
    }
  }

  Engine& engine() { return machine_.engine(); }
  runtime::SimulatedDisk& disk() { return machine_.disk(); }

  // Writes n, n + 1, … to two logs in one commit each, without a pause; each answer is counted.
  void load(int from) {
    machine_.spawn(0, [](Machine& self, int n) -> Task<> {
      while (!self.enough_) {
        auto done = co_await write(self.engine(), {log_a, log_b}, std::to_string(n));
        if (!done) co_return;
        self.acknowledged_ = ++n;
      }
    }(*this, from));
  }
  // Makes logs, fills them, trims one and deletes the other.
  void churn() {
    machine_.spawn(1, [](Machine& self) -> Task<> {
      for (uint8_t n = 100; n < 250 && !self.enough_; ++n) {
        LogId log = log_number(n);
        if (!co_await self.engine().open_log(log, {.name = "passing"})) co_return;
        std::string value(2000, 'x');
        for (int i = 0; i < 10; ++i) std::ignore = co_await write(self.engine(), {log, log_short}, value);
        auto range = self.engine().range(log_short);
        if (range) std::ignore = co_await self.engine().trim(log_short, range->next);
        std::ignore = co_await self.engine().delete_log(log);
      }
    }(*this));
  }
  bool write_until(int acknowledged) {
    return machine_.run_until([&] { return acknowledged_ >= acknowledged; });
  }
  std::optional<Result<BackupReport>> back_up(std::function<bool()> given_up = {}) {
    return machine_.run(engine().backup("/copy", std::move(given_up)));
  }
  void enough() { enough_ = true; }
  [[nodiscard]] int acknowledged() const { return acknowledged_; }
  void end() {
    enough_ = true;
    machine_.run([](Engine& e) -> Task<bool> {
      co_await e.stop();
      co_return true;
    }(engine()));
    machine_.kill();
  }
  // Opens the copy in the place of what was copied.
  Result<void> start_on_copy() {
    machine_.kill();
    EXPECT_TRUE(disk().rename("/data", "/before"));
    EXPECT_TRUE(disk().rename("/copy", "/data"));
    enough_ = false;
    return machine_.start();
  }
  void crash() { machine_.crash(); }
  std::vector<std::string> values(const LogId& log) {
    auto read = machine_.run(values_of(engine(), log));
    EXPECT_TRUE(read && *read) << (read ? read->error().message : "no answer");
    return read && *read ? **read : std::vector<std::string>();
  }
  SimulatedMachine& simulated() { return machine_; }

 private:
  SimulatedMachine machine_;
  int acknowledged_ = 0;
  bool enough_ = false;
};

std::vector<std::string> numbers_to(size_t count) {
  std::vector<std::string> all;
  for (size_t n = 0; n < count; ++n) all.push_back(std::to_string(n));
  return all;
}

TEST(BackupTest, has_each_commit_from_before_it_whole_while_logs_are_written_trimmed_and_deleted) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Machine machine(seed);
    machine.load(0);
    machine.churn();
    ASSERT_TRUE(machine.write_until(100));
    auto before = static_cast<size_t>(machine.acknowledged());
    auto taken = machine.back_up();
    ASSERT_TRUE(taken && *taken) << (taken ? taken->error().message : "no answer");
    EXPECT_EQ((*taken)->damaged, std::vector<std::string>());
    auto during = static_cast<size_t>(machine.acknowledged());
    EXPECT_GT(during, before);  // it did not keep others from writing
    machine.enough();

    auto examined = examine(machine.disk(), "/copy");
    ASSERT_TRUE(examined) << examined.error().message;
    EXPECT_TRUE(examined->sound()) << examined->findings.front().text;
    ASSERT_TRUE(machine.start_on_copy());
    auto a = machine.values(log_a);
    EXPECT_GE(a.size(), before);
    EXPECT_LE(a.size(), during);
    EXPECT_EQ(a, numbers_to(a.size()));
    EXPECT_EQ(machine.values(log_b), a);
    ASSERT_TRUE(*machine.simulated().run(write(machine.engine(), {log_a}, "next")));
  }
}

TEST(BackupTest, files_that_were_removed_meanwhile_go_after_it) {
  Machine machine(3);
  machine.churn();
  machine.load(0);
  ASSERT_TRUE(machine.write_until(50));
  ASSERT_TRUE(*machine.back_up());
  machine.end();
  auto topics = machine.disk().list("/data/topics");
  ASSERT_TRUE(topics);
  ASSERT_TRUE(machine.simulated().start());
  EXPECT_LE(topics->size(), machine.engine().logs().size());
}

TEST(BackupTest, power_lost_at_any_point_of_it_leaves_a_whole_one_or_one_that_is_refused_by_name) {
  size_t refused = 0;
  for (uint64_t point = 0; point < 120; ++point) {
    SCOPED_TRACE(point);
    Machine machine(7);
    machine.load(0);
    ASSERT_TRUE(machine.write_until(60));
    machine.disk().lose_power_after(point);
    auto taken = machine.back_up();
    bool done = taken && *taken;
    machine.crash();
    auto examined = examine(machine.disk(), "/copy");
    if (done) {
      ASSERT_TRUE(examined) << examined.error().message;
    }
    if (examined) {
      EXPECT_TRUE(examined->sound());
    } else if (examined.error().code == ErrorCode::corrupt) {
      EXPECT_NE(examined.error().message.find("unfinished backup"), std::string::npos);
      ++refused;
      ASSERT_TRUE(machine.disk().rename("/data", "/before"));
      ASSERT_TRUE(machine.disk().rename("/copy", "/data"));
      auto started = machine.simulated().start();
      ASSERT_FALSE(started);
      EXPECT_NE(started.error().message.find("take the backup again"), std::string::npos);
    } else {
      auto names = machine.disk().list("/copy");
      EXPECT_TRUE(!names || names->empty());
    }
  }
  EXPECT_GT(refused, 10U);
}

TEST(BackupTest, a_full_target_or_one_that_is_given_up_fails_alone_and_the_engine_goes_on) {
  Machine machine(5);
  machine.load(0);
  ASSERT_TRUE(machine.write_until(100));
  machine.enough();
  int pieces = 0;
  auto taken = machine.back_up([&pieces] { return ++pieces > 2; });
  ASSERT_TRUE(taken);
  ASSERT_FALSE(*taken);
  EXPECT_EQ(taken->error().code, ErrorCode::cancelled);
  EXPECT_NE(taken->error().message.find("/copy holds an unfinished backup: delete it"), std::string::npos);

  auto again = machine.back_up();
  ASSERT_TRUE(again);
  ASSERT_FALSE(*again);
  EXPECT_EQ(again->error().code, ErrorCode::conflict);
  EXPECT_NE(again->error().message.find("unfinished backup"), std::string::npos);
  ASSERT_TRUE(machine.disk().remove_all("/copy"));

  machine.disk().fill_up(2_KiB);
  auto full = machine.back_up();
  ASSERT_TRUE(full);
  ASSERT_FALSE(*full);
  EXPECT_EQ(full->error().code, ErrorCode::disk_full);
  machine.disk().fill_up(10_MiB);
  EXPECT_NE(machine.engine().health().state, EngineHealth::State::read_only);
  ASSERT_TRUE(machine.disk().remove_all("/copy"));
  auto last = machine.back_up();
  EXPECT_TRUE(last && *last) << last->error().message;
}

TEST(BackupTest, a_target_that_is_not_empty_or_lies_among_the_data_is_refused) {
  Machine machine(5);
  for (const char* inside : {"/data", "/data/copy", "/data/topics/x"}) {
    auto taken = machine.simulated().run(machine.engine().backup(inside, {}));
    ASSERT_TRUE(taken && !*taken);
    EXPECT_EQ(taken->error().code, ErrorCode::invalid) << inside;
  }
  ASSERT_TRUE(machine.disk().make_directories("/copy/something"));
  auto taken = machine.back_up();
  ASSERT_TRUE(taken && !*taken);
  EXPECT_EQ(taken->error().code, ErrorCode::conflict);
  EXPECT_EQ(machine.disk().list("/copy"), std::vector<std::string>{"something"});
}

TEST(BackupTest, one_is_taken_at_a_time_and_stopping_ends_it) {
  Machine machine(9);
  machine.load(0);
  ASSERT_TRUE(machine.write_until(100));
  machine.enough();
  std::optional<Result<BackupReport>> first;
  machine.simulated().spawn(0, [](Engine& engine, auto& answer) -> Task<> {
    answer = co_await engine.backup("/copy", {});
  }(machine.engine(), first));
  auto second = machine.simulated().run(machine.engine().backup("/second", {}));
  ASSERT_TRUE(second && !*second);
  EXPECT_EQ(second->error().code, ErrorCode::conflict);
  machine.simulated().run([](Engine& engine) -> Task<bool> {
    co_await engine.stop();
    co_return true;
  }(machine.engine()));
  ASSERT_TRUE(machine.simulated().run_until([&] { return first.has_value(); }));
  ASSERT_FALSE(*first);
  EXPECT_EQ(first->error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace pabal::engine
