#pragma once

#include <string>

#include "runtime/http.h"

namespace pabal::runtime {

enum class BodyFraming { length, chunked, until_close, none };

// The bytes of a head up to and including the empty line. Fields that frame the message (Content-Length,
// Transfer-Encoding, Connection) are ours to write; a line break inside a name or value becomes a space, so
// that nobody adds a field by way of a value.
[[nodiscard]] std::string response_head(const HttpResponse& response, BodyFraming framing, bool keep_alive);
[[nodiscard]] std::string request_head(const HttpRequest& request, std::string_view host);

}  // namespace pabal::runtime
