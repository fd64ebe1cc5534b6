#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace pabal::flows {

// Numbers and times as a sentence says them.

// 11904 → "11,904"
[[nodiscard]] std::string counted(int64_t n);
// (1, "message waits", "messages wait") → "1 message waits"
[[nodiscard]] std::string counted(int64_t n, std::string_view one, std::string_view many);
// 42 s → "42 s", 200 s → "3 min", 8000 s → "2 h", 300000 s → "3 d"; below a second "0.4 s"
[[nodiscard]] std::string lasting(Duration d);
// The first line, at most `characters_max` bytes, without control characters: what a peer wrote, fit to
// quote.
[[nodiscard]] std::string quotable(std::string_view text, size_t bytes_max = 160);

}  // namespace pabal::flows
