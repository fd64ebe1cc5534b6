#include <gtest/gtest.h>
#include <limits>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/random.h"
#include "base/types.h"
#include "base/units.h"

namespace pabal {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsEachUnit) {
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("1.5s").value(), 1500ms);
  EXPECT_EQ(parse_duration("7d").value(), 24h * 7);
  EXPECT_EQ(parse_duration("0s").value(), 0s);
}

TEST(Duration, RefusesWhatIsNone) {
  for (auto text : {"", "5", "s", "-1s", "1e3s", "1 s", "5 minutes", "999999d", "nan", "infs"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  EXPECT_EQ(parse_duration("5x").error().message,
            "\"5x\" is not a duration; write one like \"250ms\", \"30s\", \"5m\" or \"7d\"");
}

TEST(Duration, WrittenIsReadBack) {
  for (Duration d : {Duration(0), Duration(1500us), Duration(90s), Duration(24h * 7), Duration(2min)}) {
    EXPECT_EQ(parse_duration(format_duration(d)).value(), d) << format_duration(d);
  }
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(5min), "5m");
}

TEST(Size, ReadsAndWrites) {
  EXPECT_EQ(parse_size("64KiB").value(), 65536u);
  EXPECT_EQ(parse_size("1000").value(), 1000u);
  EXPECT_EQ(parse_size("1.5MB").value(), 1'500'000u);
  EXPECT_FALSE(parse_size("64kib"));
  EXPECT_FALSE(parse_size("-1B"));
  EXPECT_EQ(format_size(65536), "64KiB");
  EXPECT_EQ(format_size(1000), "1000B");
}

TEST(Time, ReadsRfc3339) {
  auto t = parse_time("2026-01-02T03:04:05.678Z").value();
  EXPECT_EQ(format_time(t), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(parse_time("2026-01-02T12:04:05.678+09:00").value(), t);
  EXPECT_EQ(format_time(parse_time("1969-12-31T23:59:59.999Z").value()), "1969-12-31T23:59:59.999Z");
  for (auto text :
       {"2026-01-02", "2026-02-30T00:00:00Z", "2026-01-02T03:04:05", "2026-01-02T25:00:00Z", "x"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(Time, HasYearsOfFourDigitsWhateverIsStored) {
  for (int64_t ms :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::min() + 1, int64_t{-1} << 50}) {
    EXPECT_EQ(format_time(WallTime(std::chrono::milliseconds(ms))), "0000-01-01T00:00:00.000Z");
  }
  EXPECT_EQ(format_time(WallTime::max()), "9999-12-31T23:59:59.999Z");
  EXPECT_TRUE(parse_time("0000-01-01T00:00:00Z"));
  EXPECT_TRUE(parse_time("9999-12-31T23:59:59.999Z"));
  EXPECT_FALSE(parse_time("0000-01-01T00:00:00+00:01"));
  EXPECT_FALSE(parse_time("9999-12-31T23:59:59-00:01"));
}

TEST(Uuid, WrittenIsReadBack) {
  Random random(1);
  Uuid u = Uuid::random(random);
  EXPECT_EQ(Uuid::parse(u.to_string()), u);
  EXPECT_EQ(u.to_string()[14], '4');
  EXPECT_FALSE(Uuid::parse("00000000-0000-0000-0000-00000000000g"));
  EXPECT_LT(Uuid::ordered(1000, random), Uuid::ordered(1001, random));
}

TEST(Random, SameSeedSameNumbers) {
  Random a(7);
  Random b(7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
  for (int i = 0; i < 1000; ++i) EXPECT_LT(a.below(10), 10u);
}

// RFC 3720, B.4.
TEST(Crc32c, KnownAnswers) {
  Bytes zeros(32, 0);
  EXPECT_EQ(crc32c(zeros), 0x8a9136aau);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), 0xe3069283u);
}

TEST(Error, EveryCodeIsInTheTable) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::cancelled); ++i) {
    EXPECT_FALSE(name_of(static_cast<ErrorCode>(i)).empty());
  }
  EXPECT_EQ(system_error(28, "write x").code, ErrorCode::disk_full);
}

}  // namespace
}  // namespace pabal
