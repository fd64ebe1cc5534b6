#pragma once

#include <string>

#include "runtime/file_system.h"

namespace pabal::runtime {

// Puts `bytes` in the place of a small file (or makes it) so that a crash leaves the old one or the new one,
// whole. Durable after return. Blocks.
[[nodiscard]] Result<void> replace_file(FileSystem& files, const std::string& path, BytesView bytes);
// The same, but the name is durable only when its directory has been flushed: for several files at once.
[[nodiscard]] Result<void> put_file(FileSystem& files, const std::string& path, BytesView bytes);
// All of a small file; not_found when there is none, too_large above `bytes_max`. Blocks.
[[nodiscard]] Result<Bytes> read_file(FileSystem& files, const std::string& path, size_t bytes_max);

}  // namespace pabal::runtime
