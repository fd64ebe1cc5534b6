#include "log/segment_index.h"

#include <gtest/gtest.h>

#include "log/segmented_log.h"
#include "runtime/replace_file.h"
#include "runtime/simulated_disk.h"

namespace pabal::log {
namespace {

constexpr const char* directory = "/data/topics/t/0";
constexpr int64_t records_per_batch = 3;

WallTime ms(int64_t n) { return WallTime(std::chrono::milliseconds(n)); }

// Timestamps that go back and forth: those of odd batches are 500 ms older than their neighbours'.
int64_t time_of(int64_t offset) { return offset * 10 - (offset / records_per_batch % 2) * 500; }

SharedBytes batch_from(int64_t base) {
  BatchBuilder builder;
  for (int64_t n = base; n < base + records_per_batch; ++n) {
    std::string value = std::to_string(n) + std::string(100, ' ');
    builder.add({.value = as_bytes(value), .timestamp = ms(time_of(n))});
  }
  Bytes bytes = builder.finish();
  set_base_offset(bytes, Offset(base));
  return SharedBytes(std::move(bytes));
}

// What a look through all records would find.
std::optional<Offset> first_at_or_after(int64_t time, int64_t first, int64_t next) {
  for (int64_t n = first; n < next; ++n)
    if (time_of(n) >= time) return Offset(n);
  return std::nullopt;
}

class SegmentIndexTest : public testing::Test {
 protected:
  static constexpr int64_t record_count = 1500;

