#pragma once

#include <functional>
#include <optional>

#include "engine/engine.h"
#include "log/record_batch.h"

namespace pabal::broker {

// Looks at a log's batches from `from`, or from its first record, on. The base offset of the first one that
// `is_it`; nullopt when there is none in as many bytes as can have been under way at one time.
constexpr size_t find_batch_bytes_max = 128_MiB;
[[nodiscard]] runtime::Task<Result<std::optional<Offset>>> find_batch(
    engine::Engine& engine, engine::LogId log, Offset from, std::function<bool(const log::BatchView&)> is_it);

}  // namespace pabal::broker
