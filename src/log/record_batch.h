#pragma once

#include <functional>

#include "base/error.h"
#include "log/record.h"

namespace pabal::log {

// Kafka's record batch, format v2 (magic 2), as it is stored, sent and read:
//
//   0 base_offset i64 | 8 batch_length i32 | 12 leader_epoch i32 | 16 magic i8 | 17 crc u32 | 21 attributes
//   i16 23 last_offset_delta i32 | 27 base_timestamp i64 | 35 max_timestamp i64 | 43 producer_id i64 51
//   producer_epoch i16 | 53 base_sequence i32 | 57 record_count i32 | 61 records
//
// big-endian; the CRC-32C covers byte 21 to the end, so base offset and leader epoch are filled in without a
// new one. https://kafka.apache.org/documentation/#recordbatch
constexpr size_t batch_header_bytes = 61;

// Collects records into one batch with base offset 0. finish() leaves it empty.
class BatchBuilder {
 public:
  void add(const RecordView& record);
  [[nodiscard]] int32_t record_count() const { return record_count_; }
  [[nodiscard]] size_t size() const;  // bytes the batch would have now
  // At least one record must have been added.
  [[nodiscard]] Bytes finish();

 private:
  Bytes bytes_ = Bytes(batch_header_bytes);
  int32_t record_count_ = 0;
  WallTime base_timestamp_ = {};
  WallTime max_timestamp_ = {};
};

class BatchView;

// Who built a batch, when it was an idempotent producer: its records' sequences are base_sequence and on. -1
// each when it was not.
struct ProducerStamp {
  ProducerId id{-1};
  ProducerEpoch epoch{-1};
  int32_t base_sequence = -1;
  friend bool operator==(const ProducerStamp&, const ProducerStamp&) = default;
};

// What compaction leaves of a batch: `kept` of its records, at their offsets, in its range of offsets. With a
// delete horizon the base timestamp holds it, as KIP-534 has it. At least one record.
[[nodiscard]] Bytes retained_batch(const BatchView& batch, std::span<const StoredRecord> kept,
                                   std::optional<WallTime> delete_horizon);

// A view of one batch whose header has been checked: lengths fit, magic is 2. The CRC is checked by verify().
class BatchView {
 public:
  // The batch at the start of `bytes`; more may follow. `corrupt` when it cannot be one.
  static Result<BatchView> parse(BytesView bytes);

  [[nodiscard]] BytesView bytes() const { return bytes_; }  // exactly the batch
  [[nodiscard]] Offset base_offset() const;
  [[nodiscard]] Offset last_offset() const;
  [[nodiscard]] Offset next_offset() const { return last_offset() + 1; }
  [[nodiscard]] LeaderEpoch leader_epoch() const;
  [[nodiscard]] int32_t record_count() const;
  [[nodiscard]] WallTime base_timestamp() const;
  [[nodiscard]] WallTime max_timestamp() const;
  [[nodiscard]] ProducerStamp producer() const;
  [[nodiscard]] bool is_compressed() const;
  // When compaction may drop the records without a value; nullopt when it has not seen them yet (KIP-534).
  [[nodiscard]] std::optional<WallTime> delete_horizon() const;
  // Compares the CRC and checks that the counts agree.
  [[nodiscard]] Result<void> verify() const;
  // Each record in offset order, views into the batch, or when it is compressed into memory that is gone when
  // the call ends; `each` returns false to stop. `corrupt` on a malformed record; `too_large` and
  // `unsupported` when the batch cannot be uncompressed.
  Result<void> for_each(const std::function<bool(const StoredRecord&)>& each) const;

 private:
  explicit BatchView(BytesView bytes) : bytes_(bytes) {}
  BytesView bytes_;
};

// The same batch with its records as they are uncompressed; errors as for_each().
[[nodiscard]] Result<Bytes> uncompressed_batch(const BatchView& batch);

// How many bytes the batch has whose first 61 bytes these are (more may follow); `corrupt` when they cannot
// be.
[[nodiscard]] Result<size_t> batch_size(BytesView header);

// Fills in what lies outside the CRC.
void set_base_offset(std::span<uint8_t> batch, Offset base);
void set_leader_epoch(std::span<uint8_t> batch, LeaderEpoch epoch);

// Fills in who built it, with a new CRC.
void set_producer(std::span<uint8_t> batch, const ProducerStamp& producer);

}  // namespace pabal::log
