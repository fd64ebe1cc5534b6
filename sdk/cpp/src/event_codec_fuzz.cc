#include "base/fuzz.h"
#include "event_codec.h"
#include "ids.h"
#include "webhook.h"

// What a service takes from a server or whoever poses as one. The first byte chooses.

namespace pabal::sdk {
namespace {

const WallTime now = WallTime(std::chrono::milliseconds(1'770'000'000'000));

void check_event(const Result<Event>& event) {
  if (!event) return;
  Context context = context_of(*event);
  check(Trace::parse(context.traceparent).has_value(), "{:?} is no trace", context.traceparent);
  static_cast<void>(to_outbox_row(complete(*event, "s")));
}

void try_message(std::string_view text) {
  check_event(event_from_message(Json::parse(text, nullptr, false), "q"));
}

// Lines `name:value`, an empty one, the body.
void try_push(std::string_view text) {
  runtime::HttpRequest request{.method = "POST"};
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) break;
    std::string_view name = line.substr(0, line.find(':'));
    request.fields.add(std::string(name), std::string(line.substr(std::min(line.size(), name.size() + 1))));
  }
  request.body = text;
  check_event(event_from_push(request, "q"));
  check(!verify_webhook("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", request, now),
        "a forged request is let in");
}

void try_trace(std::string_view text) {
  auto trace = Trace::parse(text);
  if (trace) check(Trace::parse(trace->child().header()).has_value(), "the child of {:?} is no trace", text);
}

constexpr std::array choices = {try_message, try_push, try_trace};

}  // namespace
}  // namespace pabal::sdk

PABAL_FUZZ(event_codec) {
  uint8_t choice = pabal::take_byte(input);
  pabal::sdk::choices[choice % pabal::sdk::choices.size()](pabal::as_text(input));
}
