#include "engine/commit_builder.h"

#include <gtest/gtest.h>

namespace pabal::engine {
namespace {

TEST(CommitBuilder, makes_one_batch_for_each_log_and_tells_where_each_record_stands) {
  LogId a{.topic = {}, .partition = PartitionIndex(0)};
  LogId b{.topic = {}, .partition = PartitionIndex(1)};
  CommitBuilder builder;
  EXPECT_TRUE(builder.empty());
  builder.add(a, {as_bytes("k"), as_bytes("1")});
  auto in_b = builder.add(b, {as_bytes("k"), as_bytes("2")});
  auto second_in_a = builder.add(a, {as_bytes("k"), as_bytes("3")});
  builder.use_reserve();
  Commit commit = builder.finish();

  ASSERT_EQ(commit.appends.size(), 2u);
  EXPECT_TRUE(commit.may_use_reserve);
  EXPECT_EQ(log::BatchView::parse(commit.appends[0].batch)->record_count(), 2);
  EXPECT_EQ(log::BatchView::parse(commit.appends[1].batch)->record_count(), 1);
  CommitResult bases = {Offset(10), Offset(20)};
  EXPECT_EQ(CommitBuilder::offset_of(bases, second_in_a), Offset(11));
  EXPECT_EQ(CommitBuilder::offset_of(bases, in_b), Offset(20));
  EXPECT_TRUE(builder.empty());
  EXPECT_FALSE(builder.finish().may_use_reserve);
}

}  // namespace
}  // namespace pabal::engine
