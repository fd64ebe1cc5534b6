#include "base/crc32c.h"

#include <algorithm>
#include <climits>
#include <isa-l/crc.h>

namespace pabal {

uint32_t crc32c(BytesView bytes, uint32_t seed) {
  uint32_t crc = ~seed;
  while (!bytes.empty()) {
    // isa-l takes an int; it does not write through its non-const pointer.
    size_t count = std::min<size_t>(bytes.size(), INT_MAX);
    crc = crc32_iscsi(const_cast<unsigned char*>(bytes.data()), static_cast<int>(count), crc);
    bytes = bytes.subspan(count);
  }
  return ~crc;
}

}  // namespace pabal
