#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "log/published.h"
#include "log/segment.h"

namespace pabal::log {

struct SegmentLimits {
  uint64_t segment_bytes = 128_MiB;  // a full segment is closed and the next one begun
  uint64_t index_interval_bytes = Segment::index_interval_bytes;
};

// The segment files of one log, in a directory of their own. One thread writes, any thread reads; both may
// wait for the disk. What append() wrote is readable at once, and durable when it is flushed.
class SegmentedLog {
 public:
  // As a checkpoint left it; an empty one makes its directory when it is first written.
  SegmentedLog(FileCache& files, std::string directory, const LogCheckpoint& state, SegmentLimits limits);

  // The writer's.

  // Writes batches that follow what is there (next()); those below next() are skipped, so that after an error
  // the call can be repeated. `corrupt` when the last segment is not as long as it was: nothing is cut off,
  // and the repeated call begins a new one.
  Result<void> append(std::span<const SharedBytes> batches, WallTime now);
  // What append() wrote becomes durable by flush_files() and a flush of every directory it adds (which many
  // logs may share), or by a flush of the whole volume; set_flushed() says that either is done.
  Result<void> flush_files();
  void add_changed_directories(std::set<std::string>& directories) const;
  void set_flushed();
  // Goes on at `next`, in a segment of its own: the offsets between were lost.
  void skip_to(Offset next) { next_ = std::max(next_, next); }
  // From now on segments are closed at so many bytes.
  void set_segment_bytes(uint64_t bytes) { limits_.segment_bytes = bytes; }
  [[nodiscard]] bool dirty() const { return !dirty_.empty(); }
  // Forgets the segments that lie wholly below `first` and returns their paths, for removal when no
  // checkpoint refers to them. An empty log goes on at `first`.
  std::vector<std::string> trim(Offset first);
  [[nodiscard]] Offset next() const { return next_; }
  [[nodiscard]] std::vector<SegmentState> states() const;
  // Below it no two records have the same key.
  [[nodiscard]] Offset compacted() const { return compacted_; }
  void set_compacted(Offset offset) { compacted_ = offset; }
  // The segments that nothing is appended to any more.
  [[nodiscard]] std::vector<std::shared_ptr<Segment>> closed() const;
  // A file for what is left of `old`, not part of the log yet.
  Result<std::shared_ptr<Segment>> begin_rewrite(std::span<const std::shared_ptr<Segment>> old);
  Result<void> write_rewrite(Segment& segment, BytesView batches);
  // Puts `fresh` in the place of `old` and returns their paths, for removal when no checkpoint refers to
  // them; nothing when some of them have been trimmed meanwhile.
  std::vector<std::string> replace(std::span<const std::shared_ptr<Segment>> old,
                                   const std::shared_ptr<Segment>& fresh);
  // Writes side files for the segments that are closed, or for all when nothing is appended any more. Never
  // fails: without one, readers build the index. Call it when all of it is durable.
  void save_indexes(bool all);
  // Removes files in the directory that are not of this log: rewrites that a crash has interrupted.
  void remove_strangers();
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] FileCache& files() const { return files_; }

  // Any thread's.

  [[nodiscard]] uint64_t bytes() const;
  // One past the last record in a segment; zero when there is none.
  [[nodiscard]] Offset end() const;
  // The batches from the one that holds `from` on, or, where compaction has removed it or a crash has lost
  // it, from the next one that is left; none when no segment holds any.
  Result<std::vector<SharedBytes>> read(Offset from, size_t bytes_max) const;
  // The first record at or after `time`, and not below `first`.
  Result<std::optional<Offset>> find_time(WallTime time, Offset first) const;

 private:
  using Segments = std::vector<std::shared_ptr<Segment>>;

  // Looks at the segments; again when one of them was replaced and removed meanwhile.
  template <class F>
  auto look(F find) const -> decltype(find(std::declval<const Segments&>()));
  Result<std::vector<SharedBytes>> read_in(const Segments& segments, Offset from, size_t bytes_max) const;
  Result<size_t> append_some(std::span<const SharedBytes> batches, WallTime now);
  void count_written(const std::shared_ptr<Segment>& segment, std::span<const SharedBytes> batches,
                     WallTime now);
  Result<std::shared_ptr<Segment>> segment_for(size_t bytes);
  Result<std::shared_ptr<Segment>> start_segment();
  Result<void> cut_to_checkpoint(Segment& segment);

  FileCache& files_;
  std::string directory_;
  SegmentLimits limits_;
  Offset next_;
  Offset compacted_;
  Segments segments_;  // the writer's copy
  Published<Segments> published_;
  std::vector<std::shared_ptr<Segment>> dirty_;
  bool names_dirty_ = false;  // a segment was made since the last flush
  bool cut_needed_ = false;   // the last segment may be longer than the checkpoint says
  bool last_is_whole_ = true;
};

// `<base offset, 20 digits>.log`, and once compacted `<base offset>-<generation>.log`.
[[nodiscard]] std::string segment_path(const std::string& directory, const SegmentState& state);

}  // namespace pabal::log
