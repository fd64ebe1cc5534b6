#include "log/segmented_log.h"

#include <gtest/gtest.h>

#include "runtime/simulated_disk.h"

namespace pabal::log {
namespace {

WallTime ms(int64_t n) { return WallTime(std::chrono::milliseconds(n)); }

// Batches of three records each; record `n` has timestamp 10 * n and the value "n".
SharedBytes batch_from(int64_t base, size_t padding = 200) {
  BatchBuilder builder;
  for (int64_t n = base; n < base + 3; ++n) {
    std::string value = std::to_string(n) + std::string(padding, ' ');
    builder.add({.value = as_bytes(value), .timestamp = ms(n * 10)});
  }
  Bytes bytes = builder.finish();
  set_base_offset(bytes, Offset(base));
  return SharedBytes(std::move(bytes));
}

class SegmentedLogTest : public testing::Test {
 protected:
  void append(SegmentedLog& log, int batches) {
    std::vector<SharedBytes> all;
    for (int i = 0; i < batches; ++i) all.push_back(batch_from(log.next().value() + i * 3));
    ASSERT_TRUE(log.append(all, ms(1)));
  }
  SegmentedLog make(const LogCheckpoint& state = {}) {
    return SegmentedLog(cache_, "/data/topics/t/0", state, {.segment_bytes = 100_KiB});
  }
  [[nodiscard]] static LogCheckpoint checkpoint_of(const SegmentedLog& log) {
    return {.next = log.next(), .segments = log.states()};
  }

