#include "shop/money/money.h"

#include <gtest/gtest.h>

namespace shop {
namespace {

std::string printed(std::string_view text) {
  auto money = Money::parse(text);
  return money ? money->to_string() : "refused";
}

TEST(Money, KeepsEveryDecimalPlace) {
  EXPECT_EQ(printed("2.55"), "2.55");
  EXPECT_EQ(printed("2.1"), "2.10");
  EXPECT_EQ(printed("18"), "18.00");
  EXPECT_EQ(printed("0.001"), "0.001");
  EXPECT_EQ(printed("0.123456789"), "0.123456789");
  EXPECT_EQ(printed("-11062.06"), "-11062.06");
  EXPECT_EQ(printed("-0.5"), "-0.50");
  EXPECT_EQ(printed("999999999999.999999999"), "999999999999.999999999");
}

TEST(Money, RefusesWhatIsNotAPlainDecimal) {
  for (auto text : {"", "-", ".", "1.", ".5", "1,000.00", "1e3", " 1", "1 ", "+1", "0x10", "1.2.3", "nan",
                    "--1", "1234567890123", "0.1234567891"}) {
    EXPECT_EQ(printed(text), "refused") << text;
  }
}

TEST(Money, AddsWhereFloatingPointWouldNot) {
  Money sum;
  for (int i = 0; i < 10; ++i) sum += *Money::parse("0.1");
  EXPECT_EQ(sum, Money::pounds(1));
  EXPECT_EQ((*Money::parse("13541.33") * 2880).to_string(), "38999030.40");
  EXPECT_EQ((*Money::parse("0.019") * 3).to_string(), "0.057");
}

TEST(Money, HoldsTheLargestOrderThereCanBe) {
  Money largest = *Money::parse("999999999999.999999999") * 1'000'000'000;
  EXPECT_EQ(largest.to_string(), "999999999999999999999.00");
}

TEST(Money, WholePoundsDropThePennies) {
  EXPECT_EQ(Money::parse("15.99")->whole_pounds(), 15);
  EXPECT_EQ(Money::parse("0.99")->whole_pounds(), 0);
  EXPECT_EQ(Money::parse("-15.99")->whole_pounds(), -15);
}

}  // namespace
}  // namespace shop
