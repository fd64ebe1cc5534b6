#include <gtest/gtest.h>

#include "doors/kafka/kafka_fixture.h"
#include "log/record_batch.h"

namespace pabal::doors {
namespace {

constexpr int16_t version = 10;
constexpr int64_t highest_time = -3;

class ListOffsetsTest : public KafkaFixture {
 protected:
  // One record for each time, in batches of `each`.
  void publish_at(const std::vector<int64_t>& times, size_t each) {
    for (size_t i = 0; i < times.size(); i += each) {
      log::BatchBuilder batch;
      for (size_t j = i; j < std::min(i + each, times.size()); ++j) {
        batch.add({.value = as_bytes("v"), .timestamp = WallTime(std::chrono::milliseconds(times[j]))});
      }
      broker::AppendBatches call{.topic = "orders"};
      call.parts.push_back({PartitionIndex(0), batch.finish()});
      ASSERT_TRUE(shards.run(broker->append(std::move(call))));
    }
  }
  // "offset at time"
  std::string find(int64_t time) {
    kafka::ListOffsetsRequest request;
    request.topics.push_back({.name = "orders"});
    request.topics.back().partitions.push_back(
        {.partition_index = PartitionIndex(0), .timestamp = kafka::Timestamp(time)});
    auto found = ask(list_offsets, std::move(request), version).topics.at(0).partitions.at(0);
    EXPECT_EQ(found.error_code, kafka::KafkaError::none);
    return fmt::format("{} at {}", found.offset, found.timestamp);
  }
};

TEST_F(ListOffsetsTest, the_highest_time_is_that_of_its_first_record) {
  make("orders");
  EXPECT_EQ(find(highest_time), "-1 at -1");
  publish_at({5, 900, 7, 900, 3}, 2);
  EXPECT_EQ(find(highest_time), "1 at 900");
  EXPECT_EQ(find(6), "1 at 900");
}

TEST_F(ListOffsetsTest, the_highest_time_may_be_one_to_come) {
  make("orders");
  int64_t now = shards.at(0).timers().clock().wall_now().time_since_epoch().count();
  publish_at({now, 3 * now, now + 1}, 3);
  EXPECT_EQ(find(highest_time), fmt::format("1 at {}", 3 * now));
  constexpr int64_t far = int64_t{1} << 60;
  publish_at({far, 1}, 1);
  EXPECT_EQ(find(highest_time), fmt::format("3 at {}", far));
}

}  // namespace
}  // namespace pabal::doors
