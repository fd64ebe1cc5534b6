#include "flows/words.h"

#include <cmath>
#include <fmt/format.h>

namespace pabal::flows {

std::string counted(int64_t n) {
  std::string digits = std::to_string(n < 0 ? -n : n);
  for (auto at = static_cast<ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return n < 0 ? "-" + digits : digits;
}

std::string counted(int64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", counted(n), n == 1 ? one : many);
}

std::string lasting(Duration d) {
  double seconds = std::chrono::duration<double>(d).count();
  if (seconds < 0.95) return fmt::format("{:.1f} s", std::max(0.0, seconds));
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 2 * 3600) return fmt::format("{:.0f} min", std::floor(seconds / 60));
  if (seconds < 48 * 3600) return fmt::format("{:.0f} h", std::floor(seconds / 3600));
  return fmt::format("{:.0f} d", std::floor(seconds / 86400));
}

std::string quotable(std::string_view text, size_t bytes_max) {
  text = text.substr(0, text.find_first_of("\r\n"));
  bool cut = text.size() > bytes_max;
  if (cut) {
    while (bytes_max > 0 && (static_cast<uint8_t>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
    text = text.substr(0, bytes_max);
  }
  std::string out;
  for (char c : text) {
    if (static_cast<uint8_t>(c) >= 0x20 && c != 0x7F) out += c;
  }
  return cut ? out + "…" : out;
}

}  // namespace pabal::flows
