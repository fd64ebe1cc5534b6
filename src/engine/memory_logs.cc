#include "engine/memory_logs.h"

#include <algorithm>

namespace pabal::engine {

uint64_t MemoryLogs::bytes_max(const LogState& log) const {
  uint64_t asked = log.settings.retention_bytes;
  return asked == 0 ? limits_.log_bytes_max : std::min(asked, limits_.all_bytes_max);
}

std::vector<MemoryLogs::Log> MemoryLogs::add(const Log& log, Offset base, Offset next, SharedBytes batch,
                                             Instant now) {
  Kept& kept = logs_.try_emplace(log->id, Kept{log}).first->second;
  uint64_t bytes = batch.size() + log::Tail::overhead_bytes;
  uint64_t span_bytes = std::min(span_bytes_max, bytes_max(*log) / spans_min);
  if (kept.spans.empty() || kept.spans.back().bytes >= span_bytes) {
    if (kept.spans.empty()) oldest_.emplace(next_order_, log->id);
    kept.spans.push_back({next_order_++, next, 0, now});
  }
  Span& last = kept.spans.back();
  last.next = next;
  last.since = now;
  for (uint64_t* sum : {&last.bytes, &kept.bytes, &bytes_}) *sum += bytes;
  log->tail.append(base, next, std::move(batch));

  std::vector<Log> trimmed;
  while (kept.bytes > bytes_max(*log) && kept.spans.size() > 1) drop_first(kept);
  log->stored_bytes = kept.bytes;
  while (bytes_ > limits_.all_bytes_max && oldest_.size() + kept.spans.size() > 2) {
    auto oldest = oldest_.begin();
    if (oldest->second == log->id && kept.spans.size() == 1) ++oldest;  // what was just added stays
    Kept& other = logs_.at(oldest->second);
    trimmed.push_back(other.log);
    drop_first(other);
  }
  return trimmed;
}

// The log begins later before the records go: a reader who misses them finds out why.
void MemoryLogs::drop_first(Kept& kept) {
  Span span = kept.spans.front();
  kept.spans.pop_front();
  oldest_.erase({span.order, kept.log->id});
  if (!kept.spans.empty()) oldest_.emplace(kept.spans.front().order, kept.log->id);
  kept.bytes -= span.bytes;
  bytes_ -= span.bytes;
  kept.log->first = std::max(kept.log->first.load(), span.next.value());
  kept.log->tail.drop_below(span.next);
  kept.log->stored_bytes = kept.bytes;
}

std::vector<MemoryLogs::Log> MemoryLogs::expire(Instant now) {
  std::vector<Log> trimmed;
  for (auto& [id, kept] : logs_) {
    Duration age = kept.log->settings.retention_time;
    if (age <= Duration::zero()) continue;
    bool any = false;
    for (; !kept.spans.empty() && now - kept.spans.front().since >= age; any = true) drop_first(kept);
    if (any) trimmed.push_back(kept.log);
  }
  return trimmed;
}

void MemoryLogs::trim(const Log& log) {
  auto found = logs_.find(log->id);
  if (found == logs_.end()) return;
  Kept& kept = found->second;
  while (!kept.spans.empty() && kept.spans.front().next <= Offset(log->first)) drop_first(kept);
}

void MemoryLogs::forget(const Log& log) {
  auto found = logs_.find(log->id);
  if (found == logs_.end()) return;
  while (!found->second.spans.empty()) drop_first(found->second);
  logs_.erase(found);
}

}  // namespace pabal::engine
