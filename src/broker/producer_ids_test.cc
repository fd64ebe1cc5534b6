#include "broker/producer_ids.h"

#include <gtest/gtest.h>
#include <set>

#include "engine/memory_engine.h"
#include "engine/step_shards.h"

namespace pabal::broker {
namespace {

class ProducerIdsTest : public testing::Test {
 protected:
  std::shared_ptr<engine::MemoryEngine::Storage> storage = engine::MemoryEngine::make_storage();

  // One life of a server, which a crash ends.
  struct Life {
    Life(std::shared_ptr<engine::MemoryEngine::Storage> storage, uint64_t seed)
        : shards(seed), engine(shards.at(0).executor(), shards.at(0).timers(), std::move(storage)) {}
    engine::StepShards shards;
    engine::MemoryEngine engine;
    ProducerIds ids{shards.at(0), engine};
    int64_t next() {
      auto id = shards.run(ids.next());
      EXPECT_TRUE(id) << id.error().message;
      return id ? id->value() : -1;
    }
  };
};

TEST_F(ProducerIdsTest, no_id_is_given_twice_also_after_crashes) {
  std::set<int64_t> given;
  for (uint64_t life = 0; life < 4; ++life) {
    Life one(storage, 7);  // the same random numbers each time
    for (int64_t i = 0; i < ProducerIds::block_size + 10; ++i) {
      int64_t id = one.next();
      EXPECT_GE(id, 0);
      EXPECT_TRUE(given.insert(id).second) << id << " was given before";
    }
  }
}

TEST_F(ProducerIdsTest, a_block_is_durable_before_its_first_id_is_given) {
  Life one(storage, 1);
  one.next();
  for (int64_t i = 1; i < ProducerIds::block_size; ++i) one.next();
  one.engine.hold();
  auto waits = one.shards.start(one.ids.next());
  one.shards.settle();
  EXPECT_FALSE(*waits);
  one.engine.release();
  one.shards.settle();
  EXPECT_TRUE(*waits && **waits);
}

TEST_F(ProducerIdsTest, what_cannot_be_made_durable_is_not_given) {
  Life one(storage, 1);
  int64_t first = one.next();
  for (int64_t i = 1; i < ProducerIds::block_size; ++i) one.next();
  one.engine.fail_commits(0, 1, {ErrorCode::read_only, "no"});
  EXPECT_FALSE(one.shards.run(one.ids.next()));
  EXPECT_EQ(one.next(), first + ProducerIds::block_size);
}

TEST_F(ProducerIdsTest, a_start_goes_on_a_random_distance_above) {
  int64_t first = Life(storage, 1).next();
  int64_t second = Life(storage, 2).next();
  auto anew = engine::MemoryEngine::make_storage();
  EXPECT_GT(second, first);
  EXPECT_NE(Life(anew, 3).next(), first);
}

}  // namespace
}  // namespace pabal::broker
