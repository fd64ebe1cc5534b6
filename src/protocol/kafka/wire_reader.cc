#include "protocol/kafka/wire_reader.h"

#include <fmt/format.h>

namespace pabal::kafka {

bool WireReader::has(size_t count) {
  if (failed()) return false;
  if (count <= end_ - at_) return true;
  fail(ErrorCode::invalid, fmt::format("{} bytes are needed, {} are left", count, end_ - at_));
  return false;
}

uint32_t WireReader::take_varint() {
  constexpr int bits_max = 32;
  uint32_t value = 0;
  for (int shift = 0; shift < bits_max; shift += 7) {
    auto byte = take<uint8_t>();
    if (failed()) return 0;
    uint32_t bits = byte & 0x7f;
    if (bits << shift >> shift != bits) break;
    value |= bits << shift;
    if ((byte & 0x80) == 0) return value;
  }
  fail(ErrorCode::invalid, "a variable-length number has more than 32 bits");
  return 0;
}

BytesView WireReader::take_bytes(size_t count) {
  if (!has(count)) return {};
  BytesView taken = bytes_.view().subspan(at_, count);
  at_ += count;
  return taken;
}

SharedBytes WireReader::take_window(size_t count) {
  if (!has(count)) return {};
  at_ += count;
  return bytes_.window(at_ - count, count);
}

bool WireReader::allow_memory(size_t bytes) {
  if (failed()) return false;
  if (bytes <= memory_) {
    memory_ -= bytes;
    return true;
  }
  fail(ErrorCode::too_large, fmt::format("{} bytes of memory are needed, {} are allowed", bytes, memory_));
  return false;
}

size_t WireReader::enter(size_t count) {
  size_t outer = end_;
  if (has(count)) end_ = at_ + count;
  return outer;
}

void WireReader::fail(ErrorCode code, std::string_view problem) {
  if (!failed()) failure_.set(code, fmt::format("{} (byte {})", problem, at_));
}

}  // namespace pabal::kafka
