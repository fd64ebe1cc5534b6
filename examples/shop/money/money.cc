#include "shop/money/money.h"

#include <algorithm>
#include <fmt/format.h>

namespace shop {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<Money> Money::parse(std::string_view text) {
  std::string_view rest = text;
  bool negative = rest.starts_with('-');
  if (negative) rest.remove_prefix(1);
  size_t point = rest.find('.');
  std::string_view whole = rest.substr(0, point);
  std::string_view part = point == std::string_view::npos ? "" : rest.substr(point + 1);
  if (!all_digits(whole) || (point != std::string_view::npos && !all_digits(part))) {
    return error(ErrorCode::invalid, "an amount is digits with at most one point, as in 2.55; read \"{}\"",
                 text);
  }
  if (whole.size() > integer_digits_max || part.size() > decimal_places_max) {
    return error(ErrorCode::invalid,
                 "an amount has at most {} digits before and {} after its point; read \"{}\"",
                 integer_digits_max, decimal_places_max, text);
  }
  __int128 nanos = 0;
  for (char c : whole) nanos = nanos * 10 + (c - '0');
  for (int place = 0; place < decimal_places_max; ++place) {
    nanos = nanos * 10 + (place < static_cast<int>(part.size()) ? part[place] - '0' : 0);
  }
  return Money(negative ? -nanos : nanos);
}

std::string Money::to_string() const {
  __int128 size = nanos_ < 0 ? -nanos_ : nanos_;
  std::string places = fmt::format("{:09}", static_cast<int64_t>(size % nanos_per_pound));
  while (places.size() > 2 && places.back() == '0') places.pop_back();
  return fmt::format("{}{}.{}", nanos_ < 0 ? "-" : "", size / nanos_per_pound, places);
}

}  // namespace shop
