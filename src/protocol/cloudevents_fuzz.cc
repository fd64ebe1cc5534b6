#include "base/fuzz.h"
#include "protocol/cloudevents.h"
#include "protocol/json.h"

// A request in one of the content modes: lines `name:value` of its fields, an empty line, the body.

namespace pabal::protocol {
namespace {

runtime::HttpFields take_fields(std::string_view& text) {
  runtime::HttpFields fields;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) break;
    size_t colon = line.find(':');
    std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    fields.add(std::string(line.substr(0, colon)), std::string(value));
  }
  return fields;
}

void check_event(const CloudEvent& event) {
  check(event.attributes.size() <= cloud_event_attributes_max, "{} attributes", event.attributes.size());
  for (const char* name : {"specversion", "id", "source", "type"}) {
    const std::string* value = event.find(name);
    check(value != nullptr && !value->empty(), "an event without {}", name);
  }
  for (const auto& [name, value] : event.attributes) {
    check(name.size() <= cloud_event_name_bytes_max, "an attribute's name of {} bytes", name.size());
    check(is_utf8(value), "the attribute {} is no text", name);
  }
  size_t headers = event.attributes.size() + (event.content_type ? 1 : 0);
  check(kafka_headers_of(event).size() == headers, "{} headers", kafka_headers_of(event).size());
}

}  // namespace
}  // namespace pabal::protocol

PABAL_FUZZ(cloudevents) {
  using namespace pabal;
  std::string_view text = as_text(input);
  runtime::HttpFields fields = protocol::take_fields(text);
  auto mode = protocol::cloud_event_mode(fields);
  if (mode == protocol::CloudEventMode::none) return;
  auto events = protocol::read_cloud_events(mode, fields, text);
  if (!events) {
    check(events.error().fields.size() <= protocol::cloud_event_problems_max, "{} problems are told",
          events.error().fields.size());
    return;
  }
  check(events->size() <= protocol::cloud_event_batch_max, "{} events", events->size());
  for (const auto& event : *events) protocol::check_event(event);
}
