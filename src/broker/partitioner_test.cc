#include "broker/partitioner.h"

#include <gtest/gtest.h>

namespace pabal::broker {
namespace {

// The values of UtilsTest.testMurmur2 in Apache Kafka's clients.
TEST(murmur2, is_that_of_kafkas_java_client) {
  auto signed_hash = [](std::string_view text) { return static_cast<int32_t>(murmur2(as_bytes(text))); };
  EXPECT_EQ(signed_hash("21"), -973932308);
  EXPECT_EQ(signed_hash("foobar"), -790332482);
  EXPECT_EQ(signed_hash("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(signed_hash("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(signed_hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
  EXPECT_EQ(signed_hash("abc"), 479470107);
}

TEST(partition_of_key, clears_the_sign_and_stays_in_range) {
  EXPECT_EQ(partition_of_key(as_bytes("21"), 7).value(), (-973932308 & 0x7fffffff) % 7);
  for (int i = 0; i < 100; ++i) {
    std::string key = std::to_string(i);
    EXPECT_LT(partition_of_key(as_bytes(key), 3).value(), 3);
  }
}

}  // namespace
}  // namespace pabal::broker
