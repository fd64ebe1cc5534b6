#include "base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace pabal {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

constexpr std::array duration_units{Unit{"d", 86'400'000'000'000},
                                    Unit{"h", 3'600'000'000'000},
                                    Unit{"m", 60'000'000'000},
                                    Unit{"s", 1'000'000'000},
                                    Unit{"ms", 1'000'000},
                                    Unit{"us", 1'000},
                                    Unit{"ns", 1}};
constexpr std::array size_units{Unit{"TiB", 1LL << 40},
                                Unit{"GiB", 1LL << 30},
                                Unit{"MiB", 1LL << 20},
                                Unit{"KiB", 1LL << 10},
                                Unit{"GB", 1'000'000'000},
                                Unit{"MB", 1'000'000},
                                Unit{"KB", 1'000},
                                Unit{"B", 1},
                                Unit{"", 1}};
constexpr size_t duration_units_exact_max = 6;  // format_duration never writes nanoseconds
constexpr int64_t duration_days_max = 10'000;   // 27 years; 64-bit nanoseconds end at 106,751 days

// "<decimal><unit>" → number × factor, or nullopt.
template <size_t N>
std::optional<double> parse_quantity(std::string_view text, const std::array<Unit, N>& units) {
  double number = 0;
  auto [end, status] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (status != std::errc{} || !std::isfinite(number) || number < 0 || text.front() == '-')
    return std::nullopt;
  std::string_view unit(end, text.data() + text.size());
  for (const Unit& u : units) {
    if (u.name == unit) return number * static_cast<double>(u.factor);
  }
  return std::nullopt;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  auto nanos = text.empty() ? std::nullopt : parse_quantity(text, duration_units);
  if (!nanos) {
    return error(ErrorCode::invalid,
                 "\"{}\" is not a duration; write one like \"250ms\", \"30s\", \"5m\" or \"7d\"", text);
  }
  if (*nanos > static_cast<double>(duration_days_max * duration_units[0].factor)) {
    return error(ErrorCode::invalid, "\"{}\" is too long; at most {}d", text, duration_days_max);
  }
  return Duration(std::llround(*nanos));
}

std::string format_duration(Duration d) {
  int64_t nanos = d.count();
  if (nanos == 0) return "0s";
  for (size_t i = 0; i < duration_units_exact_max; ++i) {
    const Unit& u = duration_units[i];
    if (nanos % u.factor == 0) return fmt::format("{}{}", nanos / u.factor, u.name);
  }
  return fmt::format("{}us", static_cast<double>(nanos) / 1000);
}

Result<uint64_t> parse_size(std::string_view text) {
  auto bytes = text.empty() ? std::nullopt : parse_quantity(text, size_units);
  if (!bytes || *bytes > 9e18) {
    return error(ErrorCode::invalid,
                 "\"{}\" is not a size; write one like \"64KiB\", \"10GiB\" or \"1000\" (bytes)", text);
  }
  return static_cast<uint64_t>(*bytes);
}

std::string format_size(uint64_t bytes) {
  for (size_t i = 0; i < 4; ++i) {
    auto factor = static_cast<uint64_t>(size_units[i].factor);
    if (bytes >= factor && bytes % factor == 0)
      return fmt::format("{}{}", bytes / factor, size_units[i].name);
  }
  return fmt::format("{}B", bytes);
}

}  // namespace pabal
