#include "base/fuzz.h"
#include "cli/flow_text.h"
#include "cli/record_text.h"
#include "cli/trace_text.h"
#include "protocol/json.h"

// What a server says (or whoever poses as one), drawn on a terminal that none of it may drive. The first byte
// chooses.

namespace pabal::cli {
namespace {

void check_line(std::string_view line) {
  check(protocol::is_utf8(line), "a line of {} bytes is no text", line.size());
  for (size_t at = 0; at < line.size(); ++at) {
    auto byte = static_cast<uint8_t>(line[at]);
    bool c1 = byte == 0xC2 && at + 1 < line.size() && static_cast<uint8_t>(line[at + 1]) < 0xA0;
    check(byte >= 0x20 && byte != 0x7F && !c1, "a control character goes to the terminal: {:?}", line);
  }
}

void check_lines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) check_line(line);
}

Json json_in(BytesView input) { return Json::parse(as_text(input), nullptr, false); }

void try_flow(BytesView input) {
  if (Json flow = json_in(input); !flow.is_discarded()) check_lines(flow_text(flow, Screen()));
}
void try_trace(BytesView input) {
  if (Json trace = json_in(input); !trace.is_discarded()) check_lines(trace_text(trace, Screen()));
}
void try_record(BytesView input) {
  if (Json record = json_in(input); !record.is_discarded()) check_line(body_text(record, "value"));
}
void try_screen(BytesView input) {
  size_t columns = take_byte(input);
  std::string text = printable(as_text(input));
  check_line(text);
  std::string cut = fitted(text, columns);
  check(columns == 0 || width_of(cut) == columns, "{} columns instead of {}", width_of(cut), columns);
}

constexpr std::array choices = {try_flow, try_trace, try_record, try_screen};

}  // namespace
}  // namespace pabal::cli

PABAL_FUZZ(trace_text) {
  uint8_t choice = pabal::take_byte(input);
  pabal::cli::choices[choice % pabal::cli::choices.size()](input);
}
