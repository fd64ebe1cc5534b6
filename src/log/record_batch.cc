#include "log/record_batch.h"

#include <limits>

#include "base/crc32c.h"
#include "log/batch_layout.h"
#include "log/big_endian.h"
#include "log/compression.h"
#include "log/varint.h"

namespace pabal::log {
namespace {

namespace at = batch_layout;

// Reads the fields of one record from its bytes. Each take_* returns false when the bytes cannot be one.
class RecordReader {
 public:
  explicit RecordReader(BytesView bytes) : rest_(bytes) {}

  bool take(int64_t& value) {
    auto taken = take_varint(rest_);
    if (taken) value = *taken;
    return taken.has_value();
  }

  bool take_attributes() {
    if (rest_.empty()) return false;
    rest_ = rest_.subspan(1);
    return true;
  }

  bool take_sized(std::optional<BytesView>& bytes) {
    int64_t size;
    if (!take(size) || size < -1 || size > static_cast<int64_t>(rest_.size())) return false;
    bytes.reset();
    if (size == -1) return true;
    bytes = rest_.first(static_cast<size_t>(size));
    rest_ = rest_.subspan(static_cast<size_t>(size));
    return true;
  }

  bool take_headers(std::vector<HeaderView>& headers) {
    int64_t count;
    headers.clear();
    constexpr int64_t header_bytes_min = 2;
    if (!take(count) || count < 0 || count > static_cast<int64_t>(rest_.size()) / header_bytes_min)
      return false;
    headers.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      std::optional<BytesView> name;
      std::optional<BytesView> value;
      if (!take_sized(name) || !name || !take_sized(value)) return false;
      headers.push_back({as_text(*name), value});
    }
    return true;
  }

  [[nodiscard]] BytesView rest() const { return rest_; }

 private:
  BytesView rest_;
};

// What a batch says about the records in it.
struct Frame {
  int64_t base_offset;
  int32_t last_offset_delta;
  int64_t base_timestamp;
};

bool read_record(BytesView body, const Frame& frame, int64_t& offset_delta, StoredRecord& record) {
  RecordReader reader(body);
  int64_t timestamp_delta;
  int64_t previous = offset_delta;
  if (!reader.take_attributes() || !reader.take(timestamp_delta) || !reader.take(offset_delta)) return false;
  if (offset_delta <= previous || offset_delta > frame.last_offset_delta) return false;
  int64_t timestamp;
  if (__builtin_add_overflow(frame.base_timestamp, timestamp_delta, &timestamp)) return false;
  record.timestamp = WallTime(std::chrono::milliseconds(timestamp));
  record.offset = Offset(frame.base_offset + offset_delta);
  return reader.take_sized(record.key) && reader.take_sized(record.value) &&
         reader.take_headers(record.headers) && reader.rest().empty();
}

// The records of a batch, which lie in `rest` uncompressed.
Result<void> walk(const BatchView& batch, BytesView rest,
                  const std::function<bool(const StoredRecord&)>& each) {
  Frame frame{batch.base_offset().value(), load<int32_t>(batch.bytes(), at::last_offset_delta),
              load<int64_t>(batch.bytes(), at::base_timestamp)};
  StoredRecord record;
  int64_t offset_delta = -1;
  for (int32_t i = 0; i < batch.record_count(); ++i) {
    auto size = take_varint(rest);
    if (!size || *size < 0 || *size > static_cast<int64_t>(rest.size()) ||
        !read_record(rest.first(static_cast<size_t>(*size)), frame, offset_delta, record)) {
      return error(ErrorCode::corrupt, "record {} of the batch at offset {} is malformed", i,
                   batch.base_offset());
    }
    rest = rest.subspan(static_cast<size_t>(*size));
    if (!each(record)) return {};
  }
  if (rest.empty()) return {};
  return error(ErrorCode::corrupt, "{} bytes follow the last record of the batch at offset {}", rest.size(),
               batch.base_offset());
}

}  // namespace

Result<size_t> batch_size(BytesView header) {
  if (header.size() < batch_header_bytes) {
    return error(ErrorCode::corrupt, "a record batch has at least {} bytes; {} are left", batch_header_bytes,
                 header.size());
  }
  if (auto magic = load<int8_t>(header, at::magic); magic != 2) {
    return error(ErrorCode::corrupt, "magic {} instead of 2 at byte 16 of a record batch", magic);
  }
  int64_t total = int64_t{load<int32_t>(header, at::batch_length)} + static_cast<int64_t>(at::length_ends);
  if (total < static_cast<int64_t>(batch_header_bytes)) {
    return error(ErrorCode::corrupt, "a record batch says it has {} bytes", total);
  }
  return static_cast<size_t>(total);
}

