#include "ids.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/uuid.h"

namespace pabal::sdk {

namespace {

Random& thread_random() {
  thread_local Random random = Random::from_system();
  return random;
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

std::string random_hex_16() {
  uint64_t number = 0;
  while (number == 0) number = thread_random().next();
  return fmt::format("{:016x}", number);
}

}  // namespace

std::string new_id() {
  return Uuid::ordered(system_clock().wall_now().time_since_epoch().count(), thread_random()).to_string();
}

Trace Trace::child() const { return {trace_id, random_hex_16()}; }
Trace Trace::start() { return {random_hex_16() + random_hex_16(), random_hex_16()}; }
std::string Trace::header() const { return "00-" + trace_id + "-" + span_id + "-01"; }

std::optional<Trace> Trace::parse(std::string_view header) {
  constexpr size_t length = 55;
  if (header.size() < length || header[2] != '-' || header[35] != '-' || header[52] != '-')
    return std::nullopt;
  std::string_view version = header.substr(0, 2);
  if (!is_hex(version) || version == "ff" || (version == "00" && header.size() != length))
    return std::nullopt;
  std::string_view trace_id = header.substr(3, 32);
  std::string_view span_id = header.substr(36, 16);
  if (!is_id(trace_id) || !is_id(span_id) || !is_hex(header.substr(53, 2))) return std::nullopt;
  return Trace{std::string(trace_id), std::string(span_id)};
}

}  // namespace pabal::sdk
