#include <charconv>

#include "relay/database.h"

namespace pabal::relay {

namespace {

template <class Number>
Number number_in(const std::string& text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// A database may hold any number in any column: one that does not fit makes no sense as another.
template <class Number>
Number number_of(double real) {
  constexpr double limit = 9223372036854775808.0;  // 2^63
  if (std::is_integral_v<Number> && !(real >= -limit && real < limit)) return {};
  return static_cast<Number>(real);
}

template <class Number>
Number as_number(const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<Number>(*integer);
  if (const auto* real = std::get_if<double>(&value)) return number_of<Number>(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return number_in<Number>(*text);
  return {};
}

}  // namespace

bool Row::is_null(size_t column) const { return std::holds_alternative<std::monostate>(values_.at(column)); }
int64_t Row::integer(size_t column) const { return as_number<int64_t>(values_.at(column)); }
double Row::real(size_t column) const { return as_number<double>(values_.at(column)); }

std::string Row::text(size_t column) const {
  const Value& value = values_.at(column);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  return {};
}

}  // namespace pabal::relay
