#include "broker/leader_epochs.h"

#include "log/record_batch.h"

namespace pabal::broker {

runtime::Task<Result<EpochEnd>> find_epoch_end(engine::Engine& engine, engine::LogId log, LeaderEpoch epoch) {
  auto range = engine.range(log);
  if (!range) co_return std::unexpected(range.error());
  if (epoch > range->epoch) co_return EpochEnd{};
  if (epoch == range->epoch) co_return EpochEnd{epoch, range->next};
  EpochEnd found{epoch, range->next};
  // What begins below `low` is of the epoch or one before it; what is read from `high` on is of a later one.
  Offset low = range->first;
  Offset high = range->next;
  while (low < high) {
    Offset middle = low + (high - low) / 2;
    auto read = co_await engine.read(log, middle, 1);
    if (!read && read.error().code != ErrorCode::not_found) co_return std::unexpected(read.error());
    if (!read) {  // trimmed meanwhile
      low = middle + 1;
      continue;
    }
    if (read->batches.empty()) {
      high = middle;
      continue;
    }
    auto batch = log::BatchView::parse(read->batches.front().view());
    if (!batch) co_return std::unexpected(batch.error());
    if (batch->leader_epoch() <= epoch) {
      low = batch->next_offset();
      found.epoch = batch->leader_epoch();
    } else {
      high = middle;
      found.end = batch->base_offset();
    }
  }
  co_return found;
}

}  // namespace pabal::broker
