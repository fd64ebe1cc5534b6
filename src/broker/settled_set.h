#pragma once

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace pabal::broker {

// What a queue is done with in one log: everything below the cursor, and ranges above it. It is kept in a
// table by buckets of offsets, so that settling one message rewrites little; the buckets that have changed
// since they were last taken are remembered. Pure; one thread.
class SettledSet {
 public:
  static constexpr int64_t bucket_offsets = 512;
  static constexpr int64_t bucket_max = std::numeric_limits<int64_t>::max() / bucket_offsets - 1;

  explicit SettledSet(Offset cursor = Offset(0)) : cursor_(cursor) {}

  // The lowest offset that is not settled.
  [[nodiscard]] Offset cursor() const { return cursor_; }
  [[nodiscard]] bool contains(Offset offset) const;
  // How many offsets above the cursor are settled.
  [[nodiscard]] int64_t count_above() const { return count_above_; }
  // The first offset at or above `from` that is not settled.
  [[nodiscard]] Offset next_open(Offset from) const;

  void add(Offset offset) { add(offset, offset + 1); }
  void add(Offset from, Offset to);  // [from, to)

  // For a commit that failed: the offsets were added since the cursor stood at `cursor`, and are not settled.
  struct Undo {
    Offset cursor;
    std::vector<Offset> offsets = {};
    std::vector<std::pair<Offset, Offset>> ranges = {};
  };
  void undo(const Undo& undo);
  // What is not settled of [from, to).
  [[nodiscard]] std::vector<std::pair<Offset, Offset>> open_ranges(Offset from, Offset to) const;

  // The buckets changed since the last call.
  [[nodiscard]] std::set<int64_t> take_changed() { return std::exchange(changed_, {}); }
  void mark_changed(const std::set<int64_t>& buckets) { changed_.insert(buckets.begin(), buckets.end()); }
  // The bucket's ranges above the cursor as text ("0-16,20-21", half open, from the bucket's start); empty
  // when there is none.
  [[nodiscard]] std::string bucket_text(int64_t bucket) const;
  // Adds what bucket_text() wrote. Changes nothing on error, as when no offset can lie in the bucket.
  Result<void> restore(int64_t bucket, std::string_view text);
  [[nodiscard]] static int64_t bucket_of(Offset offset) { return offset.value() / bucket_offsets; }

 private:
  void insert(int64_t from, int64_t to);
  void erase(int64_t from, int64_t to);
  void advance();

  Offset cursor_;
  std::map<int64_t, int64_t> above_;  // from -> to, disjoint, not touching
  int64_t count_above_ = 0;
  std::set<int64_t> changed_;
};

}  // namespace pabal::broker
