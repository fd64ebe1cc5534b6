#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pabal {

class Random;

// 128 bits, written as RFC 9562 says: 8-4-4-4-12 lower-case hex digits.
struct Uuid {
  std::array<uint8_t, 16> bytes{};

  // Version 4 (random) from the given source.
  static Uuid random(Random& random);
  // Version 7: sortable by creation; `unix_ms` is the wall clock.
  static Uuid ordered(int64_t unix_ms, Random& random);
  // Upper or lower case; nullopt for anything but the 36-character form.
  static std::optional<Uuid> parse(std::string_view text);

  [[nodiscard]] std::string to_string() const;
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;
};

}  // namespace pabal

template <>
struct std::hash<pabal::Uuid> {
  size_t operator()(const pabal::Uuid& u) const noexcept {
    size_t h;
    std::memcpy(&h, u.bytes.data() + 8, sizeof h);
    size_t l;
    std::memcpy(&l, u.bytes.data(), sizeof l);
    return h ^ (l * 0x9e3779b97f4a7c15ULL);
  }
};

template <>
struct fmt::formatter<pabal::Uuid> : fmt::formatter<std::string> {
  auto format(const pabal::Uuid& u, fmt::format_context& ctx) const {
    return fmt::formatter<std::string>::format(u.to_string(), ctx);
  }
};