  SegmentIndexTest() {
    SegmentedLog log = make({});
    std::vector<SharedBytes> all;
    for (int64_t n = 0; n < record_count; n += records_per_batch) all.push_back(batch_from(n));
    EXPECT_TRUE(log.append(all, ms(1)));
    EXPECT_GE(log.states().size(), 2u);
    log.save_indexes(true);
    state_ = {.next = log.next(), .segments = log.states()};
  }
  SegmentedLog make(const LogCheckpoint& state) {
    return SegmentedLog(cache_, directory, state, {.segment_bytes = 100_KiB, .index_interval_bytes = 1_KiB});
  }
  [[nodiscard]] std::string side_file(size_t segment) const {
    return index_path(segment_path(directory, state_.segments[segment]));
  }
  Bytes stored(size_t segment) {
    return runtime::read_file(disk_, side_file(segment), 1_MiB).value_or(Bytes());
  }
  void store_all(size_t segment, BytesView bytes) {
    auto file = *disk_.open(side_file(segment), runtime::OpenMode::create);
    ASSERT_TRUE(file->resize(0));
    ASSERT_TRUE(file->write_at(0, bytes));
  }
  static void expect_right(const SegmentedLog& log) {
    for (int64_t from : {record_count - 1, int64_t{0}, int64_t{700}, int64_t{4}}) {
      auto read = log.read(Offset(from), 1);
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_EQ(BatchView::parse(read->front().view())->base_offset(), Offset(from / 3 * 3));
    }
    for (int64_t time :
         {int64_t{0}, int64_t{4321}, int64_t{9005}, time_of(record_count - 4), int64_t{20'000}}) {
      for (int64_t first : {int64_t{0}, int64_t{500}}) {
        auto found = log.find_time(ms(time), Offset(first));
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(*found, first_at_or_after(time, first, record_count)) << time << " from " << first;
      }
    }
  }
  // After a restart, with new files in the cache.
  void expect_right_after_restart() {
    SegmentedLog log = make(state_);
    expect_right(log);
  }

  runtime::SimulatedDisk disk_{1};
  FileCache cache_{disk_, 4};
  LogCheckpoint state_;
};

TEST_F(SegmentIndexTest, every_time_is_found_however_timestamps_are_ordered) {
  SegmentedLog log = make(state_);
  for (int64_t time = -600; time < record_count * 10 + 20; time += 7) {
    EXPECT_EQ(*log.find_time(ms(time), Offset()), first_at_or_after(time, 0, record_count)) << time;
  }
}

// The first segment is made unreadable but for its end: who has the index does not look at it.
TEST_F(SegmentIndexTest, a_look_up_after_a_restart_reads_only_the_end) {
  ASSERT_TRUE((*disk_.open_volume("/data"))->flush());
  disk_.flip_bit(segment_path(directory, state_.segments[0]), 16);
  SegmentedLog log = make(state_);
  Offset last = state_.segments[0].next - 1;
  EXPECT_TRUE(log.read(last, 1));
  EXPECT_EQ(*log.find_time(ms(time_of(last.value())), Offset(3)),
            first_at_or_after(time_of(last.value()), 0, record_count));
  ASSERT_TRUE(disk_.remove(side_file(0)));
  SegmentedLog without = make(state_);
  EXPECT_FALSE(without.read(last, 1));
}

TEST_F(SegmentIndexTest, each_damaged_byte_of_the_side_file_is_noticed_and_costs_nothing) {
  Bytes good = stored(0);
  ASSERT_GT(good.size(), 100u);
  IndexedSegment segment{.base = Offset(0), .generation = 0, .bytes = state_.segments[0].bytes};
  ASSERT_TRUE(SegmentIndex::decode(good, segment, 1_KiB));
  for (size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= 0x10;
    EXPECT_FALSE(SegmentIndex::decode(bad, segment, 1_KiB)) << at;
  }
  // One byte of each field of the header, of the first entries and of the last.
  for (size_t at : {0, 8, 12, 16, 24, 32, 40, 48, 56, 64, 72, 80, static_cast<int>(good.size()) - 1}) {
    Bytes bad = good;
    bad[at] ^= 0x10;
    store_all(0, bad);
    SCOPED_TRACE(at);
    expect_right_after_restart();
  }
}

TEST_F(SegmentIndexTest, a_torn_side_file_is_not_believed) {
  Bytes good = stored(0);
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{39}, size_t{40}, size_t{64}, good.size() - 24}) {
    store_all(0, BytesView(good).first(bytes));
    SCOPED_TRACE(bytes);
    expect_right_after_restart();
  }
  Bytes zeros(good.size());
  store_all(0, zeros);
  expect_right_after_restart();
}

TEST_F(SegmentIndexTest, the_side_file_of_another_segment_is_not_believed) {
  store_all(0, stored(1));
  expect_right_after_restart();
  SegmentIndex lies(1_KiB);  // whole, and of this segment, but of other batches
  for (int64_t n = 0; n < 30; ++n) lies.add(Offset(n), 1_KiB, ms(n));
  store_all(0, lies.encode(Offset(0), 0));
  expect_right_after_restart();
}

// All but its last place is wrong, so that it is found out only when it is used.
TEST_F(SegmentIndexTest, a_side_file_with_wrong_places_is_given_up_when_it_is_used) {
  IndexedSegment segment{.base = Offset(0), .generation = 0, .bytes = state_.segments[0].bytes};
  auto last = SegmentIndex::decode(stored(0), segment, 1_KiB)->last();
  SegmentIndex lies(1_KiB);
  lies.add(Offset(0), 5000, ms(-10'000));
  lies.add(Offset(1), last->position - 5000, ms(-10'000));
  lies.add(last->base, 10, ms(0));
  store_all(0, lies.encode(Offset(0), 0));
  SegmentedLog log = make(state_);
  auto read = log.read(Offset(100), 1);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(BatchView::parse(read->front().view())->base_offset(), Offset(99));
  expect_right(log);
}

TEST_F(SegmentIndexTest, what_readers_had_to_build_is_saved_with_the_next_checkpoint) {
  Bytes good = stored(0);
  store_all(0, BytesView(good).first(50));
  SegmentedLog log = make(state_);
  ASSERT_TRUE(log.read(state_.segments[0].next - 1, 1));
  log.save_indexes(false);
  EXPECT_EQ(stored(0), good);
}

TEST_F(SegmentIndexTest, the_side_file_of_the_last_segment_is_used_and_outgrown) {
  SegmentedLog log = make(state_);
  std::vector<SharedBytes> more;
  for (int64_t n = record_count; n < record_count + 60; n += records_per_batch) more.push_back(batch_from(n));
  ASSERT_TRUE(log.append(more, ms(1)));
  EXPECT_EQ(BatchView::parse(log.read(Offset(record_count + 59), 1)->front().view())->base_offset(),
            Offset(record_count + 57));
  EXPECT_EQ(*log.find_time(ms(time_of(record_count + 50)), Offset(record_count)),
            first_at_or_after(time_of(record_count + 50), record_count, record_count + 60));
  expect_right(log);
}

TEST_F(SegmentIndexTest, a_full_disk_keeps_nobody_from_reading) {
  for (size_t i = 0; i < state_.segments.size(); ++i) ASSERT_TRUE(disk_.remove(side_file(i)));
  SegmentedLog log = make(state_);
  ASSERT_TRUE(log.read(state_.segments[0].next - 1, 1));
  disk_.fill_up(20);
  log.save_indexes(true);
  expect_right(log);
  expect_right_after_restart();
}

// Of closed segments only as many are in memory as files are open.
TEST_F(SegmentIndexTest, idle_segments_hold_no_index) {
  FileCache one_file(disk_, 1);
  Segment first(segment_path(directory, state_.segments[0]), state_.segments[0], 1_KiB);
  ASSERT_TRUE(first.read(one_file, Offset(0), 1));
  EXPECT_TRUE(first.has_index());
  ASSERT_TRUE(one_file.open(side_file(1)));
  EXPECT_FALSE(first.has_index());
}

TEST_F(SegmentIndexTest, a_short_segment_has_no_side_file) {
  SegmentedLog log(cache_, "/data/topics/t/1", {}, {.index_interval_bytes = 64_KiB});
  std::vector<SharedBytes> few{batch_from(0)};
  ASSERT_TRUE(log.append(few, ms(1)));
  log.save_indexes(true);
  EXPECT_EQ(disk_.list("/data/topics/t/1")->size(), 1u);
}

TEST_F(SegmentIndexTest, strangers_go_and_side_files_stay) {
  auto stranger =
      *disk_.open(std::string(directory) + "/00000000000000000007.index", runtime::OpenMode::create);
  size_t before = disk_.list(directory)->size();
  SegmentedLog log = make(state_);
  log.remove_strangers();
  EXPECT_EQ(disk_.list(directory)->size(), before - 1);
  EXPECT_FALSE(stored(0).empty());
}

}  // namespace
}  // namespace pabal::log
