#include "shop/mail/message.h"

#include <algorithm>
#include <ctime>
#include <fmt/chrono.h>

namespace shop {
namespace {

constexpr size_t address_length_max = 254;

std::string printable(std::string_view text) {
  std::string result(text);
  std::ranges::replace_if(result, [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

bool may_be_in_address(char c) {
  return c > ' ' && c < 127 && !std::string_view("()<>[]:;,\"\\").contains(c);
}

}  // namespace

Result<void> check_address(std::string_view address) {
  size_t at = address.find('@');
  bool one_at = at != std::string_view::npos && address.find('@', at + 1) == std::string_view::npos;
  bool whole = one_at && at > 0 && at + 1 < address.size() && address.size() <= address_length_max;
  if (whole && std::ranges::all_of(address, may_be_in_address)) return {};
  return error(ErrorCode::invalid, "\"{:.100}\" is no e-mail address, which is name@host without blanks",
               printable(address));
}

std::string to_rfc5322(const Mail& mail, std::string_view line_end) {
  std::string result;
  auto line = [&](std::string_view text) { result.append(text).append(line_end); };
  std::time_t at = std::chrono::system_clock::to_time_t(mail.written_at);
  line("From: Pabal Shop <orders@shop.example>");
  line(fmt::format("To: {}", printable(mail.to)));
  line(fmt::format("Subject: {}", printable(mail.subject)));
  line(fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} +0000", fmt::gmtime(at)));
  line(fmt::format("Message-ID: <{}@shop.example>", printable(mail.event_id)));
  line(fmt::format("X-Order-Id: {}", printable(mail.order_id)));
  line("MIME-Version: 1.0");
  line("Content-Type: text/plain; charset=us-ascii");
  line("");
  for (size_t at_char = 0; at_char < mail.text.size();) {
    size_t end = std::min(mail.text.find('\n', at_char), mail.text.size());
    line(printable(std::string_view(mail.text).substr(at_char, end - at_char)));
    at_char = end + 1;
  }
  return result;
}

}  // namespace shop
