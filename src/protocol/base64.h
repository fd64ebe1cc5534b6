#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pabal::protocol {

// Base64 of RFC 4648, section 4, with padding.
[[nodiscard]] std::string base64_encode(std::string_view bytes);
// Strict: nullopt for another alphabet, missing padding, white space or stray bits.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace pabal::protocol
