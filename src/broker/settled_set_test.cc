#include "broker/settled_set.h"

#include <gtest/gtest.h>
#include <vector>

#include "base/random.h"

namespace pabal::broker {
namespace {

TEST(SettledSet, moves_its_cursor_over_what_is_settled_in_a_row) {
  SettledSet set(Offset(10));
  set.add(Offset(11));
  EXPECT_EQ(set.cursor(), Offset(10));
  EXPECT_TRUE(set.contains(Offset(11)));
  EXPECT_EQ(set.next_open(Offset(11)), Offset(12));
  set.add(Offset(10));
  EXPECT_EQ(set.cursor(), Offset(12));
  EXPECT_EQ(set.count_above(), 0);
}

TEST(SettledSet, writes_a_bucket_as_ranges_and_reads_it_back) {
  SettledSet set(Offset(0));
  set.add(Offset(512), Offset(528));
  set.add(Offset(532));
  set.add(Offset(1000), Offset(1030));
  EXPECT_EQ(set.bucket_text(0), "");
  EXPECT_EQ(set.bucket_text(1), "0-16,20-21,488-512");
  EXPECT_EQ(set.bucket_text(2), "0-6");
  EXPECT_EQ(set.take_changed(), (std::set<int64_t>{1, 2}));
  EXPECT_TRUE(set.take_changed().empty());
  SettledSet again(Offset(0));
  ASSERT_TRUE(again.restore(1, set.bucket_text(1)));
  ASSERT_TRUE(again.restore(2, set.bucket_text(2)));
  EXPECT_EQ(again.bucket_text(1), set.bucket_text(1));
  for (auto text : {"x", "1", "1-", "2-1", "-1-3", "0-513", "0-1;", "0-1,,"}) {
    EXPECT_FALSE(again.restore(1, text)) << text;
  }
  for (int64_t bucket : {int64_t{-1}, SettledSet::bucket_max + 1, std::numeric_limits<int64_t>::max()}) {
    EXPECT_FALSE(again.restore(bucket, "0-1")) << bucket;
  }
  EXPECT_TRUE(again.restore(SettledSet::bucket_max, "0-1"));
}

// Random additions and undone commits against a plain vector.
TEST(SettledSet, is_what_a_plain_list_would_be) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    std::vector<bool> plain(1200);
    SettledSet set;
    for (int step = 0; step < 100; ++step) {
      auto from = static_cast<int64_t>(random.below(1100));
      auto to = from + 1 + static_cast<int64_t>(random.chance(0.1) ? random.below(90) : 0);
      if (random.chance(0.3)) {
        SettledSet::Undo undo{set.cursor()};
        for (int64_t o = from; o < to; ++o) {
          if (set.contains(Offset(o))) continue;
          set.add(Offset(o));
          undo.offsets.push_back(Offset(o));
        }
        set.undo(undo);
      } else {
        set.add(Offset(from), Offset(to));
        std::fill(plain.begin() + from, plain.begin() + to, true);
      }
    }
    auto cursor = std::ranges::find(plain, false) - plain.begin();
    ASSERT_EQ(set.cursor(), Offset(cursor)) << seed;
    SettledSet restored(set.cursor());
    for (int64_t b = 0; b < 3; ++b) ASSERT_TRUE(restored.restore(b, set.bucket_text(b)));
    for (size_t o = 0; o < plain.size(); ++o) {
      ASSERT_EQ(set.contains(Offset(static_cast<int64_t>(o))), plain[o]) << seed << " at " << o;
      ASSERT_EQ(restored.contains(Offset(static_cast<int64_t>(o))), plain[o]) << seed << " at " << o;
    }
    ASSERT_EQ(set.count_above(), std::count(plain.begin() + cursor, plain.end(), true)) << seed;
  }
}

}  // namespace
}  // namespace pabal::broker
