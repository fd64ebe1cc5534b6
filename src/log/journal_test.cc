#include "log/journal.h"

#include <gtest/gtest.h>

#include "log/journal_format.h"
#include "log/journal_replay.h"
#include "runtime/simulated_disk.h"

namespace pabal::log {
namespace {

constexpr uint64_t journal_id = 42;
constexpr uint64_t file_bytes = 16_KiB;  // four blocks of one page
const LogId log_a{.topic = {.bytes = {1}}, .partition = PartitionIndex(0)};

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_.make_directories("/j"));
    auto first = prepare_journal_file(disk_, "/j", 0, file_bytes);
    ASSERT_TRUE(first);
    journal_ = std::make_unique<Journal>(std::move(*first), start_, file_bytes);
  }

  void add_file() {
    auto file = prepare_journal_file(disk_, "/j", journal_->free_number(), file_bytes);
    ASSERT_TRUE(file);
    journal_->add_spare(std::move(*file));
  }
  std::span<const BytesView> block(size_t bytes = 10) {
    builder_.clear();
    body_.assign(bytes, 'b');
    builder_.append(log_a, as_bytes(body_));
    return builder_.finish({journal_id, journal_->next().lsn, journal_->flushed_lsn()});
  }
  void write_unflushed(size_t bytes = 10) { ASSERT_TRUE(journal_->write(block(bytes))); }
  void write(size_t bytes = 10) {
    auto b = block(bytes);
    ASSERT_TRUE(journal_->fits(size_of(b)));
    ASSERT_TRUE(journal_->write(b));
    ASSERT_TRUE(journal_->flush());
  }
  // The LSNs that a start would replay.
  ReplayReport replay(JournalPosition from) {
    replayed_.clear();
    auto note = [this](const BlockView& b, const JournalPosition& at) -> Result<void> {
      EXPECT_EQ(at.lsn, b.lsn());
      replayed_.push_back(b.lsn());
      return {};
    };
    auto report = replay_journal(disk_, "/j", journal_id, from, note);
    EXPECT_TRUE(report);
    return *report;
  }

  const JournalPosition start_{.lsn = 1, .file = 0, .offset = 0};
  runtime::SimulatedDisk disk_{1};
  std::unique_ptr<Journal> journal_;
  BlockBuilder builder_;
  std::string body_;
  std::vector<uint64_t> replayed_;
};

