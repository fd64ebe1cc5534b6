#include <algorithm>
#include <charconv>
#include <optional>

#include "base/units.h"

namespace pabal {
namespace {

using std::chrono::milliseconds;

// What RFC 3339 can say: years of four digits, in UTC.
constexpr WallTime first_time = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
constexpr WallTime last_time = std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1) - milliseconds(1);

// A cursor over "2026-01-02T03:04:05.678+09:00".
struct Scanner {
  std::string_view rest;

  std::optional<int> digits(size_t count) {
    if (rest.size() < count) return std::nullopt;
    int value = 0;
    auto [end, status] = std::from_chars(rest.data(), rest.data() + count, value);
    if (status != std::errc{} || end != rest.data() + count || rest[0] == '-') return std::nullopt;
    rest.remove_prefix(count);
    return value;
  }
  bool eat(std::string_view any_of) {
    if (rest.empty() || any_of.find(rest[0]) == std::string_view::npos) return false;
    rest.remove_prefix(1);
    return true;
  }
  // ".678901" → 678 ms; absent → 0.
  std::optional<int> fraction_ms() {
    if (!eat(".")) return 0;
    int ms = 0;
    int count = 0;
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1), ++count) {
      if (count < 3) ms = ms * 10 + (rest[0] - '0');
    }
    if (count == 0) return std::nullopt;
    for (; count < 3; ++count) ms *= 10;
    return ms;
  }
  std::optional<std::chrono::minutes> zone() {
    if (eat("Zz")) return std::chrono::minutes(0);
    int sign = !rest.empty() && rest[0] == '-' ? -1 : 1;
    if (!eat("+-")) return std::nullopt;
    auto h = digits(2);
    if (!h || !eat(":")) return std::nullopt;
    auto m = digits(2);
    if (!m || *h > 23 || *m > 59) return std::nullopt;
    return std::chrono::minutes(sign * (*h * 60 + *m));
  }
};

std::optional<WallTime> scan_time(Scanner in) {
  auto year = in.digits(4);
  if (!year || !in.eat("-")) return std::nullopt;
  auto month = in.digits(2);
  if (!month || !in.eat("-")) return std::nullopt;
  auto day = in.digits(2);
  if (!day || !in.eat("Tt ")) return std::nullopt;
  auto hour = in.digits(2);
  if (!hour || !in.eat(":")) return std::nullopt;
  auto minute = in.digits(2);
  if (!minute || !in.eat(":")) return std::nullopt;
  auto second = in.digits(2);
  auto ms = second ? in.fraction_ms() : std::nullopt;
  auto zone = ms ? in.zone() : std::nullopt;
  if (!zone || !in.rest.empty() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(*year),
                                   std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  WallTime time = WallTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
                  std::chrono::minutes(*minute) + std::chrono::seconds(*second) + milliseconds(*ms) - *zone;
  if (time < first_time || time > last_time) return std::nullopt;
  return time;
}

}  // namespace

Result<WallTime> parse_time(std::string_view text) {
  auto time = scan_time({text});
  if (!time) {
    return error(ErrorCode::invalid, "\"{}\" is not a time; write RFC 3339 like \"2026-01-02T03:04:05Z\"",
                 text);
  }
  return *time;
}

// A stored record may bear any number: one that is no year of four digits is written as the nearest.
std::string format_time(WallTime t) {
  t = std::clamp(t, first_time, last_time);
  auto days = std::chrono::floor<std::chrono::days>(t);
  std::chrono::year_month_day date(days);
  std::chrono::hh_mm_ss time(t - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace pabal
