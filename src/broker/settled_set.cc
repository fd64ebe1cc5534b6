#include "broker/settled_set.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/check.h"

namespace pabal::broker {

bool SettledSet::contains(Offset offset) const {
  if (offset < cursor_) return true;
  auto it = above_.upper_bound(offset.value());
  return it != above_.begin() && std::prev(it)->second > offset.value();
}

Offset SettledSet::next_open(Offset from) const {
  from = std::max(from, cursor_);
  auto it = above_.upper_bound(from.value());
  if (it == above_.begin()) return from;
  return Offset(std::max(from.value(), std::prev(it)->second));
}

void SettledSet::add(Offset from, Offset to) {
  from = std::max(from, cursor_);
  if (from >= to) return;
  for (int64_t b = bucket_of(from); b <= bucket_of(to - 1); ++b) changed_.insert(b);
  insert(from.value(), to.value());
  advance();
}

void SettledSet::insert(int64_t from, int64_t to) {
  auto it = above_.upper_bound(from);
  if (it != above_.begin() && std::prev(it)->second >= from) --it;
  while (it != above_.end() && it->first <= to) {
    from = std::min(from, it->first);
    to = std::max(to, it->second);
    count_above_ -= it->second - it->first;
    it = above_.erase(it);
  }
  above_.emplace(from, to);
  count_above_ += to - from;
}

void SettledSet::advance() {
  auto first = above_.begin();
  if (first == above_.end() || first->first > cursor_.value()) return;
  cursor_ = std::max(cursor_, Offset(first->second));
  count_above_ -= first->second - first->first;
  above_.erase(first);
}

void SettledSet::erase(int64_t from, int64_t to) {
  auto it = above_.upper_bound(from);
  check(it != above_.begin() && std::prev(it)->second >= to, "{} to {} is not settled", from, to);
  --it;
  auto [begin, end] = *it;
  above_.erase(it);
  if (begin < from) above_.emplace(begin, from);
  if (to < end) above_.emplace(to, end);
  count_above_ -= to - from;
  for (int64_t b = from / bucket_offsets; b <= (to - 1) / bucket_offsets; ++b) changed_.insert(b);
}

void SettledSet::undo(const Undo& undo) {
  if (undo.cursor < cursor_) insert(undo.cursor.value(), cursor_.value());
  cursor_ = undo.cursor;
  for (Offset offset : undo.offsets) erase(offset.value(), offset.value() + 1);
  for (auto [from, to] : undo.ranges) erase(from.value(), to.value());
  advance();
}

std::vector<std::pair<Offset, Offset>> SettledSet::open_ranges(Offset from, Offset to) const {
  std::vector<std::pair<Offset, Offset>> ranges;
  for (Offset begin = next_open(from); begin < to;) {
    auto next = above_.lower_bound(begin.value());
    Offset end = next == above_.end() ? to : std::min(to, Offset(next->first));
    ranges.emplace_back(begin, end);
    begin = next_open(end);
  }
  return ranges;
}

std::string SettledSet::bucket_text(int64_t bucket) const {
  int64_t begin = bucket * bucket_offsets;
  int64_t end = begin + bucket_offsets;
  std::string text;
  auto it = above_.upper_bound(begin);
  if (it != above_.begin() && std::prev(it)->second > begin) --it;
  for (; it != above_.end() && it->first < end; ++it) {
    if (!text.empty()) text += ',';
    text += fmt::format("{}-{}", std::max(it->first, begin) - begin, std::min(it->second, end) - begin);
  }
  return text;
}

Result<void> SettledSet::restore(int64_t bucket, std::string_view text) {
  if (bucket < 0 || bucket > bucket_max) {
    return error(ErrorCode::corrupt, "there is no bucket {} of settled offsets", bucket);
  }
  std::vector<std::pair<int64_t, int64_t>> ranges;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    int64_t from = 0;
    int64_t to = 0;
    auto first = std::from_chars(at, end, from);
    bool sound = first.ec == std::errc() && first.ptr != end && *first.ptr == '-';
    auto second = sound ? std::from_chars(first.ptr + 1, end, to) : first;
    sound = sound && second.ec == std::errc() && (second.ptr == end || *second.ptr == ',') && 0 <= from &&
            from < to && to <= bucket_offsets;
    if (!sound) return error(ErrorCode::corrupt, "{:?} is no list of settled offsets", text.substr(0, 100));
    ranges.emplace_back(from, to);
    at = second.ptr == end ? end : second.ptr + 1;
  }
  for (auto [from, to] : ranges) {
    Offset start(bucket * bucket_offsets + from);
    Offset stop(bucket * bucket_offsets + to);
    if (stop > cursor_) insert(std::max(start, cursor_).value(), stop.value());
  }
  advance();
  return {};
}

}  // namespace pabal::broker
