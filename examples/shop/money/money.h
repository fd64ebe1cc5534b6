#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace shop {

using pabal::error;
using pabal::ErrorCode;
using pabal::Result;

// An exact amount of pounds: whole nano-pounds in 128 bits, never a floating point number. Holds the sum of
// a hundred million lines of the largest price times the largest quantity that an order may have.
class Money {
 public:
  static constexpr int decimal_places_max = 9;
  static constexpr int integer_digits_max = 12;

  constexpr Money() = default;
  static constexpr Money pounds(int64_t n) { return Money(static_cast<__int128>(n) * nanos_per_pound); }
  // "2.55", "-11062.06", "0.001", "18"; no exponent, no blanks, no thousands separators.
  static Result<Money> parse(std::string_view text);

  // At least two decimal places, more only where they are not zero: "2.10", "0.001", "-3.00".
  [[nodiscard]] std::string to_string() const;
  // Without the pennies, towards zero: what earns points.
  [[nodiscard]] int64_t whole_pounds() const { return static_cast<int64_t>(nanos_ / nanos_per_pound); }
  [[nodiscard]] bool is_zero() const { return nanos_ == 0; }
  [[nodiscard]] bool is_negative() const { return nanos_ < 0; }

  friend constexpr Money operator+(Money a, Money b) { return Money(a.nanos_ + b.nanos_); }
  friend constexpr Money operator-(Money a, Money b) { return Money(a.nanos_ - b.nanos_); }
  friend constexpr Money operator*(Money a, int64_t times) { return Money(a.nanos_ * times); }
  constexpr Money& operator+=(Money b) { return *this = *this + b; }
  constexpr Money& operator-=(Money b) { return *this = *this - b; }
  friend constexpr auto operator<=>(Money, Money) = default;

 private:
  static constexpr int64_t nanos_per_pound = 1'000'000'000;
  constexpr explicit Money(__int128 nanos) : nanos_(nanos) {}
  __int128 nanos_ = 0;
};

}  // namespace shop
