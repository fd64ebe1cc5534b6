#include "broker/lease.h"

#include <charconv>

namespace pabal::broker {
namespace {

// Takes a number and the dot after it (or the end) off the front.
template <class T>
bool take(std::string_view& text, T& number, int base) {
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (problem != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.empty()) return true;
  if (text.front() != '.' || text.size() == 1) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string Lease::text() const {
  return fmt::format("{}.{}.{}.{:x}.{:x}", place.source, place.offset, delivery, run, serial);
}

std::optional<Lease> Lease::parse(std::string_view text) {
  int32_t source = 0;
  int64_t offset = 0;
  Lease lease;
  bool sound = take(text, source, 10) && take(text, offset, 10) && take(text, lease.delivery, 10) &&
               take(text, lease.run, 16) && !text.empty() && take(text, lease.serial, 16) && text.empty();
  if (!sound || source < own_source.value() || offset < 0 || lease.delivery < 1) return std::nullopt;
  lease.place = {Source(source), Offset(offset)};
  return lease;
}

}  // namespace pabal::broker
