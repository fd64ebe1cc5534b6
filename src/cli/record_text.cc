#include "cli/record_text.h"

#include <fmt/format.h>

#include "cli/screen.h"
#include "protocol/base64.h"

namespace pabal::cli {
namespace {

// Bytes that are text are shown as text.
std::string bytes_text(const std::string& bytes) {
  std::string text = printable(bytes);
  bool is_text = text.find("\uFFFD") == std::string::npos;
  return is_text ? text : fmt::format("({} bytes)", bytes.size());
}

}  // namespace

std::string body_text(const Json& record, const std::string& name) {
  if (const Json& bytes = member_of(record, name + "_base64"); bytes.is_string()) {
    auto decoded = protocol::base64_decode(bytes.get<std::string>());
    return decoded ? bytes_text(*decoded) : "(not base64)";
  }
  const Json& body = member_of(record, name);
  if (body.is_null()) return "(tombstone)";
  return printable(body.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace pabal::cli
