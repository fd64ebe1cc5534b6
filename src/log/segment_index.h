#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"

namespace pabal::log {

// Which segment file an index speaks for.
struct IndexedSegment {
  Offset base = {};
  uint32_t generation = 0;
  uint64_t bytes = 0;  // an index that speaks of more is not this file's
};

// Where in a segment file every `interval_bytes` of it begin, and the largest timestamp up to there; so far
// as it has been told. A look-up halves its way to one interval, which the caller then walks. Holds 24 bytes
// for each interval. Not safe for use by several threads at once.
class SegmentIndex {
 public:
  explicit SegmentIndex(uint64_t interval_bytes) : interval_bytes_(interval_bytes) {}

  // The next batch of the file.
  void add(Offset base, uint64_t bytes, WallTime max_timestamp);
  [[nodiscard]] uint64_t bytes() const { return bytes_; }  // it covers the file up to here
  [[nodiscard]] size_t entry_count() const { return entries_.size(); }

  // Where to begin to look; a batch that begins at `position` has the base offset `base`.
  struct Place {
    Offset base;
    uint64_t position;
  };
  // nullopt while nothing is covered.
  [[nodiscard]] std::optional<Place> last_at_or_below(Offset offset) const;
  // Before it no record is at or after `time`, whatever the order of the timestamps.
  [[nodiscard]] std::optional<Place> last_before(WallTime time) const;
  [[nodiscard]] std::optional<Place> last() const;

  // The side file, `<segment>.index`, big-endian:
  //   0 magic u64 | 8 crc u32 (of byte 12 on) | 12 generation u32 | 16 base i64 | 24 bytes u64 |
  //   32 max_timestamp_ms i64 | 40 entries
  //   entry: base i64 | position u64 | max_timestamp_before_ms i64
  [[nodiscard]] Bytes encode(Offset base, uint32_t generation) const;
  // `corrupt` when it is not whole, or not of this segment.
  [[nodiscard]] static Result<SegmentIndex> decode(BytesView file, const IndexedSegment& segment,
                                                   uint64_t interval_bytes);

 private:
  struct Entry {
    Offset base;          // of the batch that begins
    uint64_t position;    // here
    WallTime max_before;  // of the records before it
  };

  [[nodiscard]] bool follows(const Entry& entry) const;

  uint64_t interval_bytes_;
  std::vector<Entry> entries_;
  uint64_t bytes_ = 0;
  WallTime max_ = WallTime::min();  // of the records up to there
};

// `<base offset>.index` beside `<base offset>.log`.
[[nodiscard]] std::string index_path(const std::string& segment_path);

}  // namespace pabal::log
