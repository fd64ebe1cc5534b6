#include <array>
#include <charconv>

#include "base/fuzz.h"
#include "broker/lease.h"
#include "broker/queue_table.h"

// What a queue keeps as text in its tables, and the lease that its consumers hand back. The first byte
// chooses.

namespace pabal::broker {
namespace {

void try_lease(std::string_view text) {
  auto lease = Lease::parse(text);
  if (lease) check(Lease::parse(lease->text()) == lease, "{} came back changed", lease->text());
}

void try_retry(std::string_view text) {
  auto retry = Retry::decode(text);
  if (!retry) return;
  auto again = Retry::decode(retry->encode());
  check(again && again->encode() == retry->encode() && again->reason == retry->reason,
        "{:?} came back changed", text);
}

void try_dead_count(std::string_view text) {
  auto dead = DeadCount::decode(text);
  if (!dead) return;
  auto again = DeadCount::decode(dead->encode());
  check(again && again->count == dead->count && again->since == dead->since, "{:?} came back changed", text);
}

void try_keys(std::string_view text) {
  auto place = place_of_retry_key(text);
  if (place && place->offset >= Offset(0)) {
    check(place_of_retry_key(retry_key(*place)) == place, "the key of {} is another's", *place);
  }
  auto hash = hash_of_hold_key(text);
  if (hash) check(hash_of_hold_key(hold_key(*hash)) == hash, "the key of {} is another's", *hash);
}

void try_queue_record(std::string_view text) {
  auto record = QueueRecord::decode(text);
  if (!record) return;
  auto again = QueueRecord::decode(record->encode());
  check(again && again->id == record->id && again->settings == record->settings &&
            again->paused_since == record->paused_since,
        "the record of queue {} came back changed", record->id);
}

void try_settled(std::string_view text) {
  std::string_view number = text.substr(0, text.find('|'));
  int64_t bucket = 0;
  std::from_chars(number.data(), number.data() + number.size(), bucket, 16);
  text.remove_prefix(std::min(text.size(), number.size() + 1));
  SettledSet set{Offset(700)};
  if (!set.restore(bucket, text)) return;
  int64_t above = set.count_above();
  check(above >= 0 && above <= SettledSet::bucket_offsets, "{} offsets of a bucket are settled", above);
  std::string written = set.bucket_text(bucket);
  SettledSet again{set.cursor()};
  check(
      again.restore(bucket, written) && again.bucket_text(bucket) == written && again.count_above() == above,
      "bucket {} came back changed", bucket);
}

constexpr std::array choices = {try_lease, try_retry,        try_dead_count,
                                try_keys,  try_queue_record, try_settled};

}  // namespace
}  // namespace pabal::broker

PABAL_FUZZ(queue_table) {
  uint8_t choice = pabal::take_byte(input);
  pabal::broker::choices[choice % pabal::broker::choices.size()](pabal::as_text(input));
}
