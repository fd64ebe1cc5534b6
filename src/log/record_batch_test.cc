#include "log/record_batch.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/random.h"
#include "log/batch_layout.h"
#include "log/big_endian.h"

namespace pabal::log {
namespace {

namespace at = batch_layout;

WallTime ms(int64_t n) { return WallTime(std::chrono::milliseconds(n)); }

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// The records of the golden batch.
std::vector<RecordView> golden_records(const std::string& long_value) {
  return {
      {.key = as_bytes("order-1"),
       .value = as_bytes(R"({"total":"12.50"})"),
       .headers = {{"ce_type", as_bytes("OrderPaid")}, {"traceparent", std::nullopt}},
       .timestamp = ms(1700000000123)},
      {.value = as_bytes("no key"), .timestamp = ms(1700000000100)},
      {.key = as_bytes("order-1"), .timestamp = ms(1700000001000)},
      {.key = as_bytes(""),
       .value = as_bytes(long_value),
       .headers = {{"h", as_bytes("")}},
       .timestamp = ms(1700000000124)},
  };
}

// The same records as kafka-python 3.0.12 encodes them (DefaultRecordBatchBuilder, magic 2, no compression).
constexpr std::string_view golden_hex =
    "00000000000000000000015f0000000002786069bf0000000000030000018bcfe5687b0000018bcfe56be8ffffffffffffff"
    "ffffffffffffff000000047a0000000e6f726465722d31227b22746f74616c223a2231322e3530227d040e63655f74797065"
    "124f7264657250616964167472616365706172656e740118002d02010c6e6f206b6579001c00da0d040e6f726465722d3101"
    "00a4030002060090037878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "7878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "7878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "7878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
    "78787878787878787802026800";

Bytes sample_batch() {
  BatchBuilder builder;
  std::string value(200, 'x');
  for (const RecordView& record : golden_records(value)) builder.add(record);
  return builder.finish();
}

void reseal(Bytes& batch) {
  store<uint32_t>(batch, at::crc, crc32c(BytesView(batch).subspan(at::attributes)));
}

// Everything that reads a batch, on bytes that may be anything.
bool reads_whole(BytesView bytes) {
  auto batch = BatchView::parse(bytes);
  if (!batch || !batch->verify()) return false;
  return batch->for_each([](const StoredRecord&) { return true; }).has_value();
}

bool same(const std::optional<BytesView>& a, const std::optional<BytesView>& b) {
  return a.has_value() == b.has_value() && (!a || as_text(*a) == as_text(*b));
}

void expect_same(const RecordView& a, const RecordView& b) {
  EXPECT_TRUE(same(a.key, b.key));
  EXPECT_TRUE(same(a.value, b.value));
  EXPECT_EQ(a.timestamp, b.timestamp);
  ASSERT_EQ(a.headers.size(), b.headers.size());
  for (size_t i = 0; i < a.headers.size(); ++i) {
    EXPECT_EQ(a.headers[i].name, b.headers[i].name);
    EXPECT_TRUE(same(a.headers[i].value, b.headers[i].value));
  }
}

TEST(RecordBatch, what_kafka_python_wrote_reads_as_the_same_records) {
  Bytes bytes = from_hex(golden_hex);
  auto batch = BatchView::parse(bytes);
  ASSERT_TRUE(batch) << batch.error().message;
  ASSERT_TRUE(batch->verify()) << batch->verify().error().message;
  EXPECT_EQ(batch->record_count(), 4);
  EXPECT_EQ(batch->max_timestamp(), ms(1700000001000));
  std::string value(200, 'x');
  auto expected = golden_records(value);
  size_t i = 0;
  ASSERT_TRUE(batch->for_each([&](const StoredRecord& record) {
    expect_same(record, expected.at(i));
    EXPECT_EQ(record.offset, Offset(static_cast<int64_t>(i)));
    ++i;
    return true;
  }));
  EXPECT_EQ(i, 4u);
}

TEST(RecordBatch, is_written_as_kafka_python_writes_it) {
  Bytes theirs = from_hex(golden_hex);
  Bytes ours = sample_batch();
  set_leader_epoch(ours, BatchView::parse(theirs)->leader_epoch());
  EXPECT_EQ(ours, theirs);
}

TEST(RecordBatch, builder_is_empty_after_finish_and_knows_its_size) {
  BatchBuilder builder;
  builder.add({.value = as_bytes("a"), .timestamp = ms(1)});
  size_t size = builder.size();
  EXPECT_EQ(builder.finish().size(), size);
  EXPECT_EQ(builder.record_count(), 0);
  builder.add({.value = as_bytes("b"), .timestamp = ms(7)});
  Bytes second = builder.finish();
  EXPECT_EQ(BatchView::parse(second)->base_timestamp(), ms(7));
}

TEST(RecordBatch, offset_and_epoch_are_filled_in_without_a_new_crc) {
  Bytes bytes = sample_batch();
  set_base_offset(bytes, Offset(1'000'000'000'000));
  set_leader_epoch(bytes, LeaderEpoch(7));
  auto batch = BatchView::parse(bytes);
  ASSERT_TRUE(batch && batch->verify());
  EXPECT_EQ(batch->base_offset(), Offset(1'000'000'000'000));
  EXPECT_EQ(batch->next_offset(), Offset(1'000'000'000'004));
  EXPECT_EQ(batch->leader_epoch(), LeaderEpoch(7));
}

TEST(RecordBatch, for_each_stops_when_told) {
  Bytes bytes = sample_batch();
  int seen = 0;
  ASSERT_TRUE(BatchView::parse(bytes)->for_each([&](const StoredRecord&) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST(RecordBatch, view_ends_where_the_batch_ends) {
  Bytes bytes = sample_batch();
  size_t size = bytes.size();
  bytes.resize(size + 100, 0xee);
  EXPECT_EQ(BatchView::parse(bytes)->bytes().size(), size);
}

TEST(RecordBatch, every_truncation_is_refused) {
  Bytes whole = sample_batch();
  for (size_t size = 0; size < whole.size(); ++size) {
    Bytes cut(whole.begin(),
              whole.begin() + static_cast<ptrdiff_t>(size));  // exact, so that asan sees over-reads
    EXPECT_FALSE(BatchView::parse(cut)) << size;
  }
}

TEST(RecordBatch, every_truncation_that_claims_to_be_whole_is_refused) {
  Bytes whole = sample_batch();
  for (size_t size = batch_header_bytes; size < whole.size(); ++size) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    store<int32_t>(cut, at::batch_length, static_cast<int32_t>(size - at::length_ends));
    reseal(cut);
    auto batch = BatchView::parse(cut);
    ASSERT_TRUE(batch && batch->verify()) << size;
    auto read = batch->for_each([](const StoredRecord&) { return true; });
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code, ErrorCode::corrupt);
  }
}

TEST(RecordBatch, every_flipped_bit_under_the_crc_is_found) {
  Bytes whole = sample_batch();
  for (size_t i = at::crc; i < whole.size(); ++i) {
    Bytes bytes = whole;
    bytes[i] ^= static_cast<uint8_t>(1u << (i % 8));
    EXPECT_FALSE(reads_whole(bytes)) << i;
  }
}

TEST(RecordBatch, hostile_bytes_with_a_right_crc_do_no_harm) {
  Random random(1);
  Bytes whole = sample_batch();
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = whole;
    for (uint64_t n = 1 + random.below(4); n > 0; --n) {
      bytes[at::attributes + random.below(bytes.size() - at::attributes)] =
          static_cast<uint8_t>(random.next());
    }
    reseal(bytes);
    reads_whole(bytes);
  }
}

TEST(RecordBatch, an_absurd_header_field_is_refused) {
  struct Case {
    size_t position;
    int64_t value;
    size_t size;
  };
  for (Case c :
       {Case{at::batch_length, -1, 4}, Case{at::batch_length, 48, 4},
        Case{at::batch_length, std::numeric_limits<int32_t>::max(), 4}, Case{at::magic, 1, 1},
        Case{at::last_offset_delta, -1, 4}, Case{at::record_count, -1, 4}, Case{at::record_count, 5, 4},
        Case{at::base_offset, -1, 8}, Case{at::base_offset, std::numeric_limits<int64_t>::max() - 1, 8}}) {
    Bytes bytes = sample_batch();
    if (c.size == 1) store<int8_t>(bytes, c.position, static_cast<int8_t>(c.value));
    if (c.size == 4) store<int32_t>(bytes, c.position, static_cast<int32_t>(c.value));
    if (c.size == 8) store<int64_t>(bytes, c.position, c.value);
    auto batch = BatchView::parse(bytes);
    ASSERT_FALSE(batch) << c.position << " " << c.value;
    EXPECT_EQ(batch.error().code, ErrorCode::corrupt);
  }
}

TEST(RecordBatch, a_timestamp_that_overflows_is_refused) {
  Bytes bytes = sample_batch();
  store<int64_t>(bytes, at::base_timestamp, std::numeric_limits<int64_t>::max());
  reseal(bytes);
  EXPECT_FALSE(reads_whole(bytes));
}

TEST(RecordBatch, a_batch_that_only_says_it_is_compressed_is_corrupt) {
  Bytes bytes = sample_batch();
  store<int16_t>(bytes, at::attributes, 4);
  reseal(bytes);
  auto read = BatchView::parse(bytes)->for_each([](const StoredRecord&) { return true; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::corrupt);
}

TEST(find_header, gives_the_first_of_that_name) {
  RecordView record{.headers = {{"a", as_bytes("1")}, {"b", std::nullopt}, {"a", as_bytes("2")}}};
  EXPECT_EQ(as_text(*find_header(record, "a")->value), "1");
  EXPECT_FALSE(find_header(record, "b")->value);
  EXPECT_EQ(find_header(record, "c"), nullptr);
}

// -- compaction

TEST(RetainedBatch, keeps_offsets_times_headers_and_the_range_of_the_batch) {
  BatchBuilder builder;
  auto at = [](int64_t n) { return WallTime(std::chrono::milliseconds(n)); };
  builder.add({.key = as_bytes("a"), .value = as_bytes("1"), .timestamp = at(1000)});
  builder.add({.key = as_bytes("b"), .headers = {{"h", std::nullopt}}, .timestamp = at(900)});
  builder.add({.key = as_bytes("c"), .value = as_bytes("3"), .timestamp = at(1100)});
  Bytes bytes = builder.finish();
  set_base_offset(bytes, Offset(70));
  auto batch = BatchView::parse(bytes);
  for (std::optional<WallTime> horizon : {std::optional<WallTime>(), std::optional(at(5'000'000))}) {
    std::vector<StoredRecord> kept;
    ASSERT_TRUE(batch->for_each([&](const StoredRecord& record) {
      if (record.offset != Offset(70)) kept.push_back(record);
      return true;
    }));
    Bytes rest = retained_batch(*batch, kept, horizon);
    auto left = BatchView::parse(rest);
    ASSERT_TRUE(left && left->verify());
    EXPECT_EQ(left->base_offset(), Offset(70));
    EXPECT_EQ(left->next_offset(), Offset(73));
    EXPECT_EQ(left->record_count(), 2);
    EXPECT_EQ(left->max_timestamp(), at(1100));
    EXPECT_EQ(left->delete_horizon(), horizon);
    std::vector<std::pair<int64_t, int64_t>> seen;
    ASSERT_TRUE(left->for_each([&](const StoredRecord& record) {
      seen.emplace_back(record.offset.value(), record.timestamp.time_since_epoch().count());
      EXPECT_EQ(record.headers.size(), record.key && as_text(*record.key) == "b" ? 1 : 0);
      return true;
    }));
    EXPECT_EQ(seen, (std::vector<std::pair<int64_t, int64_t>>{{71, 900}, {72, 1100}}));
  }
}

TEST(RetainedBatch, takes_times_of_a_forged_batch_that_are_as_far_apart_as_can_be) {
  BatchBuilder builder;
  builder.add({.key = as_bytes("a"), .value = as_bytes("1")});
  Bytes bytes = builder.finish();
  store<int64_t>(bytes, at::base_timestamp, std::numeric_limits<int64_t>::min());
  auto batch = BatchView::parse(bytes);
  ASSERT_TRUE(batch);
  for (std::optional<WallTime> horizon : {std::optional<WallTime>(), std::optional(WallTime::min())}) {
    StoredRecord record;
    record.key = as_bytes("a");
    record.timestamp = WallTime::max();
    Bytes rest = retained_batch(*batch, {{record}}, horizon);
    auto left = BatchView::parse(rest);
    ASSERT_TRUE(left && left->verify());
    EXPECT_EQ(left->max_timestamp().time_since_epoch().count(), int64_t{1} << 61);
  }
}

TEST(BatchBuilder, takes_times_that_are_as_far_apart_as_can_be) {
  BatchBuilder builder;
  for (WallTime time : {WallTime::min(), WallTime(), WallTime::max()}) builder.add({.timestamp = time});
  Bytes bytes = builder.finish();
  auto batch = BatchView::parse(bytes);
  ASSERT_TRUE(batch && batch->verify());
  std::vector<WallTime> times;
  ASSERT_TRUE(batch->for_each([&](const StoredRecord& record) {
    times.push_back(record.timestamp);
    return true;
  }));
  ASSERT_EQ(times.size(), 3u);
  EXPECT_EQ(times[1], WallTime());
  EXPECT_EQ(times[2].time_since_epoch().count(), int64_t{1} << 61);
  EXPECT_EQ(batch->max_timestamp(), times[2]);
}

}  // namespace
}  // namespace pabal::log
