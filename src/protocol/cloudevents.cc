#include "protocol/cloudevents.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "protocol/base64.h"
#include "protocol/json.h"

namespace pabal::protocol {
namespace {

using Problems = std::vector<FieldProblem>;

constexpr std::array<std::string_view, 4> required = {"specversion", "id", "source", "type"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

bool is_attribute_name(std::string_view name) {
  return !name.empty() && name.size() <= cloud_event_name_bytes_max &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// "application/json", "application/cloudevents+json; charset=utf-8", "text/json"
bool is_json_type(std::string_view content_type) {
  std::string type = lower(content_type.substr(0, content_type.find(';')));
  type.erase(type.find_last_not_of(' ') + 1);
  return type.ends_with("/json") || type.ends_with("+json");
}

// An HTTP header's value as the binding writes it: quotes undone first, then one round of percent-decoding.
std::optional<std::string> decode_header(std::string_view value) {
  std::string plain;
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    for (size_t i = 1; i + 1 < value.size(); ++i) {
      if (value[i] == '\\' && i + 2 < value.size()) ++i;
      plain += value[i];
    }
  } else {
    plain = value;
  }
  auto decoded = runtime::percent_decode(plain);
  if (!decoded || !is_utf8(*decoded)) return std::nullopt;
  return decoded;
}

void check_required(const CloudEvent& event, const std::string& where, std::string_view prefix,
                    Problems& problems) {
  for (std::string_view name : required) {
    const std::string* value = event.find(name);
    if (value == nullptr || value->empty()) {
      problems.push_back({fmt::format("{}{}{}", where, prefix, name), "is missing; a CloudEvent needs it"});
    } else if (name == "specversion" && *value != "1.0") {
      problems.push_back(
          {fmt::format("{}{}{}", where, prefix, name), fmt::format("'{}' is not known; 1.0 is", *value)});
    }
  }
}

CloudEvent read_binary(const runtime::HttpFields& fields, std::string_view body, Problems& problems) {
  CloudEvent event;
  for (const auto& [name, value] : fields) {
    std::string attribute = lower(name);
    if (!attribute.starts_with("ce-")) continue;
    attribute.erase(0, 3);
    if (problems.size() >= cloud_event_problems_max) break;
    auto decoded = decode_header(value);
    if (event.attributes.size() == cloud_event_attributes_max) {
      problems.push_back(
          {name, fmt::format("is more than the {} attributes of an event", cloud_event_attributes_max)});
      break;
    }
    if (!is_attribute_name(attribute)) {
      problems.push_back({name, "is no attribute name; they are of a-z and 0-9"});
    } else if (!decoded) {
      problems.push_back({name, "is not percent-encoded UTF-8"});
    } else if (event.find(attribute) != nullptr) {
      problems.push_back({name, "is there twice"});
    } else {
      event.attributes.emplace_back(attribute, *decoded);
    }
  }
  if (const std::string* type = fields.find("content-type")) event.content_type = *type;
  if (!body.empty() || event.content_type) event.data = body;
  check_required(event, "", "ce-", problems);
  return event;
}

std::optional<std::string> attribute_value(JsonView value) {
  switch (value.kind()) {
    case JsonKind::string:
      return value.text();
    case JsonKind::boolean:
      return std::string(value.raw());
    case JsonKind::number:
      return value.integer() ? std::optional(std::string(value.raw())) : std::nullopt;
    default:
      return std::nullopt;
  }
}

class StructuredReader {
 public:
  StructuredReader(std::string where, Problems& problems) : where_(std::move(where)), problems_(problems) {}

  CloudEvent read(JsonView object) {
    object.members([&](JsonView name, JsonView value) {
      if (event_.attributes.size() == cloud_event_attributes_max) {
        problem("attributes", fmt::format("are more than {}", cloud_event_attributes_max));
        return false;
      }
      member(name.text().value_or(""), value);
      return problems_.size() < cloud_event_problems_max;
    });
    if (data_ && data_base64_) problem("data_base64", "and data are both there; one of them is right");
    if (data_) event_.data = data_text(*data_);
    if (data_base64_) decode_data();
    if (!event_.content_type && data_) event_.content_type = "application/json";
    check_required(event_, where_, "", problems_);
    return std::move(event_);
  }

 private:
  void member(const std::string& name, JsonView value) {
    if (name == "data") {
      data_ = value;
    } else if (name == "data_base64") {
      data_base64_ = value;
    } else if (!is_attribute_name(name)) {
      problem(name, "is no attribute name; they are of a-z and 0-9");
    } else if (!value.is(JsonKind::null)) {  // null says: not set
      attribute(name, value);
    }
  }

  void attribute(const std::string& name, JsonView value) {
    auto text = attribute_value(value);
    if (!text) {
      problem(name, fmt::format("is {}; an attribute is a string, a boolean or a whole number",
                                name_of(value.kind())));
    } else if (name == "datacontenttype") {
      event_.content_type = text;
    } else if (event_.find(name) != nullptr) {
      problem(name, "is there twice");
    } else {
      event_.attributes.emplace_back(name, *text);
    }
  }

  // JSON data are stored as their text; a string of another content type as what it says.
  std::string data_text(JsonView data) const {
    bool as_json = !event_.content_type || is_json_type(*event_.content_type);
    if (!as_json && data.is(JsonKind::string)) return data.text().value_or(std::string(data.raw()));
    return std::string(data.raw());
  }

  void decode_data() {
    auto text = data_base64_->text();
    auto bytes = text ? base64_decode(*text) : std::nullopt;
    if (!bytes) return problem("data_base64", "is not base64 (RFC 4648, with padding)");
    event_.data = std::move(*bytes);
  }

  void problem(std::string_view name, std::string text) {
    problems_.push_back({fmt::format("{}{}", where_, name), std::move(text)});
  }

  std::string where_;
  Problems& problems_;
  CloudEvent event_;
  std::optional<JsonView> data_;
  std::optional<JsonView> data_base64_;
};

Result<std::vector<CloudEvent>> read_batch(JsonView json, Problems& problems) {
  std::vector<CloudEvent> events;
  if (!json.is(JsonKind::array)) {
    return error(ErrorCode::invalid, "the body is {}; a CloudEvents batch is an array of events",
                 name_of(json.kind()));
  }
  size_t index = 0;
  json.elements([&](JsonView element) {
    std::string where = fmt::format("[{}].", index++);
    if (element.is(JsonKind::object)) {
      events.push_back(StructuredReader(where, problems).read(element));
    } else {
      problems.push_back({fmt::format("[{}]", index - 1),
                          fmt::format("is {}; an event is an object", name_of(element.kind()))});
    }
    return index <= cloud_event_batch_max && problems.size() < cloud_event_problems_max;
  });
  if (index > cloud_event_batch_max)
    return error(ErrorCode::too_large, "a batch has at most {} events", cloud_event_batch_max);
  return events;
}

Result<std::vector<CloudEvent>> read_structured(CloudEventMode mode, std::string_view body,
                                                Problems& problems) {
  auto json = JsonView::parse(body);
  if (!json) return std::unexpected(json.error());
  if (mode == CloudEventMode::batch) return read_batch(*json, problems);
  if (!json->is(JsonKind::object)) {
    return error(ErrorCode::invalid, "the body is {}; a CloudEvent is an object", name_of(json->kind()));
  }
  std::vector<CloudEvent> events;
  events.push_back(StructuredReader("", problems).read(*json));
  return events;
}

}  // namespace

const std::string* CloudEvent::find(std::string_view name) const {
  auto found = std::ranges::find(attributes, name, &std::pair<std::string, std::string>::first);
  return found == attributes.end() ? nullptr : &found->second;
}

CloudEventMode cloud_event_mode(const runtime::HttpFields& fields) {
  std::string type = lower(fields.get("content-type"));
  if (type.starts_with("application/cloudevents-batch")) return CloudEventMode::batch;
  if (type.starts_with("application/cloudevents")) return CloudEventMode::structured;
  for (std::string_view name : {"ce-specversion", "ce-id", "ce-type", "ce-source"}) {
    if (fields.find(name) != nullptr) return CloudEventMode::binary;
  }
  return CloudEventMode::none;
}

Result<std::vector<CloudEvent>> read_cloud_events(CloudEventMode mode, const runtime::HttpFields& fields,
                                                  std::string_view body) {
  Problems problems;
  Result<std::vector<CloudEvent>> events;
  if (mode == CloudEventMode::binary) {
    events->push_back(read_binary(fields, body, problems));
  } else if (!lower(fields.get("content-type")).contains("+json")) {
    return error(ErrorCode::wrong_media,
                 "'{}' is not known; CloudEvents are read as application/cloudevents+json or "
                 "application/cloudevents-batch+json",
                 fields.get("content-type"));
  } else {
    events = read_structured(mode, body, problems);
  }
  if (problems.size() > cloud_event_problems_max) problems.resize(cloud_event_problems_max);
  if (events && !problems.empty()) {
    return std::unexpected(Error{
        ErrorCode::invalid,
        "the CloudEvent is not valid: " + problems.front().field + " " + problems.front().problem, problems});
  }
  return events;
}

std::vector<std::pair<std::string, std::string>> kafka_headers_of(const CloudEvent& event) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : event.attributes) headers.emplace_back("ce_" + name, value);
  if (event.content_type) headers.emplace_back("content-type", *event.content_type);
  return headers;
}

}  // namespace pabal::protocol
