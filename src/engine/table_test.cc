#include "engine/table.h"

#include <gtest/gtest.h>

#include "engine/memory_engine.h"
#include "engine/step_shards.h"

namespace pabal::engine {
namespace {

using namespace std::chrono_literals;

const LogId table_log{.topic = {}, .partition = PartitionIndex(0)};
using Contents = std::map<std::string, std::string>;

class TableTest : public testing::Test {
 protected:
  StepShards shards;
  std::shared_ptr<MemoryEngine::Storage> storage = MemoryEngine::make_storage();
  std::unique_ptr<MemoryEngine> engine = make_engine();
  TableOptions options{.name = "t"};
  std::unique_ptr<Table> table;

  void SetUp() override { open(); }

  std::unique_ptr<MemoryEngine> make_engine() {
    return std::make_unique<MemoryEngine>(shards.at(0).executor(), shards.at(0).timers(), storage);
  }
  void open() {
    auto opened = shards.run(Table::open(*engine, shards.at(0).timers(), table_log, options));
    ASSERT_TRUE(opened) << opened.error().message;
    table = std::move(*opened);
  }
  void crash() {
    table.reset();
    engine = make_engine();
    open();
  }
  Result<void> put(std::string key, std::string value, std::optional<WallTime> expires = {}) {
    return shards.run(table->change({{std::move(key), std::move(value), expires}}));
  }
  Result<void> remove(std::string key) { return shards.run(table->change({{std::move(key), std::nullopt}})); }
  Contents contents() const {
    Contents all;
    for (const auto& [key, entry] : table->entries()) all.emplace(key, entry.value);
    return all;
  }
};

TEST_F(TableTest, shows_a_change_when_its_commit_is_durable_and_not_before) {
  engine->hold();
  auto done = shards.start(table->change({{"a", "1"}}));
  shards.settle();
  EXPECT_EQ(table->find("a"), nullptr);
  engine->release();
  shards.settle();
  ASSERT_TRUE(*done && **done);
  EXPECT_EQ(*table->find("a"), "1");
}

TEST_F(TableTest, a_change_whose_commit_fails_never_shows) {
  engine->fail_commits(0, 1, {ErrorCode::disk_full, "full"});
  EXPECT_EQ(put("a", "1").error().code, ErrorCode::disk_full);
  EXPECT_EQ(table->size(), 0u);
  crash();
  EXPECT_EQ(table->size(), 0u);
}

TEST_F(TableTest, is_the_same_after_a_crash) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(put("b", "2"));
  ASSERT_TRUE(put("a", "3"));
  ASSERT_TRUE(remove("b"));
  ASSERT_TRUE(put("c", ""));
  Contents before = contents();
  EXPECT_EQ(before, (Contents{{"a", "3"}, {"c", ""}}));
  crash();
  EXPECT_EQ(contents(), before);
}

TEST_F(TableTest, an_entry_is_gone_when_its_time_is_over_also_after_a_crash) {
  ASSERT_TRUE(put("a", "1", shards.clock().wall_now() + 10s));
  shards.advance(9s);
  crash();
  EXPECT_NE(table->find("a"), nullptr);
  shards.advance(1s);
  EXPECT_EQ(table->find("a"), nullptr);
  crash();
  EXPECT_EQ(table->size(), 0u);
}

TEST_F(TableTest, refuses_an_entry_over_its_limits_and_keeps_the_rest_usable) {
  options.entries_max = 2;
  options.bytes_max = 100;
  crash();
  ASSERT_TRUE(put("a", "1"));
  EXPECT_EQ(put("b", std::string(200, 'x')).error().code, ErrorCode::over_limit);
  ASSERT_TRUE(put("b", "2"));
  EXPECT_EQ(put("c", "3").error().code, ErrorCode::over_limit);
  EXPECT_TRUE(put("b", "4"));
  EXPECT_TRUE(remove("a"));
  EXPECT_TRUE(put("c", "3"));
}

TEST_F(TableTest, staged_changes_count_against_the_limit_until_they_are_dropped) {
  options.entries_max = 1;
  crash();
  CommitBuilder commit;
  {
    auto staged = table->stage(commit, {{"a", "1"}});
    ASSERT_TRUE(staged);
    EXPECT_FALSE(table->stage(commit, {{"b", "1"}}));
  }
  EXPECT_TRUE(table->stage(commit, {{"b", "1"}}));
}

TEST_F(TableTest, writes_its_log_anew_when_it_has_grown_and_stays_the_same) {
  options.rewrite_records_min = 20;
  options.rewrite_piece_records = 3;
  crash();
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(put(fmt::format("k{}", i % 7), std::to_string(i)));
  shards.settle();
  EXPECT_LT(table->log_records(), 60);
  EXPECT_LT(engine->range(table_log)->next - engine->range(table_log)->first, 60);
  Contents before = contents();
  EXPECT_EQ(before.size(), 7u);
  crash();
  EXPECT_EQ(contents(), before);
}

// Random changes on a table that is rewritten all the time, crashed at random points, against a plain map.
void play(uint64_t seed) {
  SCOPED_TRACE(seed);
  StepShards shards(seed);
  Random random(seed);
  auto storage = MemoryEngine::make_storage();
  TableOptions options{.name = "t", .rewrite_records_min = 8, .rewrite_piece_records = 2};
  Contents acknowledged;
  for (int life = 0; life < 5; ++life) {
    MemoryEngine engine(shards.at(0).executor(), shards.at(0).timers(), storage);
    engine.set_commit_time(1ms);
    auto opened = shards.run(Table::open(engine, shards.at(0).timers(), table_log, options));
    ASSERT_TRUE(opened);
    Table& table = **opened;
    Contents now;
    for (const auto& [key, entry] : table.entries()) now.emplace(key, entry.value);
    ASSERT_EQ(now, acknowledged);
    for (uint64_t i = 0, steps = random.below(60); i < steps; ++i) {
      std::string key = fmt::format("k{}", random.below(9));
      TableChange change{key, std::nullopt};
      if (random.chance(0.7)) change.value = std::to_string(random.next());
      bool fails = random.chance(0.1);
      if (fails) engine.fail_commits(0, 1, {ErrorCode::disk_full, "full"});
      auto done = shards.start(table.change({change}));
      if (random.chance(0.5)) shards.advance(std::chrono::microseconds(random.below(3000)));
      for (; !*done; shards.advance(1ms)) {
      }
      if (!**done) continue;
      if (change.value) {
        acknowledged[key] = *change.value;
      } else {
        acknowledged.erase(key);
      }
    }
    shards.advance(std::chrono::microseconds(random.below(6000)));  // a rewrite may be under way
  }
}

TEST(Table, survives_crashes_at_any_point_of_a_rewrite) {
  for (uint64_t seed = 1; seed <= 200; ++seed) play(seed);
}

}  // namespace
}  // namespace pabal::engine
