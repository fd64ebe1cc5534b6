#include "log/journal_format.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/random.h"
#include "log/big_endian.h"

namespace pabal::log {
namespace {

constexpr uint64_t journal_id = 0x1234567890abcdef;
const LogId log_a{.topic = {.bytes = {1, 2, 3}}, .partition = PartitionIndex(7)};

Bytes sample_block() {
  BlockBuilder builder;
  builder.create(log_a, {.name = "orders", .retention_time = std::chrono::hours(1), .retention_bytes = 77});
  builder.create(log_a, {.name = "w", .compact = true, .durability = Durability::written});
  builder.reserve(log_a, {Offset(3), Offset(1003), LeaderEpoch(2)});
  builder.append(log_a, as_bytes("a batch"));
  builder.trim(log_a, Offset(5));
  builder.remove(log_a);
  return joined(builder.finish({journal_id, 9, 8}));
}

std::vector<EntryKind> kinds_in(const BlockView& block) {
  std::vector<EntryKind> kinds;
  EXPECT_TRUE(block.for_each([&](const JournalEntry& entry) -> Result<void> {
    EXPECT_EQ(entry.log, log_a);
    kinds.push_back(entry.kind);
    return {};
  }));
  return kinds;
}

// Gives damaged bytes a right CRC again.
void reseal(Bytes& block) {
  size_t payload = load<uint32_t>(block, 12);
  if (payload > block.size() - journal_block_header_bytes) return;
  store<uint32_t>(block, 8, crc32c(BytesView(block).subspan(12, journal_block_header_bytes - 12 + payload)));
}

TEST(JournalFormat, what_was_put_in_comes_out) {
  Bytes bytes = sample_block();
  EXPECT_EQ(bytes.size() % journal_alignment_bytes, 0u);
  auto block = BlockView::parse(bytes, journal_id);
  ASSERT_TRUE(block) << block.error().message;
  EXPECT_EQ(block->lsn(), 9u);
  EXPECT_EQ(block->flushed_lsn(), 8u);
  EXPECT_EQ(block->aligned_bytes(), bytes.size());
  EXPECT_EQ(kinds_in(*block), (std::vector{EntryKind::create, EntryKind::create, EntryKind::reserve,
                                           EntryKind::append, EntryKind::trim, EntryKind::remove}));
  ASSERT_TRUE(block->for_each([](const JournalEntry& entry) -> Result<void> {
    if (entry.kind == EntryKind::create && entry.settings.name == "orders") {
      EXPECT_EQ(entry.settings, (LogSettings{"orders", std::chrono::hours(1), 77}));
    } else if (entry.kind == EntryKind::create) {
      EXPECT_EQ(entry.settings,
                (LogSettings{.name = "w", .compact = true, .durability = Durability::written}));
    }
    if (entry.kind == EntryKind::reserve) {
      EXPECT_EQ(entry.reserve, (Reservation{Offset(3), Offset(1003), LeaderEpoch(2)}));
    }
    if (entry.kind == EntryKind::append) EXPECT_EQ(as_text(entry.batch), "a batch");
    if (entry.kind == EntryKind::trim) EXPECT_EQ(entry.first, Offset(5));
    return {};
  }));
}

TEST(JournalFormat, a_builder_is_used_again) {
  BlockBuilder builder;
  builder.remove(log_a);
  static_cast<void>(builder.finish({journal_id, 1, 0}));
  builder.clear();
  EXPECT_TRUE(builder.empty());
  builder.trim(log_a, Offset(1));
  Bytes block = joined(builder.finish({journal_id, 2, 1}));
  EXPECT_EQ(kinds_in(*BlockView::parse(block, journal_id)), std::vector{EntryKind::trim});
}

TEST(JournalFormat, large_batches_are_borrowed_and_small_ones_copied) {
  std::vector<Bytes> batches;
  for (size_t bytes : {10, 4096, 4095, 10'000, 5'000, 1}) batches.emplace_back(bytes, uint8_t(bytes));
  BlockBuilder builder;
  for (int round = 0; round < 2; ++round) {  // nothing of the first is left in the second
    builder.clear();
    size_t bytes = journal_block_header_bytes;
    for (const Bytes& batch : batches) {
      builder.append(log_a, batch);
      bytes += journal_entry_header_bytes + batch.size();
    }
    EXPECT_EQ(builder.size(), bytes);
    auto pieces = builder.finish({journal_id, 2, 1});
    EXPECT_EQ(size_of(pieces), journal_aligned(bytes));
    auto is_there = [&](const Bytes& batch) {
      return std::ranges::any_of(pieces, [&](BytesView piece) { return piece.data() == batch.data(); });
    };
    EXPECT_TRUE(is_there(batches[1]) && is_there(batches[3]) && !is_there(batches[2]));
    Bytes block = joined(pieces);
    auto view = BlockView::parse(block, journal_id);
    ASSERT_TRUE(view) << view.error().message;
    size_t next = 0;
    ASSERT_TRUE(view->for_each([&](const JournalEntry& entry) -> Result<void> {
      EXPECT_TRUE(std::ranges::equal(entry.batch, batches[next++]));
      return {};
    }));
    EXPECT_EQ(next, batches.size());
  }
}

TEST(JournalFormat, a_block_of_another_journal_is_none) {
  EXPECT_FALSE(BlockView::parse(sample_block(), journal_id + 1));
  EXPECT_FALSE(claimed_block(sample_block(), journal_id + 1));
  EXPECT_EQ(claimed_block(sample_block(), journal_id)->lsn, 9u);
}

TEST(JournalFormat, every_truncation_is_refused) {
  Bytes whole = sample_block();
  size_t end = claimed_block(whole, journal_id)->block_bytes;
  for (size_t size = 0; size < end; ++size) {
    EXPECT_FALSE(
        BlockView::parse(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)), journal_id));
  }
}

TEST(JournalFormat, every_flipped_bit_is_found) {
  Bytes whole = sample_block();
  size_t end = claimed_block(whole, journal_id)->block_bytes;
  for (size_t i = 0; i < end; ++i) {
    Bytes bytes = whole;
    bytes[i] ^= static_cast<uint8_t>(1u << (i % 8));
    EXPECT_FALSE(BlockView::parse(bytes, journal_id)) << i;
  }
}

TEST(JournalFormat, hostile_entries_under_a_right_crc_do_no_harm) {
  Random random(3);
  Bytes whole = sample_block();
  size_t end = claimed_block(whole, journal_id)->block_bytes;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = whole;
    for (uint64_t n = 1 + random.below(3); n > 0; --n) {
      bytes[journal_block_header_bytes + random.below(end - journal_block_header_bytes)] =
          static_cast<uint8_t>(random.next());
    }
    reseal(bytes);
    auto block = BlockView::parse(bytes, journal_id);
    ASSERT_TRUE(block);
    static_cast<void>(block->for_each([](const JournalEntry&) -> Result<void> { return {}; }));
  }
}

TEST(JournalFormat, an_error_of_the_reader_ends_the_walk) {
  Bytes bytes = sample_block();
  int seen = 0;
  auto done = BlockView::parse(bytes, journal_id)->for_each([&](const JournalEntry&) -> Result<void> {
    return ++seen == 2 ? error(ErrorCode::invalid, "enough") : Result<void>();
  });
  EXPECT_EQ(done.error().message, "enough");
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace pabal::log
