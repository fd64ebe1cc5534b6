#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "log/checkpoint.h"
#include "log/file_cache.h"
#include "log/record_batch.h"

namespace pabal::log {

// One file of a log: record batches one after the other, as they arrived. Grown by one thread, read by any;
// all of them may wait for the disk. Knows where every 64 KiB of it begin; after a restart readers build that
// index again from the batch headers, each as far as it has to look.
class Segment {
 public:
  static constexpr uint64_t index_interval_bytes = 64_KiB;

  Segment(std::string path, const SegmentState& state) : path_(std::move(path)), state_(state) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] SegmentState state() const;
  // Counts a batch that was written at the end. In the order of the file.
  void grew(const BatchView& batch, WallTime now);
  // Says that offsets from its last record up to `next` are there no more.
  void ends_at(Offset next);

  // The batches from the one that holds `from` on, up to `bytes_max` but at least one; windows into one
  // buffer. Each CRC has been checked; `corrupt` names the file and the byte.
  Result<std::vector<SharedBytes>> read(FileCache& files, Offset from, size_t bytes_max);
  // The first record at or above `first` with a timestamp at or after `time`.
  Result<std::optional<Offset>> find_time(FileCache& files, WallTime time, Offset first);

 private:
  struct IndexEntry {
    Offset base;          // of the batch that begins
    uint64_t position;    // here
    WallTime max_before;  // of the records before it
  };

  void index_batch_locked(Offset base, uint64_t position, WallTime max_timestamp);
  // Extends the index over the batches that are not in it, until `enough` of one.
  Result<void> build_index(runtime::File& file, const std::function<bool(const BatchView&)>& enough);
  Result<std::vector<SharedBytes>> read_batches(runtime::File& file, uint64_t position, size_t bytes);
  [[nodiscard]] uint64_t position_below(Offset from) const;
  [[nodiscard]] uint64_t position_before(WallTime time) const;
  [[nodiscard]] std::unexpected<Error> damaged(uint64_t position, const Error& problem) const;

  const std::string path_;
  mutable std::mutex mutex_;
  SegmentState state_;
  std::vector<IndexEntry> index_;
  uint64_t indexed_bytes_ = 0;              // the index covers the file up to here
  WallTime indexed_max_ = WallTime::min();  // of the records up to there
};

// The same in one batch; its beginning (or `first`) when it cannot be looked into.
[[nodiscard]] Result<std::optional<Offset>> find_time_in(const BatchView& batch, WallTime time, Offset first);

}  // namespace pabal::log
