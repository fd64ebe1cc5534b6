#include "log/tail.h"

#include <algorithm>

namespace pabal::log {

void Tail::append(Offset base, Offset next, SharedBytes batch) {
  if (chunks_.empty() ||
      chunks_.back()->used.load(std::memory_order_relaxed) == chunks_.back()->slots.size() ||
      chunks_.back()->bytes >= chunk_bytes_max) {
    size_t slots = chunks_.empty() ? 4 : std::min(chunk_slots_max, chunks_.back()->slots.size() * 2);
    chunks_.push_back(std::make_shared<Chunk>(slots));
    published_.set(std::make_shared<const Chunks>(chunks_.begin(), chunks_.end()));
  }
  Chunk& chunk = *chunks_.back();
  size_t used = chunk.used.load(std::memory_order_relaxed);
  bytes_ += batch.size() + overhead_bytes;
  chunk.bytes += batch.size() + overhead_bytes;
  chunk.slots[used] = {base, next, std::move(batch)};
  chunk.used.store(used + 1, std::memory_order_release);
}

uint64_t Tail::drop_below(Offset offset) {
  uint64_t dropped = 0;
  while (!chunks_.empty()) {
    Chunk& chunk = *chunks_.front();
    size_t used = chunk.used.load(std::memory_order_relaxed);
    if (used == 0 || chunk.slots[used - 1].next > offset) break;
    dropped += chunk.bytes;
    chunks_.pop_front();
  }
  if (dropped > 0) {
    bytes_ -= dropped;
    published_.set(std::make_shared<const Chunks>(chunks_.begin(), chunks_.end()));
  }
  return dropped;
}

std::optional<std::vector<SharedBytes>> Tail::read(Offset from, Offset end, size_t bytes_max) const {
  auto chunks = published_.get();
  auto begins_after = [](Offset offset, const std::shared_ptr<Chunk>& chunk) {
    return chunk->used.load(std::memory_order_acquire) == 0 || offset < chunk->slots[0].base;
  };
  auto chunk = std::upper_bound(chunks->begin(), chunks->end(), from, begins_after);
  if (chunk == chunks->begin()) return std::nullopt;
  --chunk;
  std::vector<SharedBytes> batches;
  size_t bytes = 0;
  for (; chunk != chunks->end(); ++chunk) {
    size_t used = (*chunk)->used.load(std::memory_order_acquire);
    for (size_t i = 0; i < used; ++i) {
      const Slot& slot = (*chunk)->slots[i];
      if (slot.next <= from) continue;
      if (slot.base >= end) return batches;
      if (!batches.empty() && bytes + slot.batch.size() > bytes_max) return batches;
      bytes += slot.batch.size();
      batches.push_back(slot.batch);
    }
  }
  return batches;
}

}  // namespace pabal::log
