#pragma once

#include <bit>
#include <concepts>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace pabal::kafka {

// Collects what will be sent: bytes of its own, and shared bytes that are not copied when they are long.
class WireWriter {
 public:
  static constexpr size_t copied_bytes_max = 1_KiB;

  // Big-endian.
  template <std::integral T>
  void put(T value) {
    if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) value = std::byteswap(value);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    tail_.insert(tail_.end(), bytes, bytes + sizeof(T));
  }
  void put_varint(uint32_t value);
  void put_bytes(BytesView bytes) { tail_.insert(tail_.end(), bytes.begin(), bytes.end()); }
  void put_shared(const SharedBytes& bytes);
  void append(WireWriter&& other);

  [[nodiscard]] size_t size() const { return done_bytes_ + tail_.size(); }
  // All of it in order, and the writer is empty.
  [[nodiscard]] std::vector<SharedBytes> finish();

 private:
  void end_tail();

  std::vector<SharedBytes> done_;
  size_t done_bytes_ = 0;
  Bytes tail_;
};

}  // namespace pabal::kafka
