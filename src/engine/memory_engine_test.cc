#include "engine/memory_engine.h"

#include <gtest/gtest.h>

#include "engine/commit_builder.h"
#include "engine/step_shards.h"

namespace pabal::engine {
namespace {

const LogId log_a{.topic = {}, .partition = PartitionIndex(0)};

Commit one_record(std::string_view value) {
  CommitBuilder builder;
  builder.add(log_a, {as_bytes("k"), as_bytes(value)});
  return builder.finish();
}

class MemoryEngineTest : public testing::Test {
 protected:
  StepShards shards;
  std::shared_ptr<MemoryEngine::Storage> storage = MemoryEngine::make_storage();
  MemoryEngine engine{shards.at(0).executor(), shards.at(0).timers(), storage};

  void SetUp() override { ASSERT_TRUE(shards.run(engine.open_log(log_a, {.name = "a"}))); }
  Offset next() { return engine.range(log_a)->next; }
};

TEST_F(MemoryEngineTest, commits_complete_later_and_in_order) {
  engine.hold();
  auto first = shards.start(engine.commit(one_record("1")));
  auto second = shards.start(engine.commit(one_record("2")));
  shards.settle();
  EXPECT_FALSE(*first);
  EXPECT_EQ(next(), Offset(0));
  engine.release();
  shards.settle();
  ASSERT_TRUE(*first && *second);
  EXPECT_EQ((**first)->front(), Offset(0));
  EXPECT_EQ((**second)->front(), Offset(1));
}

TEST_F(MemoryEngineTest, a_slow_commit_is_seen_by_nobody_until_it_is_done) {
  engine.set_commit_time(std::chrono::milliseconds(5));
  auto done = shards.start(engine.commit(one_record("1")));
  shards.advance(std::chrono::milliseconds(4));
  EXPECT_FALSE(*done);
  EXPECT_EQ(next(), Offset(0));
  shards.advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(*done);
  EXPECT_EQ(next(), Offset(1));
}

TEST_F(MemoryEngineTest, a_failed_commit_leaves_nothing) {
  engine.fail_commits(1, 1, {ErrorCode::disk_full, "full"});
  EXPECT_TRUE(shards.run(engine.commit(one_record("1"))));
  EXPECT_EQ(shards.run(engine.commit(one_record("2"))).error().code, ErrorCode::disk_full);
  EXPECT_TRUE(shards.run(engine.commit(one_record("3"))));
  EXPECT_EQ(next(), Offset(2));
}

TEST_F(MemoryEngineTest, what_follows_a_failed_commit_in_its_chain_fails_too) {
  auto chain = std::make_shared<CommitChain>();
  auto linked = [&](std::string_view value) {
    Commit commit = one_record(value);
    commit.links.push_back(CommitChain::next(chain));
    return commit;
  };
  engine.fail_commits(1, 1, {ErrorCode::disk_full, "full"});
  engine.hold();
  auto before = shards.start(engine.commit(linked("1")));
  auto failed = shards.start(engine.commit(linked("2")));
  auto after = shards.start(engine.commit(linked("3")));
  auto other = shards.start(engine.commit(one_record("4")));
  engine.release();
  shards.settle();
  EXPECT_TRUE(**before);
  EXPECT_EQ((*failed)->error().code, ErrorCode::disk_full);
  EXPECT_EQ((*after)->error().code, ErrorCode::unavailable);
  EXPECT_TRUE(**other);
  EXPECT_EQ(next(), Offset(2));
}

TEST_F(MemoryEngineTest, what_is_durable_survives_and_what_waits_does_not) {
  EXPECT_TRUE(shards.run(engine.commit(one_record("1"))));
  engine.hold();
  auto lost = shards.start(engine.commit(one_record("2")));
  shards.settle();
  MemoryEngine again(shards.at(0).executor(), shards.at(0).timers(), storage);
  EXPECT_EQ(again.range(log_a)->next, Offset(1));
  EXPECT_EQ(again.logs().size(), 1u);
}

TEST_F(MemoryEngineTest, reads_from_an_offset_within_a_batch_and_refuses_what_is_outside) {
  for (auto value : {"1", "2", "3"}) EXPECT_TRUE(shards.run(engine.commit(one_record(value))));
  EXPECT_TRUE(shards.run(engine.trim(log_a, Offset(1))));
  EXPECT_EQ(shards.run(engine.read(log_a, Offset(0), 1)).error().code, ErrorCode::not_found);
  EXPECT_EQ(shards.run(engine.read(log_a, Offset(1), 1))->batches.size(), 1u);
  EXPECT_EQ(shards.run(engine.read(log_a, Offset(1), 1_MiB))->batches.size(), 2u);
  EXPECT_TRUE(shards.run(engine.read(log_a, Offset(3), 1))->batches.empty());
  EXPECT_FALSE(shards.run(engine.read(log_a, Offset(4), 1)));
}

TEST_F(MemoryEngineTest, a_watch_calls_until_its_handle_is_gone) {
  int calls = 0;
  auto watch = engine.watch(log_a, shards.at(0).executor(), [&] { ++calls; });
  EXPECT_TRUE(shards.run(engine.commit(one_record("1"))));
  shards.settle();
  EXPECT_EQ(calls, 1);
  watch.reset();
  EXPECT_TRUE(shards.run(engine.commit(one_record("2"))));
  shards.settle();
  EXPECT_EQ(calls, 1);
}

TEST_F(MemoryEngineTest, retention_stops_at_the_lowest_pin) {
  for (auto value : {"1", "2", "3"}) EXPECT_TRUE(shards.run(engine.commit(one_record(value))));
  engine.pin(log_a, "q", Offset(1));
  engine.retain_from(log_a, Offset(3));
  EXPECT_EQ(engine.range(log_a)->first, Offset(1));
  engine.pin(log_a, "q", std::nullopt);
  engine.retain_from(log_a, Offset(3));
  EXPECT_EQ(engine.range(log_a)->first, Offset(3));
}

}  // namespace
}  // namespace pabal::engine
