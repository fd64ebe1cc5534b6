#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/crc32c.h"
#include "log/batch_layout.h"
#include "log/big_endian.h"
#include "log/record_batch.h"
#include "log/varint.h"

namespace pabal::log {
namespace {

namespace at = batch_layout;

void put_bytes(Bytes& out, BytesView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void put_sized(Bytes& out, const std::optional<BytesView>& bytes) {
  put_varint(out, bytes ? static_cast<int64_t>(bytes->size()) : -1);
  if (bytes) put_bytes(out, *bytes);
}

size_t sized_bytes(const std::optional<BytesView>& bytes) {
  return bytes ? varint_bytes(static_cast<int64_t>(bytes->size())) + bytes->size() : varint_bytes(-1);
}

size_t body_bytes(const RecordView& record, int64_t timestamp_delta, int32_t offset_delta) {
  size_t size = 1 + varint_bytes(timestamp_delta) + varint_bytes(offset_delta) + sized_bytes(record.key) +
                sized_bytes(record.value) + varint_bytes(static_cast<int64_t>(record.headers.size()));
  for (const HeaderView& header : record.headers) {
    size += sized_bytes(as_bytes(header.name)) + sized_bytes(header.value);
  }
  return size;
}

// A peer or a forged header may give any time: one beyond this is stored as this, so that the distance of any
// two is a number. 73 million years either way.
constexpr WallTime time_max{std::chrono::milliseconds(int64_t{1} << 61)};

WallTime storable(WallTime time) {
  return std::clamp(time, WallTime(-time_max.time_since_epoch()), time_max);
}

void put_record(Bytes& out, const RecordView& record, int64_t timestamp_delta, int32_t offset_delta) {
  put_varint(out, static_cast<int64_t>(body_bytes(record, timestamp_delta, offset_delta)));
  out.push_back(0);  // attributes: none are defined
  put_varint(out, timestamp_delta);
  put_varint(out, offset_delta);
  put_sized(out, record.key);
  put_sized(out, record.value);
  put_varint(out, static_cast<int64_t>(record.headers.size()));
  for (const HeaderView& header : record.headers) {
    put_sized(out, as_bytes(header.name));
    put_sized(out, header.value);
  }
}

}  // namespace

void BatchBuilder::add(const RecordView& record) {
  WallTime time = storable(record.timestamp);
  if (record_count_ == 0) base_timestamp_ = max_timestamp_ = time;
  max_timestamp_ = std::max(max_timestamp_, time);
  put_record(bytes_, record, (time - base_timestamp_).count(), record_count_);
  ++record_count_;
}

Bytes retained_batch(const BatchView& batch, std::span<const StoredRecord> kept,
                     std::optional<WallTime> delete_horizon) {
  check(!kept.empty(), "a batch has at least one record");
  BytesView header = batch.bytes().first(batch_header_bytes);
  Bytes bytes(header.begin(), header.end());
  WallTime base = storable(delete_horizon.value_or(batch.base_timestamp()));
  WallTime max = storable(kept.front().timestamp);
  for (const StoredRecord& record : kept) {
    WallTime time = storable(record.timestamp);
    max = std::max(max, time);
    auto offset_delta = static_cast<int32_t>(record.offset - batch.base_offset());
    put_record(bytes, record, (time - base).count(), offset_delta);
  }
  auto attributes = load<int16_t>(bytes, at::attributes);
  if (delete_horizon) attributes = static_cast<int16_t>(attributes | at::delete_horizon_flag);
  store<int16_t>(bytes, at::attributes, attributes);
  store<int32_t>(bytes, at::batch_length, static_cast<int32_t>(bytes.size() - at::length_ends));
  store<int64_t>(bytes, at::base_timestamp, base.time_since_epoch().count());
  store<int64_t>(bytes, at::max_timestamp, max.time_since_epoch().count());
  store<int32_t>(bytes, at::record_count, static_cast<int32_t>(kept.size()));
  store<uint32_t>(bytes, at::crc, crc32c(BytesView(bytes).subspan(at::attributes)));
  return bytes;
}

size_t BatchBuilder::size() const { return bytes_.size(); }

Bytes BatchBuilder::finish() {
  check(record_count_ > 0, "a batch has at least one record");
  check(bytes_.size() <= size_t{std::numeric_limits<int32_t>::max()}, "a batch of {} bytes", bytes_.size());
  Bytes batch = std::exchange(bytes_, Bytes(batch_header_bytes));
  store<int64_t>(batch, at::base_offset, 0);
  store<int32_t>(batch, at::batch_length, static_cast<int32_t>(batch.size() - at::length_ends));
  store<int32_t>(batch, at::leader_epoch, 0);
  store<int8_t>(batch, at::magic, 2);
  store<int16_t>(batch, at::attributes, 0);
  store<int32_t>(batch, at::last_offset_delta, record_count_ - 1);
  store<int64_t>(batch, at::base_timestamp, base_timestamp_.time_since_epoch().count());
  store<int64_t>(batch, at::max_timestamp, max_timestamp_.time_since_epoch().count());
  store<int64_t>(batch, at::producer_id, -1);
  store<int16_t>(batch, at::producer_epoch, -1);
  store<int32_t>(batch, at::base_sequence, -1);
  store<int32_t>(batch, at::record_count, std::exchange(record_count_, 0));
  store<uint32_t>(batch, at::crc, crc32c(BytesView(batch).subspan(at::attributes)));
  return batch;
}

}  // namespace pabal::log
