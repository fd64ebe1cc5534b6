#include "base/uuid.h"

#include "base/random.h"

namespace pabal {
namespace {

constexpr bool dash_at(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void fill(Uuid& u, Random& random) {
  for (size_t i = 0; i < 16; i += 8) {
    uint64_t r = random.next();
    std::memcpy(u.bytes.data() + i, &r, 8);
  }
}

void stamp(Uuid& u, uint8_t version) {
  u.bytes[6] = static_cast<uint8_t>((u.bytes[6] & 0x0f) | (version << 4));
  u.bytes[8] = static_cast<uint8_t>((u.bytes[8] & 0x3f) | 0x80);
}

}  // namespace

Uuid Uuid::random(Random& random) {
  Uuid u;
  fill(u, random);
  stamp(u, 4);
  return u;
}

Uuid Uuid::ordered(int64_t unix_ms, Random& random) {
  Uuid u;
  fill(u, random);
  for (int i = 0; i < 6; ++i)
    u.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(unix_ms >> (8 * (5 - i)));
  stamp(u, 7);
  return u;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid u;
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (dash_at(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    int d = hex_digit(text[i]);
    if (d < 0) return std::nullopt;
    uint8_t& byte = u.bytes[nibble / 2];
    byte = static_cast<uint8_t>(byte << 4 | d);
    ++nibble;
  }
  return u;
}

std::string Uuid::to_string() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (uint8_t byte : bytes) {
    if (dash_at(out.size())) out.push_back('-');
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

}  // namespace pabal
