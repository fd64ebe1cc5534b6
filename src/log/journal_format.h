#pragma once

#include <functional>

#include "base/bytes.h"
#include "base/error.h"
#include "log/log_id.h"

namespace pabal::log {

// One block of the journal: everything one flush makes durable. Big-endian; begins at a multiple of 4 KiB and
// is filled up with zeros to the next one, so that no write has to read a page first.
//
//    0 magic u64 | 8 crc u32 | 12 payload_bytes u32 | 16 journal_id u64 | 24 lsn u64 | 32 flushed_lsn u64
//   40 entry_count u32 | 44 zero u32 | 48 payload: entries
//
//   entry:  0 kind u8 | 1 topic 16 bytes | 17 partition i32 | 21 body_bytes u32 | 25 body
//   body:   append  one record batch with its base offset
//           create  0 retention_time_ns i64 | 8 retention_bytes u64 | 16 name   (again: changes the settings)
//           trim    0 first offset i64
//           remove  nothing
//           create_compacted  0 retention_time_ns i64 | 8 retention_bytes u64 | 16 tombstones_kept_ns i64 |
//           24 name
//           create_unflushed  0 retention_time_ns i64 | 8 retention_bytes u64 | 16 tombstones_kept_ns i64 |
//           24 compact u8 | 25 durability u8 | 26 name
//           reserve 0 from i64 | 8 up_to i64 | 16 epoch i32
//
// A `reserve` stands before any append at an offset from `from` to `up_to` of a log that is not flushed, and
// is flushed itself before one of them is seen. Where `from` lies above the log's end, what was between is
// lost.
//
// The CRC-32C covers byte 12 to the end of the payload. `lsn` counts blocks and has no gaps. `flushed_lsn` is
// the last block known to be durable when this one was written: damage at or below it is corruption, damage
// above it is the torn tail of a crash. `journal_id` is random per data directory, so that no record can hold
// bytes that pass for a block, and no block of another directory does.
constexpr size_t journal_block_header_bytes = 48;
constexpr size_t journal_entry_header_bytes = 25;
constexpr size_t journal_reserve_bytes = journal_entry_header_bytes + 20;  // one such entry
constexpr size_t journal_alignment_bytes = 4_KiB;

[[nodiscard]] constexpr uint64_t journal_aligned(uint64_t bytes) {
  return (bytes + journal_alignment_bytes - 1) / journal_alignment_bytes * journal_alignment_bytes;
}

enum class EntryKind : uint8_t {
  append = 1,
  create = 2,
  trim = 3,
  remove = 4,
  create_compacted = 5,  // on disk only: read as a create
  create_unflushed = 6,  // on disk only: read as a create
  reserve = 7,
};

// Offsets that a log may give without a flush, because it goes on above them after a crash.
struct Reservation {
  Offset from;
  Offset up_to;
  LeaderEpoch epoch;
  friend bool operator==(const Reservation&, const Reservation&) = default;
};

// One entry; what its kind does not have is empty.
struct JournalEntry {
  EntryKind kind = EntryKind::append;
  LogId log = {};
  BytesView batch = {};       // append
  LogSettings settings = {};  // create
  Offset first = {};          // trim
  Reservation reserve = {};
};

struct BlockNumbers {
  uint64_t journal_id = 0;
  uint64_t lsn = 0;
  uint64_t flushed_lsn = 0;
};

// Collects entries into a block, in a buffer it uses again.
class BlockBuilder {
 public:
  static constexpr size_t borrowed_bytes_min = 4_KiB;

  // A batch of borrowed_bytes_min or more is not copied: it stays as it is until the block was written.
  void append(const LogId& log, BytesView batch);
  void create(const LogId& log, const LogSettings& settings);
  void trim(const LogId& log, Offset first);
  void remove(const LogId& log);
  void reserve(const LogId& log, const Reservation& reservation);

  [[nodiscard]] bool empty() const { return entry_count_ == 0; }
  [[nodiscard]] size_t size() const { return bytes_.size() + borrowed_bytes_; }  // before alignment
  // Seals the block: its pieces, one after the other, aligned. They hold until the next call.
  [[nodiscard]] std::span<const BytesView> finish(const BlockNumbers& numbers);
  // Forgets what was added.
  void clear();

 private:
  void header(EntryKind kind, const LogId& log, size_t body_bytes);
  template <class T>
  void number(T value);

  [[nodiscard]] uint32_t checksum() const;

  struct Borrowed {
    size_t before;  // the byte of bytes_ that it stands before
    BytesView batch;
  };
  Bytes bytes_ = Bytes(journal_block_header_bytes);
  std::vector<Borrowed> borrowed_;
  size_t borrowed_bytes_ = 0;
  uint32_t entry_count_ = 0;
  std::vector<BytesView> pieces_;
};

// Views one block.
class BlockView {
 public:
  // The block at the start of `bytes`; more may follow. `corrupt` unless it is whole and of this journal.
  static Result<BlockView> parse(BytesView bytes, uint64_t journal_id);

  [[nodiscard]] uint64_t lsn() const;
  [[nodiscard]] uint64_t flushed_lsn() const;
  [[nodiscard]] uint32_t entry_count() const;
  [[nodiscard]] BytesView bytes() const { return bytes_; }  // header and payload
  [[nodiscard]] size_t aligned_bytes() const { return journal_aligned(bytes_.size()); }
  // Each entry in order; stops at the first error of `each`. `corrupt` when the entries are malformed.
  Result<void> for_each(const std::function<Result<void>(const JournalEntry&)>& each) const;

 private:
  explicit BlockView(BytesView bytes) : bytes_(bytes) {}
  BytesView bytes_;
};

// What a header says before its block has been checked.
struct BlockClaim {
  uint64_t lsn;
  size_t block_bytes;  // header and payload
};
// nullopt when `bytes` (at least a header) do not begin like a block of this journal.
[[nodiscard]] std::optional<BlockClaim> claimed_block(BytesView bytes, uint64_t journal_id);

}  // namespace pabal::log
