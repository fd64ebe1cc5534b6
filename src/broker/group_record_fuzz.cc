#include <array>

#include "base/fuzz.h"
#include "broker/group_record.h"

// What consumer groups keep in their tables. The first byte chooses.

namespace pabal::broker {
namespace {

void try_group(std::string_view text) {
  auto record = GroupRecord::decode(text);
  if (!record) return;
  auto again = GroupRecord::decode(record->encode());
  check(again && *again == *record, "a group's record of {} members came back changed",
        record->members.size());
}

void try_offset(std::string_view text) {
  auto record = OffsetRecord::decode(text);
  if (!record) return;
  auto again = OffsetRecord::decode(record->encode());
  check(again && *again == *record, "offset {} came back changed", record->offset);
}

void try_key(std::string_view text) {
  auto key = offset_of_key(text);
  if (!key) return;
  auto again = offset_of_key(offset_key(key->group, key->at));
  check(again && again->group == key->group && again->at == key->at, "the key {:?} is another's", text);
}

constexpr std::array choices = {try_group, try_offset, try_key};

}  // namespace
}  // namespace pabal::broker

PABAL_FUZZ(group_record) {
  uint8_t choice = pabal::take_byte(input);
  pabal::broker::choices[choice % pabal::broker::choices.size()](pabal::as_text(input));
}
