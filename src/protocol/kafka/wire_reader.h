#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "protocol/kafka/failure.h"

namespace pabal::kafka {

// Reads from the front of bytes that a peer sent. The first failure sticks: it says what was read and at
// which byte, and everything after it reads as zero and empty. Checks what remains, and the memory allowance,
// before anything is reserved.
class WireReader {
 public:
  WireReader(SharedBytes bytes, size_t memory_bytes_max)
      : bytes_(std::move(bytes)), end_(bytes_.size()), memory_(memory_bytes_max) {}

  template <std::integral T>
  T take() {
    if (!has(sizeof(T))) return 0;
    T value;
    std::memcpy(&value, bytes_.view().data() + at_, sizeof(T));
    at_ += sizeof(T);
    if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) value = std::byteswap(value);
    return value;
  }
  // At most 32 bits in at most five bytes.
  uint32_t take_varint();
  // A view of the bytes that were given at the start.
  BytesView take_bytes(size_t count);
  // The same, shared.
  SharedBytes take_window(size_t count);
  void skip(size_t count) { (void)take_bytes(count); }

  // Before `bytes` of memory are taken for what was read; false, and failed, when the allowance does not have
  // them.
  bool allow_memory(size_t bytes);

  // Reads up to `count` bytes from here as if there were no others. Gives back what there was, for leave().
  size_t enter(size_t count);
  void leave(size_t outer_end) { end_ = outer_end; }

  [[nodiscard]] size_t remaining() const { return failed() ? 0 : end_ - at_; }
  [[nodiscard]] size_t position() const { return at_; }
  [[nodiscard]] bool failed() const { return failure_.happened(); }
  void fail(ErrorCode code, std::string_view problem);  // adds at which byte
  [[nodiscard]] Failure& failure() { return failure_; }

 private:
  bool has(size_t count);

  SharedBytes bytes_;
  size_t at_ = 0;
  size_t end_;
  size_t memory_;
  Failure failure_;
};

}  // namespace pabal::kafka
