#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace pabal::broker {

constexpr size_t topic_name_chars_max = 249;
constexpr size_t queue_name_bytes_max = 255;

// HTTP.md's "Names". The error says what was read and what would be right. Names that begin with `__pabal`
// are the server's: forbidden here.
[[nodiscard]] Result<void> check_topic_name(std::string_view name);
[[nodiscard]] Result<void> check_queue_name(std::string_view name);
[[nodiscard]] bool is_topic_name(std::string_view name);
[[nodiscard]] bool is_internal_name(std::string_view name);
[[nodiscard]] bool is_utf8(std::string_view text);

// The topic for a queue's dead letters when none is given: "<queue>.dead", made to fit a topic's name.
[[nodiscard]] std::string dead_letter_name(std::string_view queue);

}  // namespace pabal::broker
