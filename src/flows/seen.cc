#include "flows/seen.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/check.h"

namespace pabal::flows {
namespace {

// What comes before the texts of an entry. It never leaves the process.
struct Fixed {
  int64_t at_ms;
  int64_t instant_ns;
  int64_t offset;
  int64_t duration_ns;
  int64_t due_ms;
  int32_t partition;
  int32_t delivery;
  uint8_t kind;
  uint8_t failed;
  uint8_t has_due;
  uint8_t search_count;
  uint32_t batch_records;
};
static_assert(std::has_unique_object_representations_v<Fixed>);

// Cuts before a byte that continues a UTF-8 character, so that the rest stays readable.
std::string_view shortened(std::string_view text) {
  if (text.size() <= seen_text_bytes_max) return text;
  size_t end = seen_text_bytes_max;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

Fixed fixed_of(const Seen& seen, size_t search_count) {
  return {.at_ms = seen.at.time_since_epoch().count(),
          .instant_ns = seen.instant.time_since_epoch().count(),
          .offset = seen.offset,
          .duration_ns = seen.duration.count(),
          .due_ms = seen.due ? seen.due->time_since_epoch().count() : 0,
          .partition = seen.partition,
          .delivery = seen.delivery,
          .kind = static_cast<uint8_t>(seen.kind),
          .failed = seen.failed,
          .has_due = seen.due.has_value(),
          .search_count = static_cast<uint8_t>(search_count),
          .batch_records = seen.batch_records};
}

Seen seen_of(const Fixed& fixed) {
  Seen seen;
  seen.kind = static_cast<SeenKind>(fixed.kind);
  seen.at = WallTime(std::chrono::milliseconds(fixed.at_ms));
  seen.instant = Instant(Duration(fixed.instant_ns));
  seen.partition = fixed.partition;
  seen.offset = fixed.offset;
  seen.delivery = fixed.delivery;
  seen.duration = Duration(fixed.duration_ns);
  if (fixed.has_due) seen.due = WallTime(std::chrono::milliseconds(fixed.due_ms));
  seen.failed = fixed.failed;
  seen.batch_records = fixed.batch_records;
  return seen;
}

constexpr auto texts = std::to_array<std::string_view Seen::*>(
    {&Seen::service, &Seen::peer, &Seen::topic, &Seen::queue, &Seen::id, &Seen::key, &Seen::correlation_id,
     &Seen::causation_id, &Seen::type, &Seen::outcome, &Seen::reason});

}  // namespace

void SeenBuffer::put_text(std::string_view text) {
  text = shortened(text);
  auto size = static_cast<uint16_t>(text.size());
  bytes_.push_back(static_cast<uint8_t>(size & 0xFF));
  bytes_.push_back(static_cast<uint8_t>(size >> 8));
  bytes_.insert(bytes_.end(), text.begin(), text.end());
}

std::string_view SeenBuffer::get_text(size_t& position) const {
  check(position + 2 <= bytes_.size(), "a text begins at {} of {}", position, bytes_.size());
  size_t size = bytes_[position] | static_cast<size_t>(bytes_[position + 1]) << 8;
  check(position + 2 + size <= bytes_.size(), "a text of {} at {} of {}", size, position, bytes_.size());
  std::string_view text = as_text(BytesView(bytes_).subspan(position + 2, size));
  position += 2 + size;
  return text;
}

void SeenBuffer::add(const Seen& seen) {
  size_t search_count = std::min(seen.search.size(), seen_search_values_max);
  Fixed fixed = fixed_of(seen, search_count);
  const auto* raw = reinterpret_cast<const uint8_t*>(&fixed);
  bytes_.insert(bytes_.end(), raw, raw + sizeof fixed);
  for (auto text : texts) put_text(seen.*text);
  for (size_t i = 0; i < search_count; ++i) put_text(seen.search[i]);
  ++count_;
}

Seen SeenBuffer::read(size_t& position) const {
  Fixed fixed;
  check(position + sizeof fixed <= bytes_.size(), "an entry begins at {} of {}", position, bytes_.size());
  std::memcpy(&fixed, bytes_.data() + position, sizeof fixed);
  position += sizeof fixed;
  Seen seen = seen_of(fixed);
  for (auto text : texts) seen.*text = get_text(position);
  for (size_t i = 0; i < fixed.search_count; ++i) seen.search.push_back(get_text(position));
  return seen;
}

}  // namespace pabal::flows
