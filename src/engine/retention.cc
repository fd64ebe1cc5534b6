#include "engine/segment_writer.h"

namespace pabal::engine {
namespace {

constexpr uint64_t segments_kept = 8;  // so that a log keeps at most an eighth more than asked
constexpr uint64_t segment_bytes_min = 64_KiB;

// Whole segments whose last record was appended long enough ago; the last one too, if nothing is added to it.
Offset old_enough(const std::vector<log::SegmentState>& segments, Duration age, WallTime now) {
  Offset until;
  for (const log::SegmentState& segment : segments) {
    if (now - segment.last_append < age) break;
    until = segment.next;
  }
  return until;
}

// The oldest segments without which at least `bytes` are kept.
Offset above_size(const std::vector<log::SegmentState>& segments, uint64_t bytes) {
  uint64_t kept = 0;
  for (const log::SegmentState& segment : segments) kept += segment.bytes;
  Offset until;
  for (const log::SegmentState& segment : segments) {
    if (kept - segment.bytes < bytes) break;
    kept -= segment.bytes;
    until = segment.next;
  }
  return until;
}

}  // namespace

uint64_t segment_bytes_for(const LogSettings& settings, const EmbeddedLimits& limits) {
  uint64_t bytes = limits.segments.segment_bytes;
  if (settings.compact) bytes = std::min(bytes, limits.compacted_segment_bytes);
  if (settings.retention_bytes == 0) return bytes;
  return std::min(bytes, std::max(settings.retention_bytes / segments_kept, segment_bytes_min));
}

Offset retained_from(const std::vector<log::SegmentState>& segments, const LogSettings& settings,
                     Offset first, std::optional<Offset> pin, WallTime now) {
  Offset until = first;
  if (settings.retention_time > Duration::zero()) {
    until = std::max(until, old_enough(segments, settings.retention_time, now));
  }
  if (settings.retention_bytes > 0) until = std::max(until, above_size(segments, settings.retention_bytes));
  if (pin) until = std::min(until, *pin);
  return std::max(until, first);
}

void SegmentWriter::retain(RoundResult& result) const {
  WallTime now = options_.clock->wall_now();
  for (const auto& [id, stored] : logs_) {
    Offset from = retained_from(stored.log->segments.states(), stored.settings, stored.first,
                                stored.log->pins.lowest(), now);
    if (from > stored.first) result.trims.emplace_back(id, from);
    result.compaction_due |= wants_compaction(stored);
  }
}

}  // namespace pabal::engine
