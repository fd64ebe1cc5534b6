#pragma once

#include "engine/engine.h"

namespace pabal::broker {

// Where an epoch of a log ended, as Kafka's OffsetForLeaderEpoch has it: the highest epoch that is not above
// the one asked for, and the offset at which the next one begins, or the end of the log.
struct EpochEnd {
  LeaderEpoch epoch{-1};
  Offset end{-1};
  friend bool operator==(const EpochEnd&, const EpochEnd&) = default;
};
// -1 and -1 for an epoch that has not been. Reads as many batches as a search by halves takes. A log has one
// epoch, but for one that is not flushed: there each loss begins another.
[[nodiscard]] runtime::Task<Result<EpochEnd>> find_epoch_end(engine::Engine& engine, engine::LogId log,
                                                             LeaderEpoch epoch);

}  // namespace pabal::broker
