#include "protocol/kafka/consumer_protocol.h"

#include <gtest/gtest.h>

namespace pabal::kafka {
namespace {

// Version 1 of both, as librdkafka writes them: topic "orders", partitions 0 and 2, user data.
const Bytes subscription = {0, 1, 0, 0, 0, 1, 0, 6, 'o', 'r', 'd', 'e', 'r', 's', 0, 0, 0, 0, 0, 0, 0, 0};
const Bytes assignment = {0, 1, 0, 0, 0, 1, 0, 6, 'o', 'r', 'd', 'e',  'r',  's',  0,
                          0, 0, 2, 0, 0, 0, 0, 0, 0,   0,   2,   0xff, 0xff, 0xff, 0xff};

TEST(ConsumerProtocol, says_what_is_read_and_by_whom) {
  EXPECT_EQ(read_subscription(subscription).value(), std::vector<std::string>{"orders"});
  std::vector<AssignedTopic> wanted = {{"orders", {PartitionIndex(0), PartitionIndex(2)}}};
  EXPECT_EQ(read_assignment(assignment).value(), wanted);
  EXPECT_TRUE(read_assignment({}).value().empty());
}

TEST(ConsumerProtocol, refuses_what_is_cut_short_or_counts_more_than_there_is) {
  for (size_t cut = 1; cut < 26; ++cut) {
    EXPECT_FALSE(read_assignment(BytesView(assignment).first(cut))) << cut;
  }
  for (size_t cut = 1; cut < 14; ++cut) {
    EXPECT_FALSE(read_subscription(BytesView(subscription).first(cut))) << cut;
  }
  Bytes many = assignment;
  many[2] = 0x7f;
  EXPECT_FALSE(read_assignment(many));
  many[2] = 0xff;
  EXPECT_FALSE(read_assignment(many));
  many = assignment;
  many[6] = 0xff;
  EXPECT_FALSE(read_assignment(many));
  many = assignment;
  many[0] = 0xff;
  EXPECT_FALSE(read_assignment(many));
}

}  // namespace
}  // namespace pabal::kafka