Result<BatchView> BatchView::parse(BytesView bytes) {
  auto total = batch_size(bytes);
  if (!total) return std::unexpected(total.error());
  if (*total > bytes.size()) {
    return error(ErrorCode::corrupt, "a record batch says it has {} bytes; {} are there", *total,
                 bytes.size());
  }
  BatchView batch(bytes.first(*total));
  int32_t delta = load<int32_t>(bytes, at::last_offset_delta);
  if (delta < 0 || batch.base_offset().value() < 0 ||
      batch.base_offset().value() > std::numeric_limits<int64_t>::max() - delta - 1) {
    return error(ErrorCode::corrupt, "a record batch from offset {} with last offset delta {}",
                 batch.base_offset(), delta);
  }
  if (batch.record_count() < 0 || batch.record_count() > int64_t{delta} + 1) {
    return error(ErrorCode::corrupt, "a record batch counts {} records in {} offsets", batch.record_count(),
                 int64_t{delta} + 1);
  }
  return batch;
}

Offset BatchView::base_offset() const { return Offset(load<int64_t>(bytes_, at::base_offset)); }
Offset BatchView::last_offset() const { return base_offset() + load<int32_t>(bytes_, at::last_offset_delta); }
LeaderEpoch BatchView::leader_epoch() const { return LeaderEpoch(load<int32_t>(bytes_, at::leader_epoch)); }
int32_t BatchView::record_count() const { return load<int32_t>(bytes_, at::record_count); }
WallTime BatchView::base_timestamp() const {
  return WallTime(std::chrono::milliseconds(load<int64_t>(bytes_, at::base_timestamp)));
}
WallTime BatchView::max_timestamp() const {
  return WallTime(std::chrono::milliseconds(load<int64_t>(bytes_, at::max_timestamp)));
}

ProducerStamp BatchView::producer() const {
  return {ProducerId(load<int64_t>(bytes_, at::producer_id)),
          ProducerEpoch(load<int16_t>(bytes_, at::producer_epoch)), load<int32_t>(bytes_, at::base_sequence)};
}

bool BatchView::is_compressed() const {
  return (load<int16_t>(bytes_, at::attributes) & at::compression_mask) != 0;
}
std::optional<WallTime> BatchView::delete_horizon() const {
  if ((load<int16_t>(bytes_, at::attributes) & at::delete_horizon_flag) == 0) return std::nullopt;
  return base_timestamp();
}

Result<void> BatchView::verify() const {
  uint32_t stored = load<uint32_t>(bytes_, at::crc);
  uint32_t computed = crc32c(bytes_.subspan(at::attributes));
  if (stored != computed) {
    return error(ErrorCode::corrupt,
                 "CRC-32C of the record batch at offset {} is {:08x}; its bytes give {:08x}", base_offset(),
                 stored, computed);
  }
  return {};
}

Result<void> BatchView::for_each(const std::function<bool(const StoredRecord&)>& each) const {
  BytesView records = bytes_.subspan(at::records);
  if (!is_compressed()) return walk(*this, records, each);
  auto compression = static_cast<Compression>(load<int16_t>(bytes_, at::attributes) & at::compression_mask);
  auto plain = uncompress(compression, records, uncompressed_bytes_max);
  if (plain) return walk(*this, *plain, each);
  return error(plain.error().code, "the record batch at offset {}: {}", base_offset(), plain.error().message);
}

Result<Bytes> uncompressed_batch(const BatchView& batch) {
  auto attributes = load<int16_t>(batch.bytes(), at::attributes);
  auto compression = static_cast<Compression>(attributes & at::compression_mask);
  auto plain = uncompress(compression, batch.bytes().subspan(at::records), uncompressed_bytes_max);
  if (!plain) return std::unexpected(plain.error());
  Bytes bytes(batch.bytes().begin(), batch.bytes().begin() + at::records);
  bytes.insert(bytes.end(), plain->begin(), plain->end());
  store<int16_t>(bytes, at::attributes, static_cast<int16_t>(attributes & ~at::compression_mask));
  store<int32_t>(bytes, at::batch_length, static_cast<int32_t>(bytes.size() - at::length_ends));
  store<uint32_t>(bytes, at::crc, crc32c(BytesView(bytes).subspan(at::attributes)));
  return bytes;
}

void set_base_offset(std::span<uint8_t> batch, Offset base) {
  store<int64_t>(batch, at::base_offset, base.value());
}

void set_leader_epoch(std::span<uint8_t> batch, LeaderEpoch epoch) {
  store<int32_t>(batch, at::leader_epoch, epoch.value());
}

void set_producer(std::span<uint8_t> batch, const ProducerStamp& producer) {
  store<int64_t>(batch, at::producer_id, producer.id.value());
  store<int16_t>(batch, at::producer_epoch, producer.epoch.value());
  store<int32_t>(batch, at::base_sequence, producer.base_sequence);
  store<uint32_t>(batch, at::crc, crc32c(BytesView(batch).subspan(at::attributes)));
}

}  // namespace pabal::log
