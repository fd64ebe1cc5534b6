#include "flows/otlp.h"

#include <algorithm>
#include <charconv>
#include <zlib.h>

#include "flows/observatory.h"

namespace pabal::flows {
namespace {

using nlohmann::json;

// A member of an object, or null; never throws.
const json& member(const json& object, std::string_view name) {
  static const json none;
  if (!object.is_object()) return none;
  auto found = object.find(name);
  return found == object.end() ? none : *found;
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return std::to_string(value.get<int64_t>());
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  return {};
}

// OTLP's AnyValue: {"stringValue": "x"}, {"intValue": "1"}, …
std::string any_value(const json& value) {
  for (auto name : {"stringValue", "intValue", "boolValue"}) {
    if (const json& inner = member(value, name); !inner.is_null()) return text_of(inner);
  }
  return {};
}

using Attributes = std::vector<std::pair<std::string, std::string>>;

Attributes attributes_of(const json& owner) {
  Attributes attributes;
  const json& list = member(owner, "attributes");
  if (!list.is_array()) return attributes;
  for (const json& attribute : list) {
    std::string value = any_value(member(attribute, "value"));
    if (!value.empty()) attributes.emplace_back(text_of(member(attribute, "key")), std::move(value));
  }
  return attributes;
}

std::string get(const Attributes& attributes, std::string_view name) {
  for (const auto& [key, value] : attributes) {
    if (key == name) return value;
  }
  return {};
}

int64_t number(const std::string& text, int64_t otherwise = 0) {
  int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_client(const json& span) {
  const json& kind = member(span, "kind");
  if (kind.is_number_integer()) return kind.get<int64_t>() == 3;
  return kind == "SPAN_KIND_CLIENT";
}

bool has_error_status(const json& span) {
  const json& code = member(member(span, "status"), "code");
  if (code.is_number_integer()) return code.get<int64_t>() == 2;
  return code == "STATUS_CODE_ERROR";
}

void set_outcome(ReportedCall& call, const json& span, const Attributes& attributes) {
  std::string status = get(attributes, "http.response.status_code");
  std::string error_type = get(attributes, "error.type");
  call.failed = has_error_status(span) || number(status) >= 500;
  call.outcome = "ok";
  if (!call.failed) return;
  bool timed_out = error_type.find("timeout") != std::string::npos || error_type == "timed_out" ||
                   error_type == "deadline_exceeded";
  call.outcome = timed_out ? "timed out" : "failed";
  call.reason = text_of(member(member(span, "status"), "message"));
  if (call.reason.empty() && number(status) > 0) call.reason = "answered " + status;
  if (call.reason.empty()) call.reason = error_type;
}

std::string correlation_of(const Attributes& attributes, const json& span) {
  for (auto name : {"correlationid", "messaging.message.conversation_id"}) {
    if (auto id = get(attributes, name); !id.empty()) return id;
  }
  return text_of(member(span, "traceId"));
}

constexpr std::string_view tries_attribute = "pabal.tries";
constexpr int64_t attempts_max = 1'000;

int attempt_of(const Attributes& attributes) {
  int64_t tries = number(get(attributes, tries_attribute), 0);
  if (tries == 0) tries = 1 + number(get(attributes, "http.request.resend_count"), 0);
  return static_cast<int>(std::clamp<int64_t>(tries, 1, attempts_max));
}

// nullopt: a span that is fine and no call to a named peer.
Result<std::optional<ReportedCall>> read_span(const json& span, const std::string& service) {
  if (!span.is_object()) return error(ErrorCode::invalid, "a span is not an object");
  int64_t start = number(text_of(member(span, "startTimeUnixNano")), -1);
  int64_t end = number(text_of(member(span, "endTimeUnixNano")), -1);
  if (start <= 0 || end < start) {
    return error(ErrorCode::invalid,
                 "a span needs startTimeUnixNano and an endTimeUnixNano that is not before it");
  }
  Attributes attributes = attributes_of(span);
  std::string peer = get(attributes, "peer.service");
  if (!is_client(span) || peer.empty()) return std::nullopt;
  ReportedCall call;
  call.service = service;
  call.peer = std::move(peer);
  call.name = text_of(member(span, "name"));
  call.correlation_id = correlation_of(attributes, span);
  call.at = WallTime(std::chrono::milliseconds(start / 1'000'000));
  call.duration = Duration(end - start);
  call.attempt = attempt_of(attributes);
  set_outcome(call, span, attributes);
  for (const auto& [key, value] : attributes) {
    if (key.starts_with("pabal.") && key != tries_attribute && call.search.size() < seen_search_values_max) {
      call.search.push_back(value);
    }
  }
  return call;
}

void take_span(const json& span, const std::string& service, ReportedSpans& out) {
  auto call = read_span(span, service);
  if (!call) {
    ++out.rejected;
    if (out.problem.empty()) out.problem = call.error().message;
  } else if (*call) {
    out.calls.push_back(std::move(**call));
  } else {
    ++out.others;
  }
}

Result<std::string> unzipped(std::string_view body) {
  z_stream stream = {};
  constexpr int gzip_window = 15 + 16;
  if (inflateInit2(&stream, gzip_window) != Z_OK) return error(ErrorCode::unavailable, "no memory for gzip");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  std::string out;
  int status = Z_OK;
  while (status == Z_OK && out.size() <= otlp_body_bytes_max) {
    size_t before = out.size();
    out.resize(before + 64_KiB);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = 64_KiB;
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (stream.avail_in == 0 && stream.avail_out > 0) break;
  }
  inflateEnd(&stream);
  if (out.size() > otlp_body_bytes_max) {
    return error(ErrorCode::too_large, "the report unpacks to more than {} bytes", otlp_body_bytes_max);
  }
  if (status != Z_STREAM_END) return error(ErrorCode::invalid, "the body is not whole gzip data");
  return out;
}

std::string_view media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return content_type;
}

}  // namespace

Result<ReportedSpans> read_otlp_json(std::string_view body) {
  json request = json::parse(body, nullptr, false);
  if (!request.is_object()) {
    return error(ErrorCode::invalid, "the body is not a JSON object like {{\"resourceSpans\": […]}}");
  }
  const json& resources = member(request, "resourceSpans");
  if (!resources.is_array() && !resources.is_null()) {
    return error(ErrorCode::invalid, "\"resourceSpans\" is not a list");
  }
  ReportedSpans out;
  size_t spans_read = 0;
  for (const json& resource : resources) {
    std::string service = get(attributes_of(member(resource, "resource")), "service.name");
    for (const json& scope : member(resource, "scopeSpans")) {
      for (const json& span : member(scope, "spans")) {
        if (++spans_read > otlp_spans_max) {
          return error(ErrorCode::too_large, "the report has more than {} spans", otlp_spans_max);
        }
        take_span(span, service, out);
      }
    }
  }
  return out;
}

Result<json> take_reported_spans(Observatory& observatory, std::string_view content_type,
                                 std::string_view content_encoding, std::string_view body) {
  if (media_type(content_type) != "application/json") {
    return error(ErrorCode::wrong_media,
                 "spans are read as OTLP's JSON (Content-Type: application/json), not \"{}\"; set the "
                 "exporter's protocol to http/json",
                 content_type);
  }
  std::string plain;
  if (content_encoding == "gzip") {
    auto text = unzipped(body);
    if (!text) return std::unexpected(text.error());
    plain = std::move(*text);
    body = plain;
  } else if (!content_encoding.empty() && content_encoding != "identity") {
    return error(ErrorCode::wrong_media, "Content-Encoding \"{}\" is not read; send gzip or none",
                 content_encoding);
  }
  auto spans = read_otlp_json(body);
  if (!spans) return std::unexpected(spans.error());
  for (const auto& call : spans->calls) observatory.called(call);
  if (spans->rejected == 0) return json::object();
  return json{{"partialSuccess",
               {{"rejectedSpans", std::to_string(spans->rejected)}, {"errorMessage", spans->problem}}}};
}

}  // namespace pabal::flows
