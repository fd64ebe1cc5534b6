#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/types.h"
#include "log/published.h"

namespace pabal::log {

// The latest batches of one log, in memory. One thread writes (append, drop); any thread reads, without
// waiting. What append() added is readable at once: append only what is durable.
//
//   chunks:  [ batch batch … batch ] [ batch batch … batch ] [ batch …      ]
//            oldest                                            being filled
class Tail {
 public:
  static constexpr size_t overhead_bytes = 160;  // what holding a batch costs beside its bytes, about

  void append(Offset base, Offset next, SharedBytes batch);
  // Forgets whole chunks that end at or below `offset`. Returns the bytes let go.
  uint64_t drop_below(Offset offset);
  // The memory held, about; for the writer.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

  // The batches from the one that holds `from` on that begin below `end`, up to `bytes_max` but at least one.
  // nullopt when the tail does not reach down to `from`.
  [[nodiscard]] std::optional<std::vector<SharedBytes>> read(Offset from, Offset end, size_t bytes_max) const;

 private:
  static constexpr size_t chunk_slots_max = 64;
  static constexpr uint64_t chunk_bytes_max = 64_KiB;  // nothing is added to a chunk that has so many

  struct Slot {
    Offset base;
    Offset next;
    SharedBytes batch;
  };
  struct Chunk {
    explicit Chunk(size_t slot_count) : slots(slot_count) {}
    std::vector<Slot> slots;
    std::atomic<size_t> used = 0;  // slots below it never change again
    uint64_t bytes = 0;            // the writer's
  };
  using Chunks = std::vector<std::shared_ptr<Chunk>>;

  Published<Chunks> published_;
  std::deque<std::shared_ptr<Chunk>> chunks_;  // the writer's copy
  uint64_t bytes_ = 0;
};

}  // namespace pabal::log
