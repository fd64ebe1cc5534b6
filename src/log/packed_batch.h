#pragma once

#include "base/bytes.h"
#include "log/compression.h"

namespace pabal::log {

// What a client that compresses sends. For the tests and the simulator: the server stores what it gets and
// never compresses.
[[nodiscard]] Bytes compressed(Compression compression, BytesView bytes);
[[nodiscard]] Bytes packed_batch(Bytes batch, Compression compression);

}  // namespace pabal::log