TEST_F(JournalTest, blocks_are_replayed_in_order_across_files) {
  add_file();
  for (int i = 0; i < 6; ++i) write();
  EXPECT_EQ(journal_->full_count(), 1u);
  ReplayReport report = replay(start_);
  EXPECT_EQ(replayed_, (std::vector<uint64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(report.next, journal_->next());
  EXPECT_FALSE(report.torn);
  EXPECT_FALSE(report.damage);
}

TEST_F(JournalTest, one_flush_covers_what_was_written_before_it_also_in_the_file_before) {
  add_file();
  for (int i = 0; i < 5; ++i) write_unflushed();
  EXPECT_EQ(journal_->flushed_lsn(), 0u);
  EXPECT_TRUE(journal_->has_unflushed());
  write();
  EXPECT_EQ(journal_->flushed_lsn(), 6u);
  EXPECT_FALSE(journal_->has_unflushed());
  ASSERT_TRUE(disk_.flush_directory("/"));
  disk_.restart_after_power_loss();
  replay(start_);
  EXPECT_EQ(replayed_, (std::vector<uint64_t>{1, 2, 3, 4, 5, 6}));
}

TEST_F(JournalTest, a_flush_behind_covers_what_was_written_when_it_was_asked_for) {
  write_unflushed();
  write_unflushed();
  auto behind = journal_->flush_behind();
  write_unflushed();
  ASSERT_TRUE(behind.run());
  journal_->note_flushed(behind.lsn);
  EXPECT_EQ(journal_->flushed_lsn(), 2u);
  EXPECT_TRUE(journal_->has_unflushed());
}

TEST_F(JournalTest, after_a_failed_flush_no_other_one_succeeds) {
  write_unflushed();
  auto behind = journal_->flush_behind();
  disk_.fail_after(0);
  EXPECT_FALSE(behind.run());
  EXPECT_FALSE(journal_->flush()) << "whoever flushes next is told, too";
}

TEST_F(JournalTest, an_unflushed_block_whose_predecessor_is_lost_is_stale_and_can_be_erased) {
  write();
  for (int i = 0; i < 2; ++i) write_unflushed();
  disk_.flip_bit("/j/0.journal", 4_KiB + 60);  // of block 2
  ReplayReport report = replay(start_);
  EXPECT_EQ(replayed_, (std::vector<uint64_t>{1}));
  EXPECT_FALSE(report.damage) << report.damage->problem;
  ASSERT_TRUE(report.torn);
  ASSERT_EQ(report.stale, (std::vector<JournalPosition>{{.lsn = 3, .file = 0, .offset = 8_KiB}}));
  ASSERT_TRUE(erase_blocks(disk_, "/j", report.stale));
  auto file = disk_.open("/j/0.journal", runtime::OpenMode::write);
  journal_ = std::make_unique<Journal>(JournalFile{0, file_bytes, std::move(*file)}, report.next, file_bytes);
  write_unflushed();  // block 2 again, which is followed by nothing
  replay(start_);
  EXPECT_EQ(replayed_, (std::vector<uint64_t>{1, 2}));
}

TEST_F(JournalTest, an_empty_journal_has_nothing_to_replay) {
  EXPECT_EQ(replay(start_).next, start_);
  EXPECT_TRUE(replayed_.empty());
}

TEST_F(JournalTest, a_full_journal_takes_no_more_until_files_are_recycled) {
  add_file();
  for (int i = 0; i < 8; ++i) write();
  EXPECT_FALSE(journal_->fits(4_KiB));
  journal_->recycle_below(4);
  EXPECT_FALSE(journal_->fits(4_KiB));  // block 4 is still needed
  journal_->recycle_below(5);
  EXPECT_TRUE(journal_->fits(4_KiB));
  JournalPosition checkpoint{.lsn = 5, .file = 1, .offset = 0};
  for (int i = 0; i < 2; ++i) write();
  ReplayReport report = replay(checkpoint);
  EXPECT_EQ(replayed_, (std::vector<uint64_t>{5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(report.next, journal_->next());
}

TEST_F(JournalTest, a_block_that_does_not_fit_the_rest_goes_to_the_next_file) {
  add_file();
  write();
  write(13'000);
  EXPECT_EQ(journal_->next().file, 1u);
  replay(start_);
  EXPECT_EQ(replayed_, (std::vector<uint64_t>{1, 2}));
}

TEST_F(JournalTest, a_smaller_file_is_not_used_again) {
  auto small = prepare_journal_file(disk_, "/j", 1, 4_KiB);
  journal_->add_spare(std::move(*small));
  for (int i = 0; i < 5; ++i) write();
  EXPECT_EQ(journal_->next().file, 1u);
  add_file();
  write();
  EXPECT_EQ(journal_->next().file, 2u);
  journal_->recycle_below(6);
  EXPECT_EQ(journal_->spare_count(), 1u);  // file 0, not file 1
  EXPECT_EQ(journal_->free_number(), 1u);
}

TEST_F(JournalTest, a_file_counts_when_it_was_written_from_end_to_end) {
  constexpr uint64_t large = 3_MiB;  // several pieces, each flushed
  int interrupted = 0;
  for (uint64_t change = 0;; ++change) {
    runtime::SimulatedDisk disk(change);
    ASSERT_TRUE(disk.make_directories("/j"));
    disk.fail_after(change);
    auto file = prepare_journal_file(disk, "/j", 0, large);
    disk.fail_never();
    auto numbers = journal_files(disk, "/j");
    ASSERT_TRUE(numbers);
    if (file) break;
    ++interrupted;
    if (numbers->empty()) continue;
    auto found = disk.open(journal_file_path("/j", 0), runtime::OpenMode::read);
    ASSERT_TRUE(found);
    EXPECT_EQ(*(*found)->size(), large) << "after " << change << " changes";
    Bytes last(1);
    EXPECT_EQ(*(*found)->read_at(large - 1, last), 1U);
  }
  EXPECT_GT(interrupted, 5);
}

TEST_F(JournalTest, what_a_crash_tore_is_told_from_what_was_durable) {
  add_file();
  for (int i = 0; i < 6; ++i) write();
  disk_.flip_bit("/j/1.journal", 4_KiB + 60);  // the last block
  ReplayReport torn = replay(start_);
  EXPECT_EQ(replayed_.size(), 5u);
  ASSERT_TRUE(torn.torn);
  EXPECT_EQ(torn.torn->at, (JournalPosition{6, 1, 4_KiB}));
  EXPECT_FALSE(torn.damage);
  EXPECT_EQ(torn.next, (JournalPosition{6, 1, 4_KiB}));

  disk_.flip_bit("/j/0.journal", 8_KiB + 60);  // block 3, which block 4 knew to be durable
  ReplayReport damaged = replay(start_);
  EXPECT_EQ(replayed_, (std::vector<uint64_t>{1, 2}));
  ASSERT_TRUE(damaged.damage);
  EXPECT_EQ(damaged.damage->at, (JournalPosition{3, 0, 8_KiB}));
  EXPECT_FALSE(damaged.torn);
}

TEST_F(JournalTest, damage_is_found_when_only_another_file_knows) {
  add_file();
  for (int i = 0; i < 6; ++i) write();
  disk_.flip_bit("/j/1.journal", 60);  // block 5, the first of its file
  ReplayReport report = replay(start_);
  EXPECT_EQ(replayed_.size(), 4u);
  ASSERT_TRUE(report.damage);
}

TEST_F(JournalTest, a_torn_first_block_of_a_file_is_seen) {
  add_file();
  for (int i = 0; i < 5; ++i) write();
  disk_.flip_bit("/j/1.journal", 60);
  ReplayReport report = replay(start_);
  EXPECT_EQ(replayed_.size(), 4u);
  ASSERT_TRUE(report.torn);
  EXPECT_EQ(report.torn->at.file, 1u);
  EXPECT_EQ(report.next.file, 0u);
}

TEST_F(JournalTest, a_missing_file_is_damage) {
  add_file();
  for (int i = 0; i < 6; ++i) write();
  ASSERT_TRUE(disk_.remove("/j/0.journal"));
  EXPECT_TRUE(replay(start_).damage);
}

TEST_F(JournalTest, a_write_that_failed_does_not_count) {
  write();
  disk_.fail_after(0);
  EXPECT_FALSE(journal_->write(block()));
  EXPECT_EQ(journal_->next().lsn, 2u);
  write();
  replay(start_);
  EXPECT_EQ(replayed_, (std::vector<uint64_t>{1, 2}));
}

TEST_F(JournalTest, records_that_look_like_blocks_are_not_taken_for_some) {
  BlockBuilder fake;
  fake.remove(log_a);
  Bytes inside(4_KiB - journal_block_header_bytes - journal_entry_header_bytes, 0);
  Bytes forged = joined(fake.finish({journal_id + 1, 3, 2}));  // who forges it does not know the id
  inside.insert(inside.end(), forged.begin(), forged.end());
  builder_.clear();
  builder_.append(log_a, inside);
  ASSERT_TRUE(journal_->write(builder_.finish({journal_id, 1, 0})));
  ASSERT_TRUE(journal_->flush());
  disk_.flip_bit("/j/0.journal", 60);
  ReplayReport report = replay(start_);
  EXPECT_TRUE(report.torn);
  EXPECT_FALSE(report.damage);
}

}  // namespace
}  // namespace pabal::log
