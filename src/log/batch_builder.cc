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

}  // namespace

void BatchBuilder::add(const RecordView& record) {
  if (record_count_ == 0) base_timestamp_ = max_timestamp_ = record.timestamp;
  max_timestamp_ = std::max(max_timestamp_, record.timestamp);
  int64_t timestamp_delta = (record.timestamp - base_timestamp_).count();

  put_varint(bytes_, static_cast<int64_t>(body_bytes(record, timestamp_delta, record_count_)));
  bytes_.push_back(0);  // attributes: none are defined
  put_varint(bytes_, timestamp_delta);
  put_varint(bytes_, record_count_);
  put_sized(bytes_, record.key);
  put_sized(bytes_, record.value);
  put_varint(bytes_, static_cast<int64_t>(record.headers.size()));
  for (const HeaderView& header : record.headers) {
    put_sized(bytes_, as_bytes(header.name));
    put_sized(bytes_, header.value);
  }
  ++record_count_;
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
