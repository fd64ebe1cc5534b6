#include "log/segment.h"

#include <algorithm>

#include "base/logging.h"
#include "runtime/replace_file.h"

namespace pabal::log {
namespace {

constexpr size_t index_file_bytes_max = 64_MiB;

}  // namespace

SegmentState Segment::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void Segment::grew(const BatchView& batch, WallTime now) {
  std::lock_guard lock(mutex_);
  if (!growing_)
    growing_ = state_.bytes == 0 ? std::make_shared<SegmentIndex>(interval_bytes_) : kept_.lock();
  if (growing_ && growing_->bytes() == state_.bytes) {
    growing_->add(batch.base_offset(), batch.bytes().size(), batch.max_timestamp());
  }
  state_.max_timestamp =
      state_.bytes == 0 ? batch.max_timestamp() : std::max(state_.max_timestamp, batch.max_timestamp());
  state_.bytes += batch.bytes().size();
  state_.next = batch.next_offset();
  state_.last_append = now;
}

void Segment::ends_at(Offset next) {
  std::lock_guard lock(mutex_);
  state_.next = next;
}

void Segment::save_index(FileCache& files) {
  std::unique_lock lock(mutex_);
  IndexPtr index = index_locked();
  if (!index) return;
  if (growing_) {
    files.keep(path_, growing_);
    kept_ = std::exchange(growing_, nullptr);
  }
  if (index->bytes() != state_.bytes || saved_bytes_ == state_.bytes ||
      index->entry_count() < saved_entries_min) {
    return;
  }
  uint64_t covered = index->bytes();
  Bytes bytes = index->encode(state_.base, state_.generation);
  lock.unlock();
  auto file = files.file_system().open(index_path(path_), runtime::OpenMode::create);
  Result<void> done = file ? (*file)->write_at(0, bytes) : std::unexpected(file.error());
  if (done) done = (*file)->resize(bytes.size());
  if (!done) spdlog::warn("log: {} is not written: {}", index_path(path_), done.error().message);
  lock.lock();
  saved_bytes_ = done ? covered : 0;
  side_file_is_good_ = done.has_value();
}

bool Segment::has_index() const {
  std::lock_guard lock(mutex_);
  return index_locked() != nullptr;
}

Segment::IndexPtr Segment::index_locked() const { return growing_ ? growing_ : kept_.lock(); }

// The one in memory, else the one on disk, else an empty one.
Segment::IndexPtr Segment::index(FileCache& files, runtime::File& file) {
  std::unique_lock lock(mutex_);
  if (IndexPtr known = index_locked()) return known;
  bool on_disk = side_file_is_good_;
  lock.unlock();
  Result<SegmentIndex> loaded = SegmentIndex(interval_bytes_);
  if (on_disk) loaded = load_index(files, file);
  lock.lock();
  if (IndexPtr other = index_locked()) return other;  // another reader was faster
  side_file_is_good_ = side_file_is_good_ && loaded;
  saved_bytes_ = loaded ? loaded->bytes() : 0;
  auto made = std::make_shared<SegmentIndex>(loaded ? std::move(*loaded) : SegmentIndex(interval_bytes_));
  kept_ = made;
  lock.unlock();
  files.keep(path_, made);
  return made;
}

// What the side file says, when it is whole and its last entry is where a batch begins.
Result<SegmentIndex> Segment::load_index(FileCache& files, runtime::File& file) const {
  SegmentState now = state();
  if (now.bytes < interval_bytes_) return error(ErrorCode::not_found, "{} is short", path_);
  auto bytes = runtime::read_file(files.file_system(), index_path(path_), index_file_bytes_max);
  if (!bytes) return std::unexpected(bytes.error());
  auto index = SegmentIndex::decode(
      *bytes, {.base = now.base, .generation = now.generation, .bytes = now.bytes}, interval_bytes_);
  if (index) {
    auto walk = walk_from(file, index->last());
    if (!walk) index = std::unexpected(walk.error());
  }
  if (!index) spdlog::info("log: {} is not used: {}", index_path(path_), index.error().message);
  return index;
}

bool Segment::give_up_side_file() {
  std::lock_guard lock(mutex_);
  if (saved_bytes_ == 0 || !side_file_is_good_) return false;
  side_file_is_good_ = false;
  saved_bytes_ = 0;
  growing_.reset();
  kept_.reset();
  return true;
}

// The lock is not held while the disk works.
Result<void> Segment::build_index(SegmentIndex& index, runtime::File& file,
                                  const std::function<bool(const BatchView&)>& enough) {
  struct Passed {
    Offset base;
    uint64_t bytes;
    WallTime max_timestamp;
  };
  std::unique_lock lock(mutex_);
  bool done = false;
  while (!done && index.bytes() < state_.bytes) {
    uint64_t begin = index.bytes();
    BatchWalk walk(file, begin, state_.bytes);
    lock.unlock();
    std::vector<Passed> passed;
    while (!walk.at_end() && !done) {
      auto batch = walk.current();
      if (!batch) return damaged(walk.position(), batch.error());
      passed.push_back({batch->base_offset(), batch->bytes().size(), batch->max_timestamp()});
      done = enough(*batch);
      walk.pass(*batch);
    }
    lock.lock();
    if (index.bytes() != begin) {  // another reader was faster: look at what it left
      done = false;
      continue;
    }
    for (const Passed& batch : passed) index.add(batch.base, batch.bytes, batch.max_timestamp);
  }
  return {};
}

// From where the index says that a batch begins; `corrupt` when it is not that batch.
Result<BatchWalk> Segment::walk_from(runtime::File& file, const Place& place) const {
  BatchWalk walk(file, place ? place->position : 0, state().bytes);
  if (!place || walk.at_end()) return walk;
  auto batch = walk.current();
  if (!batch) return damaged(walk.position(), batch.error());
  if (batch->base_offset() == place->base) return walk;
  return error(ErrorCode::corrupt, "{} is damaged at byte {}: offset {} should stand there, not {}", path_,
               place->position, place->base, batch->base_offset());
}

std::unexpected<Error> Segment::damaged(uint64_t position, const Error& problem) const {
  if (problem.code != ErrorCode::corrupt) return std::unexpected(problem);
  return error(ErrorCode::corrupt, "{} is damaged at byte {}: {}", path_, position, problem.message);
}

template <class F>
auto Segment::look(FileCache& files, F find) -> decltype(find(std::declval<runtime::File&>(), IndexPtr())) {
  auto file = files.open(path_);
  if (!file) return std::unexpected(file.error());
  while (true) {
    auto found = find(**file, index(files, **file));
    if (found || found.error().code != ErrorCode::corrupt || !give_up_side_file()) return found;
  }
}

Result<std::vector<SharedBytes>> Segment::read(FileCache& files, Offset from, size_t bytes_max) {
  return look(files, [&](runtime::File& file, const IndexPtr& index) {
    return read_with(file, *index, from, bytes_max);
  });
}

Result<std::vector<SharedBytes>> Segment::read_with(runtime::File& file, SegmentIndex& index, Offset from,
                                                    size_t bytes_max) {
  auto enough = [from](const BatchView& batch) { return batch.next_offset() > from; };
  if (auto done = build_index(index, file, enough); !done) return std::unexpected(done.error());
  std::unique_lock lock(mutex_);
  Place place = index.last_at_or_below(from);
  lock.unlock();
  auto walk = walk_from(file, place);
  if (!walk) return std::unexpected(walk.error());
  size_t first_bytes = 0;
  while (!walk->at_end() && first_bytes == 0) {
    auto batch = walk->current();
    if (!batch) return damaged(walk->position(), batch.error());
    if (batch->next_offset() > from) {
      first_bytes = batch->bytes().size();
    } else {
      walk->pass(*batch);
    }
  }
  return read_batches(file, walk->position(), std::max(bytes_max, first_bytes));
}

// The whole batches among the `bytes` from `position` on, where a batch begins.
Result<std::vector<SharedBytes>> Segment::read_batches(runtime::File& file, uint64_t position, size_t bytes) {
  OwnedBytes buffer = OwnedBytes::unfilled(std::min<uint64_t>(bytes, state().bytes - position));
  auto got = file.read_at(position, buffer.span());
  if (!got) return std::unexpected(got.error());
  SharedBytes shared = std::move(buffer).share().window(0, *got);
  std::vector<SharedBytes> batches;
  for (size_t at = 0; at < shared.size();) {
    auto batch = BatchView::parse(shared.view().subspan(at));
    if (!batch && !batches.empty()) break;  // the last one does not fit; who asks for it next sees any damage
    if (batch) {
      if (auto whole = batch->verify(); !whole) batch = std::unexpected(whole.error());
    }
    if (!batch) return damaged(position + at, batch.error());
    batches.push_back(shared.window(at, batch->bytes().size()));
    at += batch->bytes().size();
  }
  return batches;
}

Result<std::optional<Offset>> Segment::find_time(FileCache& files, WallTime time, Offset first) {
  return look(files, [&](runtime::File& file, const IndexPtr& index) {
    return find_time_with(file, *index, time, first);
  });
}

Result<std::optional<Offset>> Segment::find_time_with(runtime::File& file, SegmentIndex& index, WallTime time,
                                                      Offset first) {
  auto enough = [time, first](const BatchView& batch) {
    return batch.max_timestamp() >= time && batch.last_offset() >= first;
  };
  if (auto done = build_index(index, file, enough); !done) return std::unexpected(done.error());
  std::unique_lock lock(mutex_);
  Place by_time = index.last_before(time);
  Place by_offset = index.last_at_or_below(first);
  lock.unlock();
  auto walk = walk_from(file, by_time && by_time->position > by_offset->position ? by_time : by_offset);
  if (!walk) return std::unexpected(walk.error());
  while (!walk->at_end()) {
    auto batch = walk->current();
    if (!batch) return damaged(walk->position(), batch.error());
    if (batch->max_timestamp() >= time && batch->last_offset() >= first) {
      auto found = find_time_in(*batch, time, first);
      if (!found) return damaged(walk->position(), found.error());
      if (*found) return found;
    }
    walk->pass(*batch);
  }
  return std::nullopt;
}

Result<std::optional<Offset>> find_time_in(const BatchView& batch, WallTime time, Offset first) {
  std::optional<Offset> found;
  auto read = batch.for_each([&](const StoredRecord& record) {
    if (record.timestamp < time || record.offset < first) return true;
    found = record.offset;
    return false;
  });
  if (!read && read.error().code == ErrorCode::unsupported) return std::max(batch.base_offset(), first);
  if (!read) return std::unexpected(read.error());
  return found;
}

}  // namespace pabal::log
