#include "log/segment.h"

#include <algorithm>

#include "log/batch_walk.h"

namespace pabal::log {

SegmentState Segment::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void Segment::grew(const BatchView& batch, WallTime now) {
  std::lock_guard lock(mutex_);
  if (indexed_bytes_ == state_.bytes) {
    index_batch_locked(batch.base_offset(), state_.bytes, batch.max_timestamp());
    indexed_bytes_ += batch.bytes().size();
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

void Segment::index_batch_locked(Offset base, uint64_t position, WallTime max_timestamp) {
  if (index_.empty() || position - index_.back().position >= index_interval_bytes) {
    index_.push_back({base, position, indexed_max_});
  }
  indexed_max_ = std::max(indexed_max_, max_timestamp);
}

// The lock is not held while the disk works.
Result<void> Segment::build_index(runtime::File& file, const std::function<bool(const BatchView&)>& enough) {
  struct Passed {
    Offset base;
    uint64_t position;
    WallTime max_timestamp;
  };
  std::unique_lock lock(mutex_);
  bool done = false;
  while (!done && indexed_bytes_ < state_.bytes) {
    uint64_t begin = indexed_bytes_;
    BatchWalk walk(file, begin, state_.bytes);
    lock.unlock();
    std::vector<Passed> passed;
    while (!walk.at_end() && !done) {
      auto batch = walk.current();
      if (!batch) return damaged(walk.position(), batch.error());
      passed.push_back({batch->base_offset(), walk.position(), batch->max_timestamp()});
      done = enough(*batch);
      walk.pass(*batch);
    }
    lock.lock();
    if (indexed_bytes_ != begin) {  // another reader was faster: look at what it left
      done = false;
      continue;
    }
    for (const Passed& batch : passed) index_batch_locked(batch.base, batch.position, batch.max_timestamp);
    indexed_bytes_ = walk.position();
  }
  return {};
}

uint64_t Segment::position_below(Offset from) const {
  std::lock_guard lock(mutex_);
  auto after = std::ranges::upper_bound(index_, from, {}, &IndexEntry::base);
  return after == index_.begin() ? 0 : std::prev(after)->position;
}

uint64_t Segment::position_before(WallTime time) const {
  std::lock_guard lock(mutex_);
  auto after = std::ranges::lower_bound(index_, time, {}, &IndexEntry::max_before);
  return after == index_.begin() ? 0 : std::prev(after)->position;
}

std::unexpected<Error> Segment::damaged(uint64_t position, const Error& problem) const {
  if (problem.code != ErrorCode::corrupt) return std::unexpected(problem);
  return error(ErrorCode::corrupt, "{} is damaged at byte {}: {}", path_, position, problem.message);
}

Result<std::vector<SharedBytes>> Segment::read(FileCache& files, Offset from, size_t bytes_max) {
  auto file = files.open(path_);
  if (!file) return std::unexpected(file.error());
  auto enough = [from](const BatchView& batch) { return batch.next_offset() > from; };
  if (auto done = build_index(**file, enough); !done) return std::unexpected(done.error());
  BatchWalk walk(**file, position_below(from), state().bytes);
  size_t first_bytes = 0;
  while (!walk.at_end() && first_bytes == 0) {
    auto batch = walk.current();
    if (!batch) return damaged(walk.position(), batch.error());
    if (batch->next_offset() > from) {
      first_bytes = batch->bytes().size();
    } else {
      walk.pass(*batch);
    }
  }
  return read_batches(**file, walk.position(), std::max(bytes_max, first_bytes));
}

// The whole batches among the `bytes` from `position` on, where a batch begins.
Result<std::vector<SharedBytes>> Segment::read_batches(runtime::File& file, uint64_t position, size_t bytes) {
  Bytes buffer(std::min<uint64_t>(bytes, state().bytes - position));
  auto got = file.read_at(position, buffer);
  if (!got) return std::unexpected(got.error());
  buffer.resize(*got);
  SharedBytes shared(std::move(buffer));
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
  auto file = files.open(path_);
  if (!file) return std::unexpected(file.error());
  auto enough = [time, first](const BatchView& batch) {
    return batch.max_timestamp() >= time && batch.last_offset() >= first;
  };
  if (auto done = build_index(**file, enough); !done) return std::unexpected(done.error());
  BatchWalk walk(**file, std::max(position_before(time), position_below(first)), state().bytes);
  while (!walk.at_end()) {
    auto batch = walk.current();
    if (!batch) return damaged(walk.position(), batch.error());
    if (batch->max_timestamp() >= time && batch->last_offset() >= first) {
      auto found = find_time_in(*batch, time, first);
      if (!found) return damaged(walk.position(), found.error());
      if (*found) return found;
    }
    walk.pass(*batch);
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
