#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/types.h"

namespace pabal::broker {

// The 32-bit MurmurHash2 of Kafka's Java client (seed 0x9747b28c).
[[nodiscard]] uint32_t murmur2(BytesView bytes);

// Where Kafka's Java client puts a record with this key.
[[nodiscard]] PartitionIndex partition_of_key(BytesView key, int32_t partitions);

}  // namespace pabal::broker
