#include "doors/http/fields.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/units.h"
#include "protocol/base64.h"

namespace pabal::doors {
namespace {

using protocol::JsonKind;
using protocol::JsonView;

constexpr size_t shown_bytes_max = 60;

// A value as a message shows it: short ones as they are, the rest by their kind.
std::string shown(JsonView value) {
  bool scalar = !value.is(JsonKind::array) && !value.is(JsonKind::object);
  if (scalar && value.raw().size() <= shown_bytes_max) return std::string(value.raw());
  return std::string(name_of(value.kind()));
}

std::string known(Members members) {
  std::vector<std::string_view> names;
  for (const Member& m : members) names.push_back(m.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string child(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

std::string short_name(const std::string& name) {
  return name.size() <= shown_bytes_max ? name : name.substr(0, shown_bytes_max) + "…";
}

}  // namespace

void Field::problem(std::string text) const {
  if (!full()) problems_->push_back({path_.empty() ? "body" : path_, std::move(text)});
}

std::nullopt_t Field::wrong(std::string_view right) const {
  problem(fmt::format("read {}; right is {}", shown(value_), right));
  return std::nullopt;
}

void Field::wrong_word(const std::vector<std::string_view>& words) const {
  wrong(fmt::format("one of \"{}\"", fmt::join(words, "\", \"")));
}

std::optional<std::string> Field::text() const {
  auto read = value_.text();
  if (!read) return wrong("a string");
  return read;
}

std::optional<std::string> Field::base64() const {
  auto read = value_.text();
  auto bytes = read ? protocol::base64_decode(*read) : std::nullopt;
  if (!bytes) return wrong("a string of base64 with padding (RFC 4648)");
  return bytes;
}

std::optional<bool> Field::boolean() const {
  if (!value_.is(JsonKind::boolean)) return wrong("true or false");
  return value_.boolean();
}

std::optional<int64_t> Field::integer(int64_t min, int64_t max) const {
  auto read = value_.integer();
  if (read && *read >= min && *read <= max) return read;
  return max == INT64_MAX ? wrong(fmt::format("a whole number from {}", min))
                          : wrong(fmt::format("a whole number from {} to {}", min, max));
}

std::optional<double> Field::number(double min, double max) const {
  auto read = value_.number();
  if (read && *read >= min && *read <= max) return read;
  return wrong(fmt::format("a number from {} to {}", min, max));
}

std::optional<Duration> Field::duration(Duration max) const {
  auto text = value_.text();
  auto read = text ? parse_duration(*text) : error(ErrorCode::invalid, "no text");
  if (read && *read <= max) return *read;
  return wrong(fmt::format("a duration such as \"250ms\" or \"5m\", at most \"{}\"", format_duration(max)));
}

std::optional<uint64_t> Field::size() const {
  auto text = value_.text();
  auto read = text ? parse_size(*text) : error(ErrorCode::invalid, "no text");
  if (!read) return wrong("a size such as \"64KiB\" or \"10GiB\"");
  return *read;
}

std::optional<WallTime> Field::time() const {
  auto text = value_.text();
  auto read = text ? parse_time(*text) : error(ErrorCode::invalid, "no text");
  if (!read) return wrong("a time as in RFC 3339, such as \"2026-01-02T03:04:05Z\"");
  return *read;
}

bool Field::object(Members members) const {
  if (!value_.is(JsonKind::object)) {
    wrong(fmt::format("an object with {}", known(members)));
    return false;
  }
  uint64_t seen = 0;  // a bit for each member: one given twice is a mistake
  value_.members([&](JsonView name_json, JsonView value) {
    std::string name = name_json.text().value_or(std::string(name_json.raw()));
    Field field(value, child(path_, short_name(name)), *problems_);
    const auto* member = std::ranges::find(members, std::string_view(name), &Member::name);
    if (member == members.end()) {
      field.problem(fmt::format("is not known; known are {}", known(members)));
    } else if (uint64_t bit = uint64_t{1} << (member - members.begin()); (seen & bit) != 0) {
      field.problem("is there twice");
    } else {
      seen |= bit;
      member->read(field);
    }
    return !full();
  });
  return true;
}

bool Field::any_members(const std::function<void(const std::string&, const Field&)>& each) const {
  if (!value_.is(JsonKind::object)) return wrong("an object"), false;
  value_.members([&](JsonView name_json, JsonView value) {
    std::string name = name_json.text().value_or("");
    Field field(value, child(path_, short_name(name)), *problems_);
    if (name_json.text()) {
      each(name, field);
    } else {
      field.problem("has a name that is not text");
    }
    return !full();
  });
  return true;
}

bool Field::array(size_t count_max, const std::function<void(const Field&)>& each) const {
  if (!value_.is(JsonKind::array)) return wrong("an array"), false;
  size_t index = 0;
  value_.elements([&](JsonView value) {
    if (index == count_max) return problem(fmt::format("has more than {} elements", count_max)), false;
    each(Field(value, fmt::format("{}[{}]", path_, index++), *problems_));
    return !full();
  });
  return true;
}

Result<void> as_result(Problems problems) {
  if (problems.empty()) return {};
  std::string detail = fmt::format("{}: {}", problems.front().field, problems.front().problem);
  if (problems.size() > 1) detail += fmt::format(" (and {} more, see errors)", problems.size() - 1);
  return std::unexpected(Error{ErrorCode::invalid, std::move(detail), std::move(problems)});
}

Result<void> read_object(std::string_view body, bool may_be_empty, Members members) {
  if (may_be_empty && body.empty()) body = "{}";
  auto json = JsonView::parse(body);
  if (!json) return std::unexpected(json.error());
  Problems problems;
  Field(*json, "", problems).object(members);
  return as_result(std::move(problems));
}

}  // namespace pabal::doors
