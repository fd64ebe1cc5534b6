#include "event_codec.h"

#include <charconv>

#include "base/units.h"
#include "ids.h"

namespace pabal::sdk {

namespace {

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// A member that is text, else nothing; never throws.
std::string text_in(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Sets the part of the event that a header stands for.
void take_header(Event& event, std::string_view name, std::string value) {
  struct Part {
    std::string_view name;
    std::string Event::* member;
  };
  static constexpr Part parts[] = {{"ce_id", &Event::id},
                                   {"ce_type", &Event::type},
                                   {"ce_source", &Event::source},
                                   {"ce_time", &Event::time},
                                   {"traceparent", &Event::traceparent},
                                   {"correlationid", &Event::correlation_id},
                                   {"causationid", &Event::causation_id}};
  for (const Part& part : parts) {
    if (part.name == name) {
      event.*part.member = std::move(value);
      return;
    }
  }
  if (name != "ce_specversion" && name != "content-type") event.headers.emplace_back(name, std::move(value));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// "%2F" undone; what is no well-formed escape is taken as it stands.
std::string decoded(std::string_view value) {
  return runtime::percent_decode(value).value_or(std::string(value));
}

// What a field of a pushed request says about the event. CloudEvents' own fields come as ce-NAME, encoded as
// its HTTP binding says.
void take_field(Event& event, const std::string& name, const std::string& value) {
  if (name.starts_with("ce-")) return take_header(event, "ce_" + name.substr(3), decoded(value));
  bool passed_on = name == "traceparent" || name == "correlationid" || name == "causationid";
  if (passed_on) take_header(event, name, value);
}

}  // namespace

Event complete(Event event, std::string_view service) {
  const Context& context = current_context();
  if (event.id.empty()) event.id = new_id();
  if (event.topic.empty()) event.topic = std::string(service) + ".events";
  if (event.source.empty()) event.source = "/" + std::string(service);
  if (event.time.empty()) event.time = format_time(system_clock().wall_now());
  if (event.correlation_id.empty()) event.correlation_id = context.correlation_id;
  if (event.correlation_id.empty()) event.correlation_id = new_id();
  if (event.causation_id.empty()) event.causation_id = context.causation_id;
  if (event.traceparent.empty()) event.traceparent = context.traceparent;
  return event;
}

Result<relay::OutboxRow> to_outbox_row(const Event& event) {
  if (event.type.empty()) return error(ErrorCode::invalid, "an event needs a type, in the past tense");
  Json headers = Json::object();
  for (const auto& [name, value] : event.headers) headers[name] = value;
  headers["ce_source"] = event.source;
  headers["ce_time"] = event.time;
  headers["correlationid"] = event.correlation_id;
  if (!event.causation_id.empty()) headers["causationid"] = event.causation_id;
  if (!event.traceparent.empty()) headers["traceparent"] = event.traceparent;
  return relay::OutboxRow{.id = event.id,
                          .topic = event.topic,
                          .type = event.type,
                          .key = event.key,
                          .payload = dump(event.data),
                          .headers = dump(headers),
                          .created_at = system_clock().wall_now()};
}

Result<Event> event_from_message(const Json& message, std::string_view queue) {
  Event event;
  event.queue = queue;
  if (!message.is_object()) return error(ErrorCode::invalid, "the message is not an object");
  if (message.contains("headers") && message["headers"].is_object()) {
    for (const auto& [name, value] : message["headers"].items()) {
      if (value.is_string()) take_header(event, name, value.get<std::string>());
    }
  }
  if (event.id.empty()) event.id = text_in(message, "id");
  event.key = text_in(message, "key");
  event.delivery = 1;
  if (auto delivery = message.find("delivery"); delivery != message.end() && delivery->is_number_integer()) {
    event.delivery = static_cast<int>(delivery->get<int64_t>());
  }
  if (!message.contains("body")) return error(ErrorCode::invalid, "the event's data is not JSON");
  event.data = message["body"];
  return event;
}

Result<Event> event_from_push(const runtime::HttpRequest& request, std::string_view queue) {
  Event event;
  event.queue = queue;
  for (const auto& [name, value] : request.fields) take_field(event, lower(name), value);
  if (event.id.empty()) event.id = decoded(request.fields.get("Pabal-Message"));
  event.key = decoded(request.fields.get("Pabal-Key"));
  std::string_view delivery = request.fields.get("Pabal-Delivery", "1");
  std::from_chars(delivery.data(), delivery.data() + delivery.size(), event.delivery);
  event.data = Json::parse(request.body, nullptr, false);
  if (event.data.is_discarded()) return error(ErrorCode::invalid, "the event's data is not JSON");
  if (event.id.empty()) return error(ErrorCode::invalid, "the request names no event (ce-id)");
  return event;
}

Context context_of(const Event& event) {
  Context context{
      .correlation_id = event.correlation_id, .causation_id = event.id, .traceparent = event.traceparent};
  if (context.correlation_id.empty()) context.correlation_id = event.id;
  auto trace = Trace::parse(event.traceparent);
  context.traceparent = (trace ? trace->child() : Trace::start()).header();
  if (!event.key.empty()) context.tags.emplace_back("pabal.key", event.key);
  return context;
}

}  // namespace pabal::sdk
