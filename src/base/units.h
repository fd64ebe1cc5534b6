#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace pabal {

// "250ms", "30s", "5m", "2h", "7d", also "1.5s"; not negative, at most 10,000 days.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
// The shortest of the forms above that loses nothing down to microseconds: "90s", "1.5ms", "7d".
[[nodiscard]] std::string format_duration(Duration d);

// "64KiB", "10GiB", "512B", "1000" (bytes), also KB/MB/GB as powers of ten.
[[nodiscard]] Result<uint64_t> parse_size(std::string_view text);
// The largest unit that divides it: "64KiB".
[[nodiscard]] std::string format_size(uint64_t bytes);

// RFC 3339 with a zone ("2026-01-02T03:04:05.678Z", "+09:00"), to the millisecond.
[[nodiscard]] Result<WallTime> parse_time(std::string_view text);
// RFC 3339 in UTC with milliseconds.
[[nodiscard]] std::string format_time(WallTime t);

}  // namespace pabal
