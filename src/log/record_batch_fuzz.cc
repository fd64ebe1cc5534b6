#include "base/crc32c.h"
#include "base/fuzz.h"
#include "log/batch_layout.h"
#include "log/big_endian.h"
#include "log/record_batch.h"

namespace pabal::log {
namespace {

void check_lies_in(BytesView part, BytesView whole) {
  check(part.empty() ||
            (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size()),
        "{} bytes of a record lie outside of its batch of {}", part.size(), whole.size());
}

bool same(const std::optional<BytesView>& a, const std::optional<BytesView>& b) {
  return a.has_value() == b.has_value() && (!a || std::ranges::equal(*a, *b));
}

bool same(const RecordView& a, const RecordView& b) {
  auto near = [](WallTime t) { return std::abs(t.time_since_epoch().count() / 2) <= int64_t{1} << 60; };
  return (a.timestamp == b.timestamp || !near(a.timestamp)) && same(a.key, b.key) && same(a.value, b.value) &&
         std::ranges::equal(a.headers, b.headers, [](const HeaderView& x, const HeaderView& y) {
           return x.name == y.name && same(x.value, y.value);
         });
}

// The records, checked against what the batch says of itself; nullopt when one is malformed.
std::optional<std::vector<StoredRecord>> records_of(const BatchView& batch) {
  std::vector<StoredRecord> records;
  auto done = batch.for_each([&](const StoredRecord& record) {
    if (batch.is_compressed()) return true;  // its records lie elsewhere, and are gone with the call
    if (record.key) check_lies_in(*record.key, batch.bytes());
    if (record.value) check_lies_in(*record.value, batch.bytes());
    for (const HeaderView& header : record.headers) {
      check_lies_in(as_bytes(header.name), batch.bytes());
      if (header.value) check_lies_in(*header.value, batch.bytes());
    }
    check(record.offset >= batch.base_offset() && record.offset <= batch.last_offset(),
          "offset {} of [{}, {}]", record.offset, batch.base_offset(), batch.last_offset());
    check(records.empty() || record.offset > records.back().offset, "offset {} comes twice", record.offset);
    records.push_back(record);
    return true;
  });
  if (!done || batch.is_compressed()) return std::nullopt;
  check(records.size() == static_cast<size_t>(batch.record_count()), "{} records of {}", records.size(),
        batch.record_count());
  return records;
}

// What was read, written and read again, is the same.
void check_round_trip(const std::vector<StoredRecord>& records) {
  BatchBuilder builder;
  for (const StoredRecord& record : records) builder.add(record);
  size_t size = builder.size();
  Bytes written = builder.finish();
  check(written.size() == size, "a batch of {} bytes said it would have {}", written.size(), size);
  auto batch = BatchView::parse(written);
  check(batch && batch->verify(), "a batch that was just built is refused");
  auto again = records_of(*batch);
  check(again && again->size() == records.size(), "a batch that was just built is malformed");
  for (size_t i = 0; i < records.size(); ++i)
    check(same(records[i], (*again)[i]), "record {} came back changed", i);
}

// So that records behind a checksum are reached at all.
Bytes with_checksum(BytesView input) {
  Bytes bytes(input.begin(), input.end());
  if (auto size = batch_size(bytes); size && *size <= bytes.size()) {
    auto covered = BytesView(bytes).first(*size).subspan(batch_layout::attributes);
    store<uint32_t>(bytes, batch_layout::crc, crc32c(covered));
  }
  return bytes;
}

}  // namespace
}  // namespace pabal::log

PABAL_FUZZ(record_batch) {
  using namespace pabal;
  if (auto raw = log::BatchView::parse(input)) (void)raw->verify();
  Bytes bytes = log::with_checksum(input);
  auto batch = log::BatchView::parse(bytes);
  if (!batch) return;
  check(batch->verify().has_value(), "the checksum was just put there");
  check(batch->bytes().size() <= bytes.size(), "a batch of {} bytes in {}", batch->bytes().size(),
        bytes.size());
  auto records = log::records_of(*batch);
  if (records && !records->empty()) log::check_round_trip(*records);
}
