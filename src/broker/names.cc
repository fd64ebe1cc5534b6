#include "broker/names.h"

#include <algorithm>

#include "base/crc32c.h"

namespace pabal::broker {
namespace {

bool is_topic_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

// The length of the sequence that starts with `lead`, 0 when none can; and the least code point of it.
size_t sequence_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

bool is_allowed_second(uint8_t lead, uint8_t second) {
  if (lead == 0xE0) return second >= 0xA0;  // overlong
  if (lead == 0xED) return second <= 0x9F;  // surrogates
  if (lead == 0xF0) return second >= 0x90;  // overlong
  if (lead == 0xF4) return second <= 0x8F;  // above U+10FFFF
  return true;
}

}  // namespace

bool is_internal_name(std::string_view name) { return name.starts_with("__pabal"); }

bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= topic_name_chars_max && name != "." && name != ".." &&
         std::ranges::all_of(name, is_topic_char);
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto lead = static_cast<uint8_t>(text[i]);
    size_t length = sequence_length(lead);
    if (length == 0 || length > text.size() - i) return false;
    for (size_t j = 1; j < length; ++j) {
      if ((static_cast<uint8_t>(text[i + j]) & 0xC0) != 0x80) return false;
    }
    if (length > 1 && !is_allowed_second(lead, static_cast<uint8_t>(text[i + 1]))) return false;
    i += length;
  }
  return true;
}

Result<void> check_topic_name(std::string_view name) {
  if (!is_topic_name(name)) {
    return error(ErrorCode::invalid,
                 "{:?} is no topic name: it has 1 to {} characters of A-Z a-z 0-9 . _ - and is not . or ..",
                 name.substr(0, topic_name_chars_max), topic_name_chars_max);
  }
  if (is_internal_name(name)) {
    return error(ErrorCode::forbidden, "{}: names that begin with __pabal are the server's", name);
  }
  return {};
}

Result<void> check_queue_name(std::string_view name) {
  if (name.empty() || name.size() > queue_name_bytes_max || !is_utf8(name)) {
    return error(ErrorCode::invalid, "{:?} is no queue name: it has 1 to {} bytes of UTF-8",
                 name.substr(0, queue_name_bytes_max), queue_name_bytes_max);
  }
  if (is_internal_name(name)) {
    return error(ErrorCode::forbidden, "{}: names that begin with __pabal are the server's", name);
  }
  return {};
}

std::string dead_letter_name(std::string_view queue) {
  constexpr std::string_view ending = ".dead";
  std::string name(queue);
  std::ranges::replace_if(name, [](char c) { return !is_topic_char(c); }, '-');
  if (name != queue || name.size() + ending.size() > topic_name_chars_max) {
    // Two queues must not meet in one topic because their names look alike.
    constexpr size_t checksum_chars = 9;
    name.resize(std::min(name.size(), topic_name_chars_max - ending.size() - checksum_chars));
    name += fmt::format("-{:08x}", crc32c(as_bytes(queue)));
  }
  return name.append(ending);
}

}  // namespace pabal::broker
