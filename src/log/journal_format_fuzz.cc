#include "base/crc32c.h"
#include "base/fuzz.h"
#include "log/big_endian.h"
#include "log/journal_format.h"

namespace pabal::log {
namespace {

constexpr uint64_t journal_id = 7;

// The input as the inside of a block that is whole: what a reader sees when the disk's checksum is right.
Bytes whole_block(BytesView input) {
  BlockBuilder builder;
  Bytes sealed = joined(builder.finish({.journal_id = journal_id, .lsn = 5, .flushed_lsn = 4}));
  Bytes bytes(sealed.begin(), sealed.begin() + journal_block_header_bytes);
  store<uint32_t>(bytes, 40, take_byte(input));  // entry_count
  bytes.insert(bytes.end(), input.begin(), input.end());
  store<uint32_t>(bytes, 12, static_cast<uint32_t>(input.size()));  // payload_bytes
  store<uint32_t>(bytes, 8, crc32c(BytesView(bytes).subspan(12)));
  return bytes;
}

bool same(const JournalEntry& a, const JournalEntry& b) {
  return a.kind == b.kind && a.log == b.log && std::ranges::equal(a.batch, b.batch) &&
         a.settings == b.settings && a.first == b.first && a.reserve == b.reserve;
}

void add(BlockBuilder& builder, const JournalEntry& entry) {
  switch (entry.kind) {
    case EntryKind::append:
      return builder.append(entry.log, entry.batch);
    case EntryKind::create:
    case EntryKind::create_compacted:
    case EntryKind::create_unflushed:
      return builder.create(entry.log, entry.settings);
    case EntryKind::trim:
      return builder.trim(entry.log, entry.first);
    case EntryKind::remove:
      return builder.remove(entry.log);
    case EntryKind::reserve:
      return builder.reserve(entry.log, entry.reserve);
  }
}

// nullopt when one is malformed.
std::optional<std::vector<JournalEntry>> entries_of(BytesView bytes) {
  auto block = BlockView::parse(bytes, journal_id);
  check(block.has_value() && block->lsn() == 5 && block->flushed_lsn() == 4, "a whole block is refused");
  std::vector<JournalEntry> entries;
  auto read = block->for_each([&](const JournalEntry& entry) -> Result<void> {
    check(entry.batch.empty() || (entry.batch.data() >= bytes.data() &&
                                  entry.batch.data() + entry.batch.size() <= bytes.data() + bytes.size()),
          "{} bytes of an entry lie outside of its block", entry.batch.size());
    entries.push_back(entry);
    return {};
  });
  if (!read) return std::nullopt;
  check(entries.size() == block->entry_count(), "{} entries of {}", entries.size(), block->entry_count());
  return entries;
}

}  // namespace
}  // namespace pabal::log

PABAL_FUZZ(journal_format) {
  using namespace pabal;
  static_cast<void>(log::claimed_block(input, log::journal_id));
  static_cast<void>(log::BlockView::parse(input, log::journal_id));
  Bytes bytes = log::whole_block(input);
  auto entries = log::entries_of(bytes);
  if (!entries) return;
  log::BlockBuilder builder;
  for (const auto& entry : *entries) log::add(builder, entry);
  Bytes written = joined(builder.finish({.journal_id = log::journal_id, .lsn = 5, .flushed_lsn = 4}));
  auto again = log::entries_of(written);
  check(again && std::ranges::equal(*entries, *again,
                                    [](const auto& a, const auto& b) { return log::same(a, b); }),
        "{} entries came back changed", entries->size());
}
