#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace shop {

using pabal::error;
using pabal::ErrorCode;
using pabal::Result;

// One e-mail of the shop, plain ASCII.
struct Mail {
  std::string event_id;  // what it tells about; the same event is the same mail
  std::string order_id;
  std::string to;
  std::string subject;
  std::string text;  // lines end with '\n'
  pabal::WallTime written_at{};
};

// "name@host" that can stand in a header and on an SMTP line; the error says what is wrong with it.
[[nodiscard]] Result<void> check_address(std::string_view address);

// The mail as RFC 5322 writes it, lines ended by `line_end`: LF in a Maildir, CRLF on the wire. Whatever is
// not printable ASCII becomes '?', so that nothing can add a header of its own.
[[nodiscard]] std::string to_rfc5322(const Mail& mail, std::string_view line_end);

}  // namespace shop
