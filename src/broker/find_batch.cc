#include "broker/find_batch.h"

#include <algorithm>

namespace pabal::broker {
namespace {

constexpr size_t find_read_bytes = 1_MiB;

}  // namespace

runtime::Task<Result<std::optional<Offset>>> find_batch(engine::Engine& engine, engine::LogId log,
                                                        Offset from,
                                                        std::function<bool(const log::BatchView&)> is_it) {
  auto range = engine.range(log);
  if (!range) co_return std::unexpected(range.error());
  Offset at = std::max(from, range->first);
  for (size_t seen = 0; at < range->next && seen < find_batch_bytes_max;) {
    auto read = co_await engine.read(log, at, find_read_bytes);
    if (!read) co_return std::unexpected(read.error());
    if (read->batches.empty()) break;  // what came then is lost
    for (const SharedBytes& bytes : read->batches) {
      auto batch = log::BatchView::parse(bytes.view());
      if (!batch) co_return std::unexpected(batch.error());
      if (is_it(*batch)) co_return batch->base_offset();
      at = batch->next_offset();
      seen += bytes.size();
    }
  }
  co_return std::nullopt;
}

}  // namespace pabal::broker
