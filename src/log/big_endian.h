#pragma once

#include <bit>
#include <concepts>
#include <cstring>

#include "base/bytes.h"

namespace pabal::log {

// Big-endian integers at a position. The caller has checked that they lie within.
template <std::integral T>
[[nodiscard]] T load(BytesView bytes, size_t position) {
  T value;
  std::memcpy(&value, bytes.data() + position, sizeof value);
  return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}

template <std::integral T>
void store(std::span<uint8_t> bytes, size_t position, T value) {
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(bytes.data() + position, &value, sizeof value);
}

}  // namespace pabal::log
