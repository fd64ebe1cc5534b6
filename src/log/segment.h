#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "log/batch_walk.h"
#include "log/checkpoint.h"
#include "log/file_cache.h"
#include "log/record_batch.h"
#include "log/segment_index.h"

namespace pabal::log {

// One file of a log: record batches one after the other, as they arrived. Grown by one thread, read by any;
// all of them may wait for the disk.
//
// Knows where every so many bytes of it begin. While the file grows that index is in memory; of one that does
// not grow any more it is there as long as the file stays in the cache, so that many idle segments cost
// nothing, and comes back from its side file. Where that is missing, or cannot be believed, readers build the
// index from the batch headers, each as far as it has to look.
class Segment {
 public:
  static constexpr uint64_t index_interval_bytes = 64_KiB;
  static constexpr size_t saved_entries_min = 8;  // less of a file is looked through as fast

  Segment(std::string path, const SegmentState& state, uint64_t interval_bytes = index_interval_bytes)
      : path_(std::move(path)), interval_bytes_(interval_bytes), state_(state) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] SegmentState state() const;
  // Counts a batch that was written at the end. In the order of the file.
  void grew(const BatchView& batch, WallTime now);
  // Says that offsets from its last record up to `next` are there no more.
  void ends_at(Offset next);
  // Writes the side file, if there is one to write; a failure costs later readers time and nothing else. Call
  // it when what is in the file is durable and grows no more, from the thread that also removes it.
  void save_index(FileCache& files);
  // Whether the index is in memory.
  [[nodiscard]] bool has_index() const;

  // The batches from the one that holds `from` on, up to `bytes_max` but at least one; windows into one
  // buffer. Each CRC has been checked; `corrupt` names the file and the byte.
  Result<std::vector<SharedBytes>> read(FileCache& files, Offset from, size_t bytes_max);
  // The first record at or above `first` with a timestamp at or after `time`.
  Result<std::optional<Offset>> find_time(FileCache& files, WallTime time, Offset first);

 private:
  using IndexPtr = std::shared_ptr<SegmentIndex>;
  using Place = std::optional<SegmentIndex::Place>;

  // Looks with the index, and again without its side file if the file is not what that says.
  template <class F>
  auto look(FileCache& files, F find) -> decltype(find(std::declval<runtime::File&>(), IndexPtr()));
  IndexPtr index(FileCache& files, runtime::File& file);
  [[nodiscard]] IndexPtr index_locked() const;
  [[nodiscard]] Result<SegmentIndex> load_index(FileCache& files, runtime::File& file) const;
  bool give_up_side_file();
  // Extends the index over the batches that are not in it, until `enough` of one.
  Result<void> build_index(SegmentIndex& index, runtime::File& file,
                           const std::function<bool(const BatchView&)>& enough);
  [[nodiscard]] Result<BatchWalk> walk_from(runtime::File& file, const Place& place) const;
  Result<std::vector<SharedBytes>> read_with(runtime::File& file, SegmentIndex& index, Offset from,
                                             size_t bytes_max);
  Result<std::optional<Offset>> find_time_with(runtime::File& file, SegmentIndex& index, WallTime time,
                                               Offset first);
  Result<std::vector<SharedBytes>> read_batches(runtime::File& file, uint64_t position, size_t bytes);
  [[nodiscard]] std::unexpected<Error> damaged(uint64_t position, const Error& problem) const;

  const std::string path_;
  const uint64_t interval_bytes_;
  mutable std::mutex mutex_;  // of all below, and of what is in the index
  SegmentState state_;
  IndexPtr growing_;                  // while this is the one that is written to
  std::weak_ptr<SegmentIndex> kept_;  // by the file cache
  uint64_t saved_bytes_ = 0;          // the side file is known to cover so much
  bool side_file_is_good_ = true;     // as far as is known
};

// The same in one batch; its beginning (or `first`) when it cannot be looked into.
[[nodiscard]] Result<std::optional<Offset>> find_time_in(const BatchView& batch, WallTime time, Offset first);

}  // namespace pabal::log
