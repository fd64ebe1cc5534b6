#include "base/fuzz.h"
#include "broker/idempotency.h"
#include "broker/names.h"
#include "broker/topic_table.h"

// What a topic keeps as text in its tables. The first byte chooses.

namespace pabal::broker {
namespace {

void try_topic_record(std::string_view text) {
  auto record = TopicRecord::decode(text);
  if (!record) return;
  auto again = TopicRecord::decode(record->encode());
  check(again && *again == *record, "the record of topic {} came back changed", record->id);
}

void try_stored_shape(std::string_view text) {
  auto shape = StoredShape::decode(text);
  if (!shape) return;
  check(shape->records.size() <= records_per_publish_max, "{} records of one call", shape->records.size());
  auto again = StoredShape::decode(shape->encode());
  check(again && *again == *shape, "what a call of {} records stored came back changed",
        shape->records.size());
}

void try_names(std::string_view text) {
  bool is_queue = check_queue_name(text).has_value();
  check(!check_topic_name(text) || is_topic_name(text), "{:?} is a topic's name, and is none", text);
  if (is_queue)
    check(is_topic_name(dead_letter_name(text)), "{:?} is no topic's name", dead_letter_name(text));
}

constexpr std::array choices = {try_topic_record, try_stored_shape, try_names};

}  // namespace
}  // namespace pabal::broker

PABAL_FUZZ(topic_table) {
  uint8_t choice = pabal::take_byte(input);
  pabal::broker::choices[choice % pabal::broker::choices.size()](pabal::as_text(input));
}
