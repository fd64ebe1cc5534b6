#include "broker/queue_table.h"

#include <charconv>

namespace pabal::broker {
namespace {

// A source as text that sorts well and has no sign: the own log is 1, partition p is 2 + 2p, dead ones odd.
int64_t number_of(Source source) {
  int64_t n = source.value();
  return n >= 0 ? 2 + 2 * n : 1 + 2 * (-1 - n);
}

Source source_of(int64_t number) {
  return Source(static_cast<int32_t>(number % 2 == 0 ? (number - 2) / 2 : -1 - (number - 1) / 2));
}

template <class T>
bool take(std::string_view& text, T& number, char end, int base = 10) {
  auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (problem != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  if (text.empty()) return end == '\0';
  if (end == '\0' || text.front() != end) return false;
  text.remove_prefix(1);
  return true;
}

std::string bucket_prefix(Source source) { return fmt::format("s{:06x}/", number_of(source)); }

std::optional<int64_t> bucket_of_key(std::string_view key, std::string_view prefix) {
  key.remove_prefix(prefix.size());
  int64_t bucket = 0;
  if (!take(key, bucket, '\0', 16)) return std::nullopt;
  return bucket;
}

WallTime time_of(int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }
int64_t ms_of(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

std::string cursor_key(Source source) { return fmt::format("c{:06x}", number_of(source)); }
std::string bucket_key(Source source, int64_t bucket) {
  return fmt::format("{}{:014x}", bucket_prefix(source), bucket);
}
std::string retry_key(Place place) {
  return fmt::format("r{:06x}/{:016x}", number_of(place.source), place.offset.value());
}
std::string hold_key(uint64_t key) { return fmt::format("h{:016x}", key); }

std::optional<Place> place_of_retry_key(std::string_view key) {
  if (!key.starts_with('r')) return std::nullopt;
  key.remove_prefix(1);
  int64_t source = 0;
  int64_t offset = 0;
  if (!take(key, source, '/', 16) || !take(key, offset, '\0', 16)) return std::nullopt;
  return Place{source_of(source), Offset(offset)};
}

std::optional<uint64_t> hash_of_hold_key(std::string_view key) {
  if (!key.starts_with('h')) return std::nullopt;
  key.remove_prefix(1);
  uint64_t hash = 0;
  if (!take(key, hash, '\0', 16)) return std::nullopt;
  return hash;
}

std::string Retry::encode() const {
  return fmt::format("{}|{}|{}|{}", deliveries, due ? ms_of(*due) : 0, open ? 1 : 0, reason);
}

Result<Retry> Retry::decode(std::string_view text) {
  Retry retry;
  int64_t due_ms = 0;
  int is_open = 0;
  if (!take(text, retry.deliveries, '|') || !take(text, due_ms, '|') || !take(text, is_open, '|')) {
    return error(ErrorCode::corrupt, "{:?} is no retry", text.substr(0, 100));
  }
  if (due_ms != 0) retry.due = time_of(due_ms);
  retry.open = is_open != 0;
  retry.reason = text;
  return retry;
}

std::string DeadCount::encode() const { return fmt::format("{}|{}", count, ms_of(since)); }

Result<DeadCount> DeadCount::decode(std::string_view text) {
  DeadCount dead;
  int64_t since_ms = 0;
  if (!take(text, dead.count, '|') || !take(text, since_ms, '\0')) {
    return error(ErrorCode::corrupt, "{:?} is no count of dead letters", text.substr(0, 100));
  }
  dead.since = time_of(since_ms);
  return dead;
}

std::set<int64_t> stage_settled(const engine::Table& table, Source source, SettledSet& set,
                                engine::TableChanges& changes) {
  std::string cursor = fmt::format("{}", set.cursor());
  const std::string* stored = table.find(cursor_key(source));
  if (!stored || *stored != cursor) changes.push_back({cursor_key(source), cursor});
  std::string prefix = bucket_prefix(source);
  int64_t first_bucket = SettledSet::bucket_of(set.cursor());
  const auto& entries = table.entries();
  for (auto it = entries.lower_bound(prefix); it != entries.end() && it->first.starts_with(prefix); ++it) {
    auto bucket = bucket_of_key(it->first, prefix);
    if (bucket && *bucket >= first_bucket) break;
    changes.push_back({it->first, std::nullopt});
  }
  std::set<int64_t> changed = set.take_changed();
  for (int64_t bucket : changed) {
    if (bucket < first_bucket) continue;
    std::string key = bucket_key(source, bucket);
    std::string text = set.bucket_text(bucket);
    const std::string* before = table.find(key);
    if (text.empty()) {
      if (before) changes.push_back({std::move(key), std::nullopt});
    } else if (!before || *before != text) {
      changes.push_back({std::move(key), std::move(text)});
    }
  }
  return changed;
}

std::optional<Offset> stored_cursor(const engine::Table& table, Source source) {
  const std::string* cursor = table.find(cursor_key(source));
  if (!cursor) return std::nullopt;
  std::string_view text = *cursor;
  int64_t offset = 0;
  if (!take(text, offset, '\0')) return std::nullopt;
  return Offset(offset);
}

Result<std::optional<SettledSet>> load_settled(const engine::Table& table, Source source) {
  if (!table.find(cursor_key(source))) return std::nullopt;
  std::optional<Offset> cursor = stored_cursor(table, source);
  if (!cursor) return error(ErrorCode::corrupt, "{:?} is no cursor", *table.find(cursor_key(source)));
  SettledSet set{*cursor};
  std::string prefix = bucket_prefix(source);
  const auto& entries = table.entries();
  for (auto it = entries.lower_bound(prefix); it != entries.end() && it->first.starts_with(prefix); ++it) {
    auto bucket = bucket_of_key(it->first, prefix);
    if (!bucket) return error(ErrorCode::corrupt, "{:?} is no bucket of settled offsets", it->first);
    auto restored = set.restore(*bucket, it->second.value);
    if (!restored) return std::unexpected(restored.error());
  }
  return set;
}

}  // namespace pabal::broker
