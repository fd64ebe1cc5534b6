#include "base/fuzz.h"
#include "broker/filter.h"
#include "broker/message_record.h"
#include "log/record_batch.h"

// Records as anybody may have published them, with the server's own headers forged, taken apart, filtered,
// made into dead letters and redriven.

namespace pabal::broker {
namespace {

constexpr auto names = std::to_array<std::string_view>(
    {"pabal-id", "pabal-queue", "pabal-topic", "pabal-partition", "pabal-offset", "pabal-reason",
     "pabal-deliveries", "pabal-died-at", "pabal-enqueued-at", "pabal-due", "pabal-expires", "pabal-redriven",
     "ce_type", "a"});
constexpr auto operators = std::to_array<std::string_view>({"=", "!=", "<", "<=", ">", ">=", "?"});

std::string_view take_text(BytesView& input) {
  size_t size = std::min<size_t>(take_byte(input) % 32, input.size());
  std::string_view text = as_text(input.first(size));
  input = input.subspan(size);
  return text;
}

log::StoredRecord take_record(BytesView& input) {
  log::StoredRecord record;
  record.offset = Offset(take_byte(input));
  record.timestamp = WallTime(std::chrono::milliseconds(take_byte(input)));
  if (uint8_t shape = take_byte(input); (shape & 1) != 0) record.key = as_bytes(take_text(input));
  record.value = as_bytes(take_text(input));
  for (int left = take_byte(input) % 16; left > 0; --left) {
    uint8_t which = take_byte(input);
    std::optional<BytesView> value;
    if (which < 240) value = as_bytes(take_text(input));
    record.headers.push_back({names[which % names.size()], value});
  }
  return record;
}

Filter take_filter(BytesView& input) {
  Filter filter;
  for (int left = take_byte(input) % 4; left > 0; --left) {
    std::vector<Match> matches;
    for (int tests = take_byte(input) % 4; tests > 0; --tests) {
      Match match{.kind = static_cast<Match::Kind>(take_byte(input) % 8),
                  .text = std::string(take_text(input))};
      match.numeric.emplace_back(operators[take_byte(input) % operators.size()], take_byte(input));
      match.any_of.emplace_back(take_text(input));
      matches.push_back(std::move(match));
    }
    filter.headers.emplace_back(names[take_byte(input) % names.size()], std::move(matches));
  }
  return filter;
}

bool same(const MessageOrigin& a, const MessageOrigin& b) {
  bool same_place = a.at.partition == b.at.partition && a.at.offset == b.at.offset;
  return a.id == b.id && a.topic == b.topic && a.enqueued_at == b.enqueued_at &&
         (a.topic.empty() || same_place);
}

// What is written as a dead letter is read as that dead letter, whatever the record brought along.
void check_dead_letter(const log::StoredRecord& record, const DeadRecord& dead) {
  OwnedRecord letter = make_dead(record, dead);
  auto again = read_dead({letter.view(), record.offset});
  check(again && same(again->origin, dead.origin) && again->queue == dead.queue &&
            again->reason == dead.reason && again->deliveries == dead.deliveries &&
            again->died_at == dead.died_at,
        "a dead letter of queue {:?} came back changed", dead.queue);
  OwnedRecord redriven = make_redriven(letter.view(), *again);
  OwnRecord own = read_own({redriven.view(), record.offset});
  check(own.redriven && same(own.origin, dead.origin) && !own.due && !own.expires,
        "a redriven message came back changed");
}

}  // namespace
}  // namespace pabal::broker

PABAL_FUZZ(message_record) {
  using namespace pabal;
  log::StoredRecord record = broker::take_record(input);
  static_cast<void>(broker::read_own(record));
  auto forged = broker::read_dead(record);
  if (forged) broker::check_dead_letter(record, *forged);
  broker::check_dead_letter(record, {.origin = broker::topic_origin("t", PartitionIndex(3), record),
                                     .queue = "q",
                                     .reason = std::string(as_text(input)),
                                     .deliveries = 2,
                                     .died_at = record.timestamp});
  static_cast<void>(broker::lets_through(broker::take_filter(input), record));
}
