#include <cmath>

#include "base/fuzz.h"
#include "base/units.h"
#include "base/uuid.h"

// The small texts of requests and settings: durations, sizes, times, ids. Each reads the whole input.

namespace pabal {
namespace {

// The text goes through a double, which keeps 52 bits, and names microseconds.
void try_duration(std::string_view text) {
  auto read = parse_duration(text);
  if (!read) return;
  check(*read >= Duration::zero(), "{:?} is negative", text);
  auto again = parse_duration(format_duration(*read));
  check(again.has_value(), "{:?} is written as {:?}, which is none", text, format_duration(*read));
  auto off = static_cast<double>(std::abs(again->count() - read->count()));
  check(off <= 500 + std::ldexp(static_cast<double>(read->count()), -50), "{:?} came back as {}", text,
        format_duration(*again));
}

void try_size(std::string_view text) {
  auto read = parse_size(text);
  if (!read) return;
  auto again = parse_size(format_size(*read));
  check(again.has_value(), "{:?} is written as {:?}, which is none", text, format_size(*read));
  auto off = std::abs(static_cast<double>(*again) - static_cast<double>(*read));
  check(off <= std::ldexp(static_cast<double>(*read), -50), "{:?} came back as {}", text, *again);
}

void try_time(std::string_view text) {
  auto read = parse_time(text);
  if (!read) return;
  auto again = parse_time(format_time(*read));
  check(again && *again == *read, "{:?} is written as {:?}", text, format_time(*read));
}

void try_uuid(std::string_view text) {
  auto read = Uuid::parse(text);
  if (read) check(Uuid::parse(read->to_string()) == read, "{:?} is written as {}", text, *read);
}

// Any time that a stored record may bear can be written.
void try_stored_time(BytesView bytes) {
  int64_t ms = 0;
  std::memcpy(&ms, bytes.data(), std::min(bytes.size(), sizeof ms));
  static_cast<void>(format_time(WallTime(std::chrono::milliseconds(ms))));
}

}  // namespace
}  // namespace pabal

PABAL_FUZZ(units) {
  std::string_view text = pabal::as_text(input);
  pabal::try_duration(text);
  pabal::try_size(text);
  pabal::try_time(text);
  pabal::try_uuid(text);
  if (!input.empty()) pabal::try_stored_time(input);
}
