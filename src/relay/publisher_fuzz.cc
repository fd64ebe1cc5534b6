#include "base/fuzz.h"
#include "calls/call.h"
#include "protocol/json.h"
#include "relay/publisher.h"

// An outbox row, whose texts any program may have written, as the record that is sent: lines of key and
// headers, the rest is the payload. What the server cannot read would stand in the way of all behind it.

PABAL_FUZZ(publisher) {
  using namespace pabal;
  std::string_view text = as_text(input);
  auto take_line = [&] {
    std::string line(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
  };
  static_cast<void>(calls::parse_retry_after(text));
  relay::OutboxRow row{
      .id = "1", .topic = "t", .type = "T", .key = take_line(), .payload = "", .headers = take_line()};
  row.payload = text;
  std::string body = "{\"records\":[" + relay::record_json(row, true) + "]}";
  auto sent = protocol::check_json(body);
  check(sent.has_value(), "no JSON is sent: {}", sent ? "" : sent.error().message);
}
