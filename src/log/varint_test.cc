#include "log/varint.h"

#include <gtest/gtest.h>
#include <limits>

namespace pabal::log {
namespace {

TEST(Varint, round_trips_at_every_width) {
  for (int shift = 0; shift < 64; ++shift) {
    for (int64_t value :
         {int64_t{1} << shift, -(int64_t{1} << (shift % 63)), (int64_t{1} << (shift % 63)) - 1,
          std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(), int64_t{0}}) {
      Bytes bytes;
      put_varint(bytes, value);
      EXPECT_EQ(bytes.size(), varint_bytes(value));
      BytesView rest(bytes);
      EXPECT_EQ(take_varint(rest), value);
      EXPECT_TRUE(rest.empty());
    }
  }
}

TEST(Varint, known_encodings) {
  Bytes bytes;
  put_varint(bytes, -1);
  put_varint(bytes, 150);
  EXPECT_EQ(bytes, (Bytes{0x01, 0xac, 0x02}));
}

TEST(Varint, cut_short_or_too_long_is_refused) {
  for (const Bytes& bytes : {Bytes{}, Bytes{0x80}, Bytes(10, 0xff), Bytes(11, 0x80),
                             Bytes{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}}) {
    BytesView rest(bytes);
    EXPECT_EQ(take_varint(rest), std::nullopt);
  }
}

}  // namespace
}  // namespace pabal::log