  runtime::SimulatedDisk disk_{1};
  FileCache cache_{disk_, 4};
};

TEST_F(SegmentedLogTest, every_offset_is_read_from_the_right_batch) {
  SegmentedLog log = make();
  append(log, 500);
  EXPECT_GT(log.states().size(), 3u);
  for (int64_t from = 0; from < 1500; from += 11) {
    auto read = log.read(Offset(from), 1);
    ASSERT_TRUE(read && read->size() == 1) << from;
    EXPECT_EQ(BatchView::parse(read->front().view())->base_offset(), Offset(from / 3 * 3));
  }
  EXPECT_TRUE(log.read(Offset(1500), 1)->empty());
}

TEST_F(SegmentedLogTest, a_read_takes_as_many_batches_as_it_may_and_at_least_one) {
  SegmentedLog log = make();
  append(log, 20);
  size_t one = batch_from(0).size();
  EXPECT_EQ(log.read(Offset(0), one * 3 + 10)->size(), 3u);
  EXPECT_EQ(log.read(Offset(0), 0)->size(), 1u);
  EXPECT_EQ(log.read(Offset(30), 1_MiB)->size(), 10u);
}

TEST_F(SegmentedLogTest, a_restart_finds_everything_by_building_the_index_again) {
  SegmentedLog before = make();
  append(before, 500);
  SegmentedLog log = make(checkpoint_of(before));
  for (int64_t from : {1499, 0, 700, 3}) {
    EXPECT_EQ(BatchView::parse(log.read(Offset(from), 1)->front().view())->base_offset(),
              Offset(from / 3 * 3));
  }
  for (int64_t n : {0, 1, 777, 1499}) {
    EXPECT_EQ(**log.find_time(ms(n * 10), Offset(0)), Offset(n));
    if (n > 0) EXPECT_EQ(**log.find_time(ms(n * 10 - 3), Offset(0)), Offset(n));
  }
  EXPECT_EQ(**log.find_time(ms(0), Offset(501)), Offset(501));
  EXPECT_FALSE(*log.find_time(ms(15'000), Offset(0)));
}

TEST_F(SegmentedLogTest, what_lies_above_the_checkpoint_is_cut_before_the_next_write) {
  SegmentedLog before = make();
  append(before, 10);
  LogCheckpoint state = checkpoint_of(before);
  append(before, 5);  // written, but no checkpoint knows
  SegmentedLog log = make(state);
  EXPECT_EQ(log.next(), Offset(30));
  EXPECT_TRUE(log.read(Offset(30), 1)->empty());
  append(log, 2);
  EXPECT_EQ(log.read(Offset(30), 1_MiB)->size(), 2u);
  auto file =
      *disk_.open(segment_path("/data/topics/t/0", SegmentState{.base = Offset(0)}), runtime::OpenMode::read);
  EXPECT_EQ(*file->size(), log.states().back().bytes);
}

TEST_F(SegmentedLogTest, a_file_shorter_than_the_checkpoint_is_corrupt) {
  SegmentedLog before = make();
  append(before, 10);
  LogCheckpoint state = checkpoint_of(before);
  auto file = *disk_.open(segment_path("/data/topics/t/0", SegmentState{.base = Offset(0)}),
                          runtime::OpenMode::write);
  ASSERT_TRUE(file->resize(1000));
  SegmentedLog log = make(state);
  std::vector<SharedBytes> more{batch_from(30)};
  auto done = log.append(more, ms(1));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::corrupt);
}

TEST_F(SegmentedLogTest, an_append_is_repeated_after_an_error_without_doubling) {
  SegmentedLog log = make();
  std::vector<SharedBytes> all;
  for (int i = 0; i < 400; ++i) all.push_back(batch_from(i * 3));
  int failures = 0;
  for (uint64_t n = 0; !log.append(all, ms(1)); ++n) {
    ++failures;
    disk_.fail_after(n);
    ASSERT_LT(failures, 100);
  }
  EXPECT_EQ(log.next(), Offset(1200));
  for (int64_t from = 0; from < 1200; from += 3) {
    EXPECT_EQ(BatchView::parse(log.read(Offset(from), 1)->front().view())->base_offset(), Offset(from));
  }
}

TEST_F(SegmentedLogTest, it_goes_on_behind_a_gap_in_a_segment_of_its_own) {
  SegmentedLog log = make();
  append(log, 5);
  log.skip_to(Offset(100));
  EXPECT_TRUE(log.read(Offset(50), 1)->empty());
  append(log, 5);
  ASSERT_EQ(log.states().size(), 2u);
  EXPECT_EQ(log.states()[0].next, Offset(15));
  EXPECT_EQ(log.states()[1].base, Offset(100));
  for (int64_t from : {15, 50, 100}) {
    EXPECT_EQ(BatchView::parse(log.read(Offset(from), 1)->front().view())->base_offset(), Offset(100))
        << from;
  }
}

TEST_F(SegmentedLogTest, trim_lets_go_of_whole_segments) {
  SegmentedLog log = make();
  append(log, 500);
  Offset second = log.states()[1].base;
  EXPECT_TRUE(log.trim(second - 1).empty());
  EXPECT_EQ(log.trim(second).size(), 1u);
  for (Offset from : {second - 1, second}) {
    EXPECT_EQ(BatchView::parse(log.read(from, 1)->front().view())->base_offset(), second) << "what is left";
  }
  log.trim(Offset(1500));
  EXPECT_TRUE(log.states().empty());
  append(log, 1);
  EXPECT_EQ(log.states().front().base, Offset(1500));
}

TEST_F(SegmentedLogTest, a_batch_larger_than_a_segment_has_one_of_its_own) {
  SegmentedLog log = make();
  append(log, 1);
  std::vector<SharedBytes> large{batch_from(3, 100'000), batch_from(6)};
  ASSERT_TRUE(log.append(large, ms(1)));
  EXPECT_EQ(log.states().size(), 3u);
  EXPECT_EQ(log.read(Offset(4), 1)->front().size(), large[0].size());
}

TEST_F(SegmentedLogTest, damage_is_named_with_file_and_byte) {
  SegmentedLog log = make();
  append(log, 10);
  ASSERT_TRUE(log.flush_files());
  std::string path = segment_path("/data/topics/t/0", SegmentState{.base = Offset(0)});
  disk_.flip_bit(path, 700);
  auto read = log.read(Offset(3), 1);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::corrupt);
  EXPECT_NE(read.error().message.find(path), std::string::npos) << read.error().message;
}

}  // namespace
}  // namespace pabal::log
