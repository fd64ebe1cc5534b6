#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "broker/broker_fixture.h"
#include "log/batch_layout.h"
#include "log/big_endian.h"

namespace pabal::broker {
namespace {

namespace at = log::batch_layout;

class AppendTest : public BrokerFixture {
 protected:
  void SetUp() override {
    BrokerFixture::SetUp();
    ASSERT_TRUE(shards.run(broker->put_topic("orders", {.partitions = 2})));
    shards.settle();
  }

  // A batch whose records have these keys.
  static Bytes batch_of(std::string_view keys) {
    log::BatchBuilder builder;
    for (size_t i = 0; i < keys.size(); ++i) {
      BytesView key = as_bytes(keys.substr(i, 1));
      builder.add({.key = key, .value = key, .timestamp = WallTime(std::chrono::milliseconds(1000 + i))});
    }
    return builder.finish();
  }
  static void seal(Bytes& batch) {
    log::store<uint32_t>(batch, at::crc, crc32c(BytesView(batch).subspan(at::attributes)));
  }

  AppendResult append(std::vector<std::pair<int, Bytes>> batches) {
    AppendBatches call{.topic = "orders", .service = "shop"};
    for (auto& [partition, batch] : batches) {
      call.parts.push_back({PartitionIndex(partition), std::move(batch)});
    }
    auto done = shards.run(broker->append(std::move(call)));
    EXPECT_TRUE(done) << done.error().message;
    shards.settle();
    return done ? std::move(*done) : AppendResult();
  }
  // What appending this one batch to partition 0 says.
  ErrorCode refusal(Bytes batch) {
    AppendResult result = append({{0, std::move(batch)}});
    EXPECT_TRUE(result.size() == 1 && !result[0]);
    EXPECT_EQ(shards.run(broker->topic("orders"))->partitions[0].range.next, Offset(0));
    return result.at(0).error().code;
  }
  std::vector<SharedBytes> stored(int partition) {
    auto read = shards.run(broker->read({"orders", PartitionIndex(partition), Offset(0)}));
    EXPECT_TRUE(read) << read.error().message;
    return read ? read->batches : std::vector<SharedBytes>();
  }
};

TEST_F(AppendTest, ABatchIsStoredAsItCame) {
  Bytes batch = batch_of("abc");
  log::set_base_offset(batch, Offset(77));  // not for the client to say
  AppendResult result = append({{1, batch}, {1, batch_of("d")}});
  ASSERT_TRUE(result[0]) << result[0].error().message;
  EXPECT_EQ(result[0]->base, Offset(0));
  ASSERT_FALSE(result[1]);  // the same partition twice
  result = append({{1, batch}});
  EXPECT_EQ(result[0]->base, Offset(3));
  auto batches = stored(1);
  ASSERT_EQ(batches.size(), 2u);
  log::set_base_offset(batch, Offset(3));
  EXPECT_TRUE(std::ranges::equal(batches[1].view(), batch));
}

TEST_F(AppendTest, ASoundBatchIsStoredBesideARefusedOne) {
  Bytes torn = batch_of("x");
  torn.back() ^= 1;
  AppendResult result = append({{0, torn}, {1, batch_of("a")}, {2, batch_of("b")}});
  EXPECT_EQ(result[0].error().code, ErrorCode::corrupt);
  EXPECT_TRUE(result[1]);
  EXPECT_EQ(result[2].error().code, ErrorCode::not_found);
  EXPECT_TRUE(stored(0).empty());
  EXPECT_EQ(stored(1).size(), 1u);
}

TEST_F(AppendTest, WhatCannotBeReadOrKeptIsRefused) {
  Bytes cut = batch_of("abc");
  cut.resize(cut.size() - 1);
  EXPECT_EQ(refusal(cut), ErrorCode::corrupt);
  EXPECT_EQ(refusal({}), ErrorCode::corrupt);

  Bytes old = batch_of("a");
  old[at::magic] = 1;
  EXPECT_EQ(refusal(old), ErrorCode::corrupt);

  Bytes two = batch_of("a");
  Bytes more = batch_of("b");
  two.insert(two.end(), more.begin(), more.end());
  EXPECT_EQ(refusal(two), ErrorCode::invalid);

  Bytes zipped = batch_of("a");
  log::store<int16_t>(zipped, at::attributes, 1);  // it is not
  seal(zipped);
  EXPECT_EQ(refusal(zipped), ErrorCode::corrupt);
  log::store<int16_t>(zipped, at::attributes, 5);
  seal(zipped);
  EXPECT_EQ(refusal(zipped), ErrorCode::unsupported);
  log::store<int16_t>(zipped, at::attributes, 0x10);  // of a transaction
  seal(zipped);
  EXPECT_EQ(refusal(zipped), ErrorCode::unsupported);

  Bytes idempotent = batch_of("a");
  log::store<int64_t>(idempotent, at::producer_id, 5);
  seal(idempotent);
  EXPECT_EQ(refusal(idempotent), ErrorCode::invalid);  // without epoch and sequence

  Bytes holes = batch_of("a");
  log::store<int32_t>(holes, at::last_offset_delta, 4);
  seal(holes);
  EXPECT_EQ(refusal(holes), ErrorCode::invalid);

  Bytes malformed = batch_of("a");
  malformed[log::batch_header_bytes] += 2;  // the record's length
  seal(malformed);
  EXPECT_EQ(refusal(malformed), ErrorCode::corrupt);
}

TEST_F(AppendTest, ARecordTooLargeForOtherDoorsIsRefused) {
  Bytes large(record_bytes_max + 1);
  log::BatchBuilder builder;
  builder.add({.value = BytesView(large)});
  EXPECT_EQ(refusal(builder.finish()), ErrorCode::too_large);
}

TEST_F(AppendTest, ATopicThatStampsRecordsStampsThese) {
  ASSERT_TRUE(shards.run(broker->put_topic("orders", {.timestamps = Timestamps::append})));
  shards.settle();
  ASSERT_TRUE(append({{0, batch_of("ab")}})[0]);
  auto batches = stored(0);
  ASSERT_EQ(batches.size(), 1u);
  auto batch = log::BatchView::parse(batches[0].view());
  EXPECT_TRUE(batch->verify());
  EXPECT_EQ(batch->max_timestamp(), batch->base_timestamp());
  EXPECT_NE(batch->max_timestamp(), WallTime(std::chrono::milliseconds(1001)));
}

TEST_F(AppendTest, ALargeBatchAndOneWithoutIdsAreToldAsAWhole) {
  log::BatchBuilder bare;
  for (int i = 0; i < 3; ++i) bare.add({.value = as_bytes("v")});
  append({{0, bare.finish()}});
  append({{0, batch_of(std::string(records_told_max + 1, 'k'))}, {1, batch_of("ab")}});
  EXPECT_THAT(observer.lines,
              testing::IsSupersetOf({"shop published 3 records to orders/0",
                                     "shop published 101 records to orders/0 with ids",
                                     "shop published orders/1/0", "shop published orders/1/1"}));
  EXPECT_THAT(observer.lines, testing::Not(testing::Contains("shop published orders/0/0")));
}

// Requests hold several batches; one that has little of its request would keep all of it in memory.
TEST_F(AppendTest, ALargePartOfARequestIsStoredWhereItLies) {
  Bytes batch = batch_of("abc");
  Bytes request = joined(std::array<BytesView, 3>{batch, batch, Bytes(batch.size() * 6 + 7)});  // an eighth
  Bytes larger = joined(std::array<BytesView, 2>{batch, Bytes(batch.size() * 8)});
  AppendBatches call{.topic = "orders"};
  SharedBytes held(std::move(request));
  SharedBytes held_larger(std::move(larger));
  call.parts.push_back({PartitionIndex(0), OwnedBytes::take(held.window(batch.size(), batch.size()))});
  call.parts.push_back({PartitionIndex(1), OwnedBytes::take(held_larger.window(0, batch.size()))});
  auto done = shards.run(broker->append(std::move(call)));
  ASSERT_TRUE(done && (*done)[0] && (*done)[1]);
  EXPECT_EQ(stored(0).at(0).view().data(), held.view().data() + batch.size());
  EXPECT_NE(stored(1).at(0).view().data(), held_larger.view().data());
  EXPECT_TRUE(std::ranges::equal(stored(1).at(0).view(), stored(0).at(0).view()));
}

// The memory of a topic in memory is counted by its batches.
TEST_F(AppendTest, NothingOfARequestIsHeldInMemoryTopics) {
  ASSERT_TRUE(shards.run(broker->put_topic("quick", {.durability = Durability::memory})));
  SharedBytes held(batch_of("abc"));
  AppendBatches call{.topic = "quick"};
  call.parts.push_back({PartitionIndex(0), OwnedBytes::take(held)});
  auto done = shards.run(broker->append(std::move(call)));
  ASSERT_TRUE(done && (*done)[0]);
  auto read = shards.run(broker->read({"quick", PartitionIndex(0), Offset(0)}));
  ASSERT_TRUE(read && read->batches.size() == 1u);
  EXPECT_NE(read->batches[0].view().data(), held.view().data());
}

TEST_F(AppendTest, ATopicIsNotMade) {
  AppendBatches call{.topic = "nothing"};
  call.parts.push_back({PartitionIndex(0), Bytes()});
  auto done = shards.run(broker->append(std::move(call)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::not_found);
}

TEST_F(AppendTest, AQueueGetsTheRecords) {
  put_queue("mail", {.topic = "orders"});
  append({{0, batch_of("ab")}});
  EXPECT_EQ(bodies(receive("mail")), "a b");
}

TEST_F(AppendTest, a_compacted_topic_takes_no_batch_with_a_record_that_has_no_key) {
  ASSERT_TRUE(shards.run(broker->put_topic("orders", {.cleanup = Cleanup::compact})));
  shards.settle();
  log::BatchBuilder builder;
  builder.add({.key = as_bytes("a"), .value = as_bytes("v")});
  builder.add({.value = as_bytes("v")});
  auto result = append({{0, batch_of("ab")}, {1, builder.finish()}});
  EXPECT_TRUE(result[0]);
  ASSERT_FALSE(result[1]);
  EXPECT_EQ(result[1].error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace pabal::broker
