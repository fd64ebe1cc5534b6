#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace pabal::log {

// Kafka's variable-length integers: zig-zag, then seven bits to a byte, the lowest first.
[[nodiscard]] constexpr uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
[[nodiscard]] constexpr int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

[[nodiscard]] constexpr size_t varint_bytes(int64_t value) {
  size_t count = 1;
  for (uint64_t rest = zigzag(value) >> 7; rest != 0; rest >>= 7) ++count;
  return count;
}

inline void put_varint(Bytes& out, int64_t value) {
  uint64_t rest = zigzag(value);
  for (; rest >= 0x80; rest >>= 7) out.push_back(static_cast<uint8_t>(rest | 0x80));
  out.push_back(static_cast<uint8_t>(rest));
}

// Takes one from the front of `in`; nullopt when it is cut short or longer than a varlong can be.
[[nodiscard]] inline std::optional<int64_t> take_varint(BytesView& in) {
  uint64_t value = 0;
  for (size_t i = 0; i < in.size() && i < 10; ++i) {
    uint64_t bits = in[i] & 0x7f;
    if (i == 9 && bits > 1) return std::nullopt;
    value |= bits << (7 * i);
    if ((in[i] & 0x80) == 0) {
      in = in.subspan(i + 1);
      return unzigzag(value);
    }
  }
  return std::nullopt;
}

}  // namespace pabal::log
