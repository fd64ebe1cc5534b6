#include "broker/partitioner.h"

#include <cstring>

#include "base/check.h"

namespace pabal::broker {

uint32_t murmur2(BytesView bytes) {
  constexpr uint32_t seed = 0x9747b28c;
  constexpr uint32_t m = 0x5bd1e995;
  constexpr int r = 24;
  uint32_t h = seed ^ static_cast<uint32_t>(bytes.size());
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    uint32_t k =
        bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | static_cast<uint32_t>(bytes[i + 3]) << 24;
    k *= m;
    k ^= k >> r;
    k *= m;
    h *= m;
    h ^= k;
  }
  size_t rest = bytes.size() - i;
  if (rest >= 3) h ^= static_cast<uint32_t>(bytes[i + 2]) << 16;
  if (rest >= 2) h ^= static_cast<uint32_t>(bytes[i + 1]) << 8;
  if (rest >= 1) {
    h ^= bytes[i];
    h *= m;
  }
  h ^= h >> 13;
  h *= m;
  h ^= h >> 15;
  return h;
}

PartitionIndex partition_of_key(BytesView key, int32_t partitions) {
  check(partitions > 0, "{} partitions", partitions);
  return PartitionIndex(
      static_cast<int32_t>((murmur2(key) & 0x7fffffffu) % static_cast<uint32_t>(partitions)));
}

}  // namespace pabal::broker
