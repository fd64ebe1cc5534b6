#include "log/checkpoint.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/random.h"
#include "log/big_endian.h"
#include "runtime/simulated_disk.h"

namespace pabal::log {
namespace {

Checkpoint sample() {
  Checkpoint checkpoint{.journal_id = 5, .replay_from = {.lsn = 6, .file = 7, .offset = 8}};
  LogCheckpoint log{.log = {.topic = {.bytes = {9}}, .partition = PartitionIndex(2)},
                    .settings = {"orders", std::chrono::hours(1), 1000},
                    .epoch = LeaderEpoch(3),
                    .first = Offset(10),
                    .next = Offset(30)};
  log.segments.push_back({Offset(0), Offset(20), 111, WallTime(std::chrono::milliseconds(5)),
                          WallTime(std::chrono::milliseconds(-6))});
  log.segments.push_back({Offset(20), Offset(30), 222, {}, {}, 4});
  log.settings.compact = true;
  log.settings.tombstones_kept = std::chrono::minutes(7);
  log.compacted = Offset(20);
  LogCheckpoint written = log;
  written.log.partition = PartitionIndex(3);
  written.settings.durability = Durability::written;
  written.reserved = Offset(1000);
  written.lost = 12;
  checkpoint.logs = {log, written, {.log = {.topic = {}, .partition = PartitionIndex(1)}}};
  checkpoint.removals = {"topics/x", ""};
  return checkpoint;
}

TEST(Checkpoint, what_was_put_in_comes_out) {
  auto back = decode_checkpoint(encode_checkpoint(sample()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, sample());
  EXPECT_EQ(*decode_checkpoint(encode_checkpoint({})), Checkpoint{});
}

TEST(Checkpoint, every_truncation_and_every_flipped_bit_is_found) {
  Bytes whole = encode_checkpoint(sample());
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(decode_checkpoint(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(i)))) << i;
    Bytes flipped = whole;
    flipped[i] ^= static_cast<uint8_t>(1u << (i % 8));
    EXPECT_FALSE(decode_checkpoint(flipped)) << i;
  }
}

TEST(Checkpoint, hostile_counts_under_a_right_checksum_do_no_harm) {
  Random random(1);
  Bytes whole = encode_checkpoint(sample());
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = whole;
    bytes[20 + random.below(bytes.size() - 20)] = static_cast<uint8_t>(random.next());
    if (random.chance(0.5)) bytes.resize(20 + random.below(bytes.size() - 20));
    store<uint64_t>(bytes, 12, bytes.size() - 20);
    store<uint32_t>(bytes, 8, crc32c(BytesView(bytes).subspan(12)));
    static_cast<void>(decode_checkpoint(bytes));
  }
}

TEST(Checkpoint, a_crash_while_saving_leaves_the_old_one_or_the_new_one) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    runtime::SimulatedDisk disk(seed);
    ASSERT_TRUE(disk.make_directories("/d"));
    ASSERT_TRUE(disk.flush_directory("/"));
    ASSERT_TRUE(save_checkpoint(disk, "/d", sample()));
    Checkpoint next = sample();
    next.replay_from.lsn = 1000;
    disk.lose_power_after(seed % 8);
    bool saved = save_checkpoint(disk, "/d", next).has_value();
    disk.restart_after_power_loss();
    auto loaded = load_checkpoint(disk, "/d");
    ASSERT_TRUE(loaded) << seed << ": " << loaded.error().message;
    EXPECT_TRUE(*loaded == next || (!saved && *loaded == sample())) << seed;
  }
}

// After a crash at any moment either file alone is one that the journal goes on from.
TEST(Checkpoint, each_of_its_two_files_is_the_old_one_or_the_new_one) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    runtime::SimulatedDisk disk(seed);
    ASSERT_TRUE(disk.make_directories("/d"));
    ASSERT_TRUE(disk.flush_directory("/"));
    ASSERT_TRUE(save_checkpoint(disk, "/d", sample()));
    Checkpoint next = sample();
    next.replay_from.lsn = 1000;
    disk.lose_power_after(seed % 16);
    bool saved = save_checkpoint(disk, "/d", next).has_value();
    disk.restart_after_power_loss();
    auto [path, copy_path] = checkpoint_paths("/d");
    ASSERT_TRUE(disk.remove(seed % 2 == 0 ? path : copy_path));
    auto loaded = load_checkpoint(disk, "/d");
    ASSERT_TRUE(loaded) << seed << ": " << loaded.error().message;
    EXPECT_TRUE(*loaded == next || (!saved && *loaded == sample())) << seed;
  }
}

TEST(Checkpoint, a_directory_of_an_older_version_has_no_copy) {
  runtime::SimulatedDisk disk(1);
  ASSERT_TRUE(disk.make_directories("/d"));
  EXPECT_EQ(load_checkpoint(disk, "/d").error().code, ErrorCode::not_found);
  ASSERT_TRUE(save_checkpoint(disk, "/d", sample()));
  ASSERT_TRUE(disk.remove(checkpoint_paths("/d")[1]));
  EXPECT_EQ(load_checkpoint(disk, "/d"), sample());
}

TEST(Checkpoint, the_clean_mark_counts_once_and_for_its_end_only) {
  runtime::SimulatedDisk disk(1);
  ASSERT_TRUE(disk.make_directories("/d"));
  JournalPosition end{.lsn = 7};
  EXPECT_EQ(take_clean_mark(disk, "/d", end), false);
  ASSERT_TRUE(mark_clean(disk, "/d", end));
  EXPECT_EQ(take_clean_mark(disk, "/d", end), true);
  EXPECT_EQ(take_clean_mark(disk, "/d", end), false);
  ASSERT_TRUE(mark_clean(disk, "/d", end));
  EXPECT_EQ(take_clean_mark(disk, "/d", {.lsn = 8}), false);
}

}  // namespace
}  // namespace pabal::log
