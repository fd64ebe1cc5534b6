#pragma once

#include <vector>

#include "engine/engine.h"
#include "log/record_batch.h"

namespace pabal::engine {

// Collects the records of one commit: one batch for each log they go to. Used once, by one coroutine.
class CommitBuilder {
 public:
  // Where a record will stand: `delta` above the base offset of the commit's append number `append`.
  struct Place {
    size_t append;
    int32_t delta;
  };

  // Copies the record's bytes.
  Place add(const LogId& log, const log::RecordView& record);

  [[nodiscard]] bool empty() const { return parts_.empty(); }
  [[nodiscard]] size_t size() const;  // bytes of all batches
  // May use the disk reserve: acks, cursors, dead letters, settings. Publishes may not.
  void use_reserve() { may_use_reserve_ = true; }

  // Everything collected, as one commit; leaves the builder empty.
  [[nodiscard]] Commit finish();

  [[nodiscard]] static Offset offset_of(const CommitResult& result, Place place) {
    return result[place.append] + place.delta;
  }

 private:
  struct Part {
    LogId log;
    log::BatchBuilder batch;
  };
  std::vector<Part> parts_;  // few: searched in order
  bool may_use_reserve_ = false;
};

}  // namespace pabal::engine
