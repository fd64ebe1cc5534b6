#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace pabal {

// CRC-32C (Castagnoli), as Kafka's record batches and the journal use it. `seed` continues an earlier result.
[[nodiscard]] uint32_t crc32c(BytesView bytes, uint32_t seed = 0);

}  // namespace pabal
