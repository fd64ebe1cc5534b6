#pragma once

#include <functional>

#include "base/error.h"
#include "runtime/asio.h"

namespace pabal::broker {

constexpr int side_by_side_max = 256;

// Runs `work(i)` for each i in [from, to) where the caller runs, side_by_side_max of them at a time, so that
// what waits for the disk shares its flushes. Returns when all have ended, with the first error; after one,
// none begins.
runtime::Task<Result<void>> side_by_side(int32_t from, int32_t to,
                                         std::function<runtime::Task<Result<void>>(int32_t)> work);

}  // namespace pabal::broker
