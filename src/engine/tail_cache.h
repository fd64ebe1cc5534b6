#pragma once

#include <deque>
#include <memory>

#include "engine/log_state.h"

namespace pabal::engine {

// Keeps the tails of all logs together below a number of bytes: the batches that came first go first, once
// they are in a segment. The sequencer's.
class TailCache {
 public:
  explicit TailCache(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Puts a durable batch into its log's tail.
  void add(const std::shared_ptr<LogState>& log, Offset base, Offset next, SharedBytes batch) {
    uint64_t bytes = batch.size() + log::Tail::overhead_bytes;
    log->tail.append(base, next, std::move(batch));
    bytes_ += bytes;
    if (!spans_.empty() && spans_.back().log == log && spans_.back().bytes < span_bytes_max) {
      spans_.back().next = next;
      spans_.back().bytes += bytes;
    } else {
      spans_.push_back({log, next, bytes});
    }
  }

  void evict() {
    while (bytes_ > bytes_max_ && !spans_.empty()) {
      Span& oldest = spans_.front();
      if (oldest.next > oldest.log->written && !oldest.log->removed) return;
      bytes_ -= oldest.log->tail.drop_below(oldest.next);
      spans_.pop_front();
    }
  }

 private:
  static constexpr uint64_t span_bytes_max = 256_KiB;
  struct Span {  // consecutive batches of one log
    std::shared_ptr<LogState> log;
    Offset next;
    uint64_t bytes;
  };

  uint64_t bytes_max_;
  uint64_t bytes_ = 0;
  std::deque<Span> spans_;
};

}  // namespace pabal::engine
