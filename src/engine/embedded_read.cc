#include <algorithm>

#include "engine/embedded_engine.h"
#include "log/record_batch.h"

namespace pabal::engine {
namespace {

using runtime::Task;

// What one look at a log can find: batches, or that they lie in the segments.
enum class Place { tail, segments };

struct Look {
  LogRange range;
  Place place = Place::tail;
  std::vector<SharedBytes> batches = {};
};

LogRange range_of(const LogState& log) {
  // The end first: while it is read the beginning only comes closer to it.
  Offset next(log.high_watermark);
  return {std::min(Offset(log.first), next), next, log.stored_bytes, log.lost, log.epoch};
}

Result<Look> look(const LogState& log, Offset from, size_t bytes_max) {
  if (log.removed) return error(ErrorCode::not_found, "there is no log {}", log.id);
  Look found{range_of(log)};
  if (from < found.range.first || from > found.range.next) {
    return error(ErrorCode::not_found, "offset {} is outside of {} to {}", from, found.range.first,
                 found.range.next);
  }
  if (from == found.range.next) return found;
  auto batches = log.tail.read(from, found.range.next, bytes_max);
  if (batches) {
    found.batches = std::move(*batches);
  } else {
    found.place = Place::segments;
  }
  return found;
}

// What could not be read of a log that still has it is damage; a file that is gone is.
std::unexpected<Error> damaged(const LogState& log, Error problem) {
  if (problem.code == ErrorCode::not_found) problem.code = ErrorCode::corrupt;
  if (problem.code == ErrorCode::corrupt) log.damage.found(log.id, problem.message);
  return std::unexpected(std::move(problem));
}

// On a thread that may wait. Between the look at the tail and this, the segments may have been trimmed. Where
// compaction has removed all from `from` to the end of the segments, or a crash has lost it, the tail goes
// on.
Result<ReadResult> read_segments(const LogState& log, Offset from, size_t bytes_max) {
  while (true) {
    Offset end = log.segments.end();
    auto batches = log.segments.read(from, bytes_max);
    auto now = look(log, from, bytes_max);
    if (!now) return std::unexpected(now.error());
    if (!batches) return damaged(log, batches.error());
    if (batches->empty() && now->place == Place::tail) batches = std::move(now->batches);
    if (Offset behind = log.behind_gap(from); batches->empty() && behind > from) {
      from = behind;
      continue;
    }
    if (!batches->empty() || from == now->range.next) return ReadResult{std::move(*batches), now->range};
    if (log.durability == Durability::memory) continue;  // trimmed just now, as the next look finds
    if (from >= end && log.segments.end() == end) {
      return damaged(log, {ErrorCode::corrupt,
                           fmt::format("the log {} lacks offset {}, between {} and {}", log.id, from,
                                       now->range.first, now->range.next),
                           {}});
    }
    from = std::max(from, end);
  }
}

// The first record at or after `time` among those that are in the tail from `from` on; nullopt when the tail
// does not reach so far down.
Result<std::optional<Offset>> find_in_tail(const LogState& log, Offset from, WallTime time) {
  Offset end(log.high_watermark);
  while (from < end) {
    auto batches = log.tail.read(from, end, 1_MiB);
    if (!batches) return std::nullopt;
    if (batches->empty()) return end;  // a crash has lost what was there
    for (const SharedBytes& bytes : *batches) {
      auto batch = log::BatchView::parse(bytes.view());
      if (!batch) return std::unexpected(batch.error());
      if (batch->max_timestamp() >= time) {
        auto found = log::find_time_in(*batch, time, from);
        if (!found) return std::unexpected(found.error());
        if (*found) return found;
      }
      from = batch->next_offset();
    }
  }
  return end;
}

Result<Offset> find_time_in_log(const LogState& log, WallTime time) {
  while (!log.removed) {
    Offset first(log.first);
    Offset stored = log.segments.end();
    auto in_segments = log.segments.find_time(time, first);
    if (!in_segments && Offset(log.first) > first) continue;  // trimmed meanwhile
    if (!in_segments) return damaged(log, in_segments.error());
    if (*in_segments) return **in_segments;
    Offset from = std::max(first, stored);
    auto in_tail = find_in_tail(log, from, time);
    // What a crash has lost is in neither.
    if (Offset behind = log.behind_gap(from); in_tail && !*in_tail && behind > from) {
      in_tail = find_in_tail(log, behind, time);
    }
    if (!in_tail) return std::unexpected(in_tail.error());
    if (*in_tail) return **in_tail;  // else what was in the tail has moved to a segment
  }
  return error(ErrorCode::not_found, "there is no log {}", log.id);
}

}  // namespace

Result<LogRange> EmbeddedEngine::range(LogId log) const {
  auto found = find(log);
  if (!found) return std::unexpected(found.error());
  return range_of(**found);
}

Task<Result<ReadResult>> EmbeddedEngine::read(LogId log, Offset from, size_t bytes_max) {
  auto found = find(log);
  if (!found) co_return std::unexpected(found.error());
  auto now = look(**found, from, bytes_max);
  if (!now) co_return std::unexpected(now.error());
  if (now->place == Place::tail) co_return ReadResult{std::move(now->batches), now->range};
  co_return co_await runtime::on<Result<ReadResult>>(
      io_.readers, [state = *found, from, bytes_max]() -> Task<Result<ReadResult>> {
        co_return read_segments(*state, from, bytes_max);
      });
}

Task<Result<Offset>> EmbeddedEngine::find_time(LogId log, WallTime time) {
  auto found = find(log);
  if (!found) co_return std::unexpected(found.error());
  co_return co_await runtime::on<Result<Offset>>(
      io_.readers,
      [state = *found, time]() -> Task<Result<Offset>> { co_return find_time_in_log(*state, time); });
}

}  // namespace pabal::engine
