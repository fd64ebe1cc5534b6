#include "log/segmented_log.h"

#include <algorithm>

#include "base/check.h"

namespace pabal::log {
namespace {

constexpr size_t write_bytes_max = 1_MiB;  // small batches are gathered up to this

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

std::string segment_path(const std::string& directory, const SegmentState& state) {
  if (state.generation == 0) return fmt::format("{}/{:020}.log", directory, state.base.value());
  return fmt::format("{}/{:020}-{}.log", directory, state.base.value(), state.generation);
}

SegmentedLog::SegmentedLog(FileCache& files, std::string directory, const LogCheckpoint& state,
                           SegmentLimits limits)
    : files_(files),
      directory_(std::move(directory)),
      limits_(limits),
      next_(state.next),
      compacted_(state.compacted) {
  for (const SegmentState& segment : state.segments) {
    segments_.push_back(
        std::make_shared<Segment>(segment_path(directory_, segment), segment, limits_.index_interval_bytes));
  }
  cut_needed_ = !segments_.empty();
  published_.set(std::make_shared<const Segments>(segments_));
}

Result<void> SegmentedLog::append(std::span<const SharedBytes> batches, WallTime now) {
  auto is_written = [this](const SharedBytes& batch) {
    return BatchView::parse(batch.view())->base_offset() < next_;
  };
  while (!batches.empty() && is_written(batches.front())) batches = batches.subspan(1);
  while (!batches.empty()) {
    auto count = append_some(batches, now);
    if (!count) return std::unexpected(count.error());
    batches = batches.subspan(*count);
  }
  return {};
}

// Writes as many of the batches as one segment and one write take, at least one. Returns how many.
Result<size_t> SegmentedLog::append_some(std::span<const SharedBytes> batches, WallTime now) {
  auto segment = segment_for(batches.front().size());
  if (!segment) return std::unexpected(segment.error());
  uint64_t position = (*segment)->state().bytes;
  uint64_t room = limits_.segment_bytes - std::min(position, limits_.segment_bytes);
  std::vector<BytesView> pieces;
  uint64_t bytes = 0;
  do {
    pieces.push_back(batches[pieces.size()].view());
    bytes += pieces.back().size();
  } while (pieces.size() < batches.size() &&
           bytes + batches[pieces.size()].size() <= std::min<uint64_t>(room, write_bytes_max));
  auto file = files_.open((*segment)->path());
  if (!file) return std::unexpected(file.error());
  if (auto done = (*file)->write_at(position, pieces); !done) return std::unexpected(done.error());
  count_written(*segment, batches.first(pieces.size()), now);
  return pieces.size();
}

void SegmentedLog::count_written(const std::shared_ptr<Segment>& segment,
                                 std::span<const SharedBytes> batches, WallTime now) {
  if (std::ranges::find(dirty_, segment) == dirty_.end()) dirty_.push_back(segment);
  for (const SharedBytes& written : batches) {
    auto batch = BatchView::parse(written.view());
    check(batch && batch->base_offset() == next_, "{} goes on at {}, not at {}", directory_, next_,
          batch ? batch->base_offset() : Offset(-1));
    segment->grew(*batch, now);
    next_ = batch->next_offset();
  }
}

// The segment that the next `bytes` go to.
Result<std::shared_ptr<Segment>> SegmentedLog::segment_for(size_t bytes) {
  if (segments_.empty()) return start_segment();
  const auto& last = segments_.back();
  if (cut_needed_) {
    auto done = cut_to_checkpoint(*last);
    if (!done && done.error().code != ErrorCode::corrupt) return std::unexpected(done.error());
    cut_needed_ = false;
    last_is_whole_ = done.has_value();
    if (!done) return std::unexpected(done.error());
  }
  uint64_t used = last->state().bytes;
  if (!last_is_whole_ || last->state().next != next_ || (used > 0 && used + bytes > limits_.segment_bytes))
    return start_segment();
  return last;
}

Result<std::shared_ptr<Segment>> SegmentedLog::start_segment() {
  SegmentState state{.base = next_, .next = next_};
  std::string path = segment_path(directory_, state);
  if (auto done = files_.file_system().make_directories(directory_); !done)
    return std::unexpected(done.error());
  if (auto file = files_.create(path); !file) return std::unexpected(file.error());
  segments_.push_back(std::make_shared<Segment>(path, state, limits_.index_interval_bytes));
  names_dirty_ = true;
  cut_needed_ = false;
  last_is_whole_ = true;
  published_.set(std::make_shared<const Segments>(segments_));
  return segments_.back();
}

// What lies above the checkpointed length was never flushed, or is in the journal as well.
Result<void> SegmentedLog::cut_to_checkpoint(Segment& segment) {
  uint64_t expected = segment.state().bytes;
  auto file = expected == 0 ? files_.create(segment.path()) : files_.open(segment.path());
  if (!file && file.error().code == ErrorCode::not_found) {
    return error(ErrorCode::corrupt, "{} is missing; {} bytes of it were durable", segment.path(), expected);
  }
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size < expected) {
    return error(ErrorCode::corrupt, "{} is damaged at byte {}: it ends there; {} bytes were durable",
                 segment.path(), *size, expected);
  }
  return *size == expected ? Result<void>() : (*file)->resize(expected);
}

Result<void> SegmentedLog::flush_files() {
  for (const auto& segment : dirty_) {
    auto file = files_.open(segment->path());
    if (!file) return std::unexpected(file.error());
    if (auto done = (*file)->flush(); !done) return done;
  }
  return {};
}

void SegmentedLog::add_changed_directories(std::set<std::string>& directories) const {
  if (!names_dirty_) return;
  std::string topic = parent_of(directory_);
  directories.insert({directory_, topic, parent_of(topic)});
}

void SegmentedLog::set_flushed() {
  dirty_.clear();
  names_dirty_ = false;
}

std::vector<std::string> SegmentedLog::trim(Offset first) {
  std::vector<std::string> removed;
  // An empty one at `first` stays: the next batch goes there, and a removed name must never be used again.
  auto keeps = [&](const std::shared_ptr<Segment>& segment) {
    SegmentState state = segment->state();
    return state.next > first || state.base >= first;
  };
  auto kept = std::ranges::find_if(segments_, keeps);
  for (auto it = segments_.begin(); it != kept; ++it) {
    removed.push_back((*it)->path());
    std::erase(dirty_, *it);
  }
  segments_.erase(segments_.begin(), kept);
  if (segments_.empty()) cut_needed_ = false;
  next_ = std::max(next_, first);
  if (!removed.empty()) published_.set(std::make_shared<const Segments>(segments_));
  return removed;
}

std::vector<SegmentState> SegmentedLog::states() const {
  std::vector<SegmentState> all;
  for (const auto& segment : segments_) all.push_back(segment->state());
  return all;
}

uint64_t SegmentedLog::bytes() const {
  uint64_t sum = 0;
  for (const auto& segment : *published_.get()) sum += segment->state().bytes;
  return sum;
}

Offset SegmentedLog::end() const {
  auto segments = published_.get();
  return segments->empty() ? Offset() : segments->back()->state().next;
}

std::vector<std::shared_ptr<Segment>> SegmentedLog::closed() const {
  return segments_.empty() ? Segments() : Segments(segments_.begin(), segments_.end() - 1);
}

Result<std::shared_ptr<Segment>> SegmentedLog::begin_rewrite(std::span<const std::shared_ptr<Segment>> old) {
  SegmentState state{.base = old.front()->state().base, .next = old.back()->state().next};
  for (const auto& segment : old) state.generation = std::max(state.generation, segment->state().generation);
  ++state.generation;
  std::string path = segment_path(directory_, state);
  if (auto file = files_.create(path); !file) return std::unexpected(file.error());
  return std::make_shared<Segment>(path, state, limits_.index_interval_bytes);
}

Result<void> SegmentedLog::write_rewrite(Segment& segment, BytesView batches) {
  auto file = files_.open(segment.path());
  if (!file) return std::unexpected(file.error());
  return (*file)->write_at(segment.state().bytes, batches);
}

std::vector<std::string> SegmentedLog::replace(std::span<const std::shared_ptr<Segment>> old,
                                               const std::shared_ptr<Segment>& fresh) {
  auto at = std::ranges::find(segments_, old.front());
  if (segments_.end() - at < std::ssize(old) || !std::equal(old.begin(), old.end(), at)) return {};
  std::vector<std::string> removed;
  for (const auto& segment : old) {
    removed.push_back(segment->path());
    std::erase(dirty_, segment);
  }
  *at = fresh;
  segments_.erase(at + 1, at + std::ssize(old));
  dirty_.push_back(fresh);
  names_dirty_ = true;
  published_.set(std::make_shared<const Segments>(segments_));
  return removed;
}

void SegmentedLog::save_indexes(bool all) {
  for (const auto& segment : segments_) {
    if (all || segment != segments_.back()) segment->save_index(files_);
  }
}

void SegmentedLog::remove_strangers() {
  auto names = files_.file_system().list(directory_);
  if (!names) return;
  for (const std::string& name : *names) {
    std::string path = directory_ + "/" + name;
    auto is_it = [&](const auto& segment) {
      return segment->path() == path || index_path(segment->path()) == path;
    };
    if (std::ranges::none_of(segments_, is_it)) std::ignore = files_.file_system().remove(path);
  }
}

template <class F>
auto SegmentedLog::look(F find) const -> decltype(find(std::declval<const Segments&>())) {
  while (true) {
    auto segments = published_.get();
    auto found = find(*segments);
    if (found || found.error().code != ErrorCode::not_found || published_.get() == segments) return found;
  }
}

Result<std::vector<SharedBytes>> SegmentedLog::read(Offset from, size_t bytes_max) const {
  return look([&](const Segments& segments) { return read_in(segments, from, bytes_max); });
}

Result<std::vector<SharedBytes>> SegmentedLog::read_in(const Segments& segments, Offset from,
                                                       size_t bytes_max) const {
  auto ends_at_or_below = [from](const auto& segment) { return segment->state().next <= from; };
  for (auto it = std::ranges::partition_point(segments, ends_at_or_below); it != segments.end(); ++it) {
    SegmentState state = (*it)->state();
    auto batches = (*it)->read(files_, from, bytes_max);
    if (!batches || !batches->empty()) return batches;
    if (state.generation == 0 && state.next > std::max(from, state.base)) {
      return error(ErrorCode::corrupt, "{} lacks offset {}", (*it)->path(), std::max(from, state.base));
    }
  }
  return std::vector<SharedBytes>();
}

Result<std::optional<Offset>> SegmentedLog::find_time(WallTime time, Offset first) const {
  return look([&](const Segments& segments) -> Result<std::optional<Offset>> {
    for (const auto& segment : segments) {
      SegmentState state = segment->state();
      if (state.next <= first || state.bytes == 0 || state.max_timestamp < time) continue;
      auto found = segment->find_time(files_, time, first);
      if (!found || *found) return found;
    }
    return std::nullopt;
  });
}

}  // namespace pabal::log
