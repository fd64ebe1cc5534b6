#include "log/tail.h"

#include <gtest/gtest.h>
#include <thread>

namespace pabal::log {
namespace {

// A "batch" of `records` offsets whose bytes say where it begins.
SharedBytes batch_from(int64_t base) {
  std::string text = std::to_string(base);
  return SharedBytes(Bytes(text.begin(), text.end()));
}
int64_t base_in(const SharedBytes& batch) { return std::stoll(std::string(as_text(batch.view()))); }

void fill(Tail& tail, int64_t from, int64_t to) {
  for (int64_t base = from; base < to; base += 2)
    tail.append(Offset(base), Offset(base + 2), batch_from(base));
}

TEST(Tail, reads_from_any_offset_whole_batches) {
  Tail tail;
  fill(tail, 100, 500);
  for (int64_t from = 100; from < 500; ++from) {
    auto read = tail.read(Offset(from), Offset(500), 1);
    ASSERT_TRUE(read && read->size() == 1) << from;
    EXPECT_EQ(base_in(read->front()), from / 2 * 2);
  }
  EXPECT_EQ(tail.read(Offset(100), Offset(500), 1_MiB)->size(), 200u);
  EXPECT_EQ(tail.read(Offset(100), Offset(200), 1_MiB)->size(), 50u);
  EXPECT_FALSE(tail.read(Offset(99), Offset(500), 1));
  EXPECT_FALSE(Tail().read(Offset(0), Offset(1), 1));
}

TEST(Tail, drops_whole_chunks_and_counts_what_goes) {
  Tail tail;
  fill(tail, 0, 1000);
  uint64_t before = tail.bytes();
  uint64_t dropped = tail.drop_below(Offset(500));
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(tail.bytes(), before - dropped);
  EXPECT_FALSE(tail.read(Offset(0), Offset(1000), 1));
  EXPECT_TRUE(tail.read(Offset(500), Offset(1000), 1));
  tail.drop_below(Offset(1000));
  EXPECT_EQ(tail.bytes(), 0u);
  fill(tail, 1000, 1002);
  EXPECT_EQ(base_in(tail.read(Offset(1001), Offset(1002), 1)->front()), 1000);
}

TEST(Tail, readers_see_what_was_published_while_the_writer_goes_on) {
  Tail tail;
  constexpr int64_t end = 20'000;
  std::atomic<int64_t> published = 0;
  std::jthread reader([&] {
    for (int64_t from = 0; from < end;) {
      int64_t until = published.load(std::memory_order_acquire);
      if (from == until) continue;
      auto read = tail.read(Offset(from), Offset(until), 100);
      if (!read) {  // dropped before it was read
        from = until;
        continue;
      }
      for (const SharedBytes& batch : *read) {
        ASSERT_EQ(base_in(batch), from);
        from += 2;
      }
    }
  });
  for (int64_t base = 0; base < end; base += 2) {
    tail.append(Offset(base), Offset(base + 2), batch_from(base));
    published.store(base + 2, std::memory_order_release);
    if (base % 1000 == 0) tail.drop_below(Offset(base - 5000));
  }
}

}  // namespace
}  // namespace pabal::log
