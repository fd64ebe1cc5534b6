#include "log/segment_index.h"

#include <algorithm>

#include "base/crc32c.h"
#include "log/big_endian.h"

namespace pabal::log {
namespace {

constexpr uint64_t index_magic = 0x504142414c495831;  // "PABALIX1"
constexpr size_t crc_at = 8;
constexpr size_t checked_from = 12;
constexpr size_t generation_at = 12;
constexpr size_t base_at = 16;
constexpr size_t bytes_at = 24;
constexpr size_t max_at = 32;
constexpr size_t header_bytes = 40;
constexpr size_t entry_bytes = 24;

int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }
WallTime from_ms(int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

}  // namespace

void SegmentIndex::add(Offset base, uint64_t bytes, WallTime max_timestamp) {
  if (entries_.empty() || bytes_ - entries_.back().position >= interval_bytes_) {
    entries_.push_back({base, bytes_, max_});
  }
  bytes_ += bytes;
  max_ = std::max(max_, max_timestamp);
}

std::optional<SegmentIndex::Place> SegmentIndex::last_at_or_below(Offset offset) const {
  if (entries_.empty()) return std::nullopt;
  auto after = std::ranges::upper_bound(entries_, offset, {}, &Entry::base);
  const Entry& entry = after == entries_.begin() ? *after : *std::prev(after);
  return Place{entry.base, entry.position};
}

std::optional<SegmentIndex::Place> SegmentIndex::last_before(WallTime time) const {
  if (entries_.empty()) return std::nullopt;
  auto after = std::ranges::lower_bound(entries_, time, {}, &Entry::max_before);
  const Entry& entry = after == entries_.begin() ? *after : *std::prev(after);
  return Place{entry.base, entry.position};
}

std::optional<SegmentIndex::Place> SegmentIndex::last() const {
  if (entries_.empty()) return std::nullopt;
  return Place{entries_.back().base, entries_.back().position};
}

Bytes SegmentIndex::encode(Offset base, uint32_t generation) const {
  Bytes file(header_bytes + entries_.size() * entry_bytes);
  store<uint64_t>(file, 0, index_magic);
  store<uint32_t>(file, generation_at, generation);
  store<int64_t>(file, base_at, base.value());
  store<uint64_t>(file, bytes_at, bytes_);
  store<int64_t>(file, max_at, to_ms(max_));
  for (size_t i = 0; i < entries_.size(); ++i) {
    size_t at = header_bytes + i * entry_bytes;
    store<int64_t>(file, at, entries_[i].base.value());
    store<uint64_t>(file, at + 8, entries_[i].position);
    store<int64_t>(file, at + 16, to_ms(entries_[i].max_before));
  }
  store<uint32_t>(file, crc_at, crc32c(BytesView(file).subspan(checked_from)));
  return file;
}

Result<SegmentIndex> SegmentIndex::decode(BytesView file, const IndexedSegment& segment,
                                          uint64_t interval_bytes) {
  if (file.size() < header_bytes || (file.size() - header_bytes) % entry_bytes != 0 ||
      load<uint64_t>(file, 0) != index_magic) {
    return error(ErrorCode::corrupt, "{} bytes that do not begin or end like an index", file.size());
  }
  if (load<uint32_t>(file, crc_at) != crc32c(file.subspan(checked_from))) {
    return error(ErrorCode::corrupt, "the checksum does not agree with its {} bytes", file.size());
  }
  auto base = Offset(load<int64_t>(file, base_at));
  auto generation = load<uint32_t>(file, generation_at);
  SegmentIndex index(interval_bytes);
  index.bytes_ = load<uint64_t>(file, bytes_at);
  index.max_ = from_ms(load<int64_t>(file, max_at));
  if (base != segment.base || generation != segment.generation || index.bytes_ > segment.bytes) {
    return error(
        ErrorCode::corrupt,
        "it speaks for {} bytes from offset {} of generation {}; there are {} bytes from offset {} of "
        "generation {}",
        index.bytes_, base, generation, segment.bytes, segment.base, segment.generation);
  }
  index.entries_.reserve((file.size() - header_bytes) / entry_bytes);
  for (size_t at = header_bytes; at < file.size(); at += entry_bytes) {
    Entry entry{Offset(load<int64_t>(file, at)), load<uint64_t>(file, at + 8),
                from_ms(load<int64_t>(file, at + 16))};
    if (entry.base < base || !index.follows(entry))
      return error(ErrorCode::corrupt, "entry {} does not follow the one before", index.entries_.size());
    index.entries_.push_back(entry);
  }
  if (index.entries_.empty() != (index.bytes_ == 0))
    return error(ErrorCode::corrupt, "it speaks for {} bytes without an entry", index.bytes_);
  return index;
}

bool SegmentIndex::follows(const Entry& entry) const {
  if (entry.position >= bytes_ || entry.max_before > max_) return false;
  if (entries_.empty()) return entry.position == 0;
  const Entry& before = entries_.back();
  return entry.base > before.base && entry.position > before.position &&
         entry.max_before >= before.max_before;
}

std::string index_path(const std::string& segment_path) {
  return segment_path.substr(0, segment_path.rfind('.')) + ".index";
}

}  // namespace pabal::log
