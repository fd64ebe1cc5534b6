#include "broker/filter.h"

#include <algorithm>
#include <charconv>

namespace pabal::broker {
namespace {

bool compare(const std::string& op, double value, double bound) {
  if (op == "=") return value == bound;
  if (op == "!=") return value != bound;
  if (op == "<") return value < bound;
  if (op == "<=") return value <= bound;
  if (op == ">") return value > bound;
  return op == ">=" && value >= bound;
}

bool matches_number(const Match& match, std::string_view value) {
  double number = 0;
  auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (problem != std::errc() || end != value.data() + value.size()) return false;
  return std::ranges::all_of(match.numeric,
                             [&](const auto& t) { return compare(t.first, number, t.second); });
}

bool matches_value(const Match& match, std::string_view value) {
  switch (match.kind) {
    case Match::Kind::literal:
      return value == match.text;
    case Match::Kind::prefix:
      return value.starts_with(match.text);
    case Match::Kind::suffix:
      return value.ends_with(match.text);
    case Match::Kind::numeric:
      return matches_number(match, value);
    case Match::Kind::anything_but:
      return std::ranges::find(match.any_of, value) == match.any_of.end();
    case Match::Kind::exists:
      return match.exists;
  }
  return false;
}

bool any_matches(const std::vector<Match>& matches, const log::RecordView& record, std::string_view name) {
  bool there = false;
  for (const log::HeaderView& header : record.headers) {
    if (header.name != name) continue;
    there = true;
    std::string_view value = header.value ? as_text(*header.value) : std::string_view();
    if (std::ranges::any_of(matches, [&](const Match& match) { return matches_value(match, value); }))
      return true;
  }
  return !there && std::ranges::any_of(matches, [](const Match& match) {
    return match.kind == Match::Kind::exists && !match.exists;
  });
}

}  // namespace

bool lets_through(const Filter& filter, const log::RecordView& record) {
  return std::ranges::all_of(filter.headers, [&](const auto& test) {
    return any_matches(test.second, record, test.first == "type" ? "ce_type" : test.first);
  });
}

}  // namespace pabal::broker
