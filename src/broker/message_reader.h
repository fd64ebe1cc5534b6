#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "broker/place.h"
#include "engine/engine.h"
#include "log/record_batch.h"

namespace pabal::broker {

// Reads records of a queue's logs by place, and keeps the latest batches for a moment: what was scanned is
// mostly delivered right after. One shard.
class MessageReader {
 public:
  explicit MessageReader(engine::Engine& engine) : engine_(engine) {}

  void add_source(Source source, engine::LogId log) { logs_[source] = log; }
  [[nodiscard]] engine::LogId log(Source source) const { return logs_.at(source); }

  // Reads on from a place: up to about `bytes_max`, at least one batch.
  runtime::Task<Result<engine::ReadResult>> read(Place from, size_t bytes_max);
  // Calls `each` for every one of the places (sorted) whose record there is; the rest has been removed.
  using Each = std::function<void(Place, const log::StoredRecord&)>;
  runtime::Task<Result<void>> read_each(std::vector<Place> places, Each each);

 private:
  struct Cached {
    Source source;
    Offset base;
    Offset next;
    SharedBytes bytes;
  };
  static constexpr size_t cached_bytes_max = 1_MiB;
  static constexpr size_t cached_batches_max = 256;
  static constexpr size_t read_bytes = 64_KiB;

  [[nodiscard]] const Cached* find(Place place) const;
  void keep(Source source, const SharedBytes& bytes);

  engine::Engine& engine_;
  std::map<Source, engine::LogId> logs_;
  std::deque<Cached> cached_;
  size_t cached_bytes_ = 0;
};

}  // namespace pabal::broker
