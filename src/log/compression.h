#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace pabal::log {

// How the records of a batch are compressed, as its attributes say it.
enum class Compression : uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

// The records of one batch, uncompressed, take no more: a small batch must not become all of the memory.
constexpr size_t uncompressed_bytes_max = 16_MiB;

[[nodiscard]] std::string_view name_of(Compression compression);

// Snappy comes raw or in the frame of Java's xerial library, lz4 in its frame format. Errors: corrupt;
// too_large (more than bytes_max come out); unsupported (no such compression).
[[nodiscard]] Result<Bytes> uncompress(Compression compression, BytesView bytes, size_t bytes_max);

}  // namespace pabal::log
