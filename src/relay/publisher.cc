#include "relay/publisher.h"

#include <nlohmann/json.hpp>

#include "calls/call.h"
#include "protocol/base64.h"
#include "protocol/json.h"

namespace pabal::relay {

namespace {

using Json = nlohmann::json;

constexpr size_t why_bytes_max = 500;

std::string json_text(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Whether the server reads it as JSON where record_json() puts it: three levels down.
bool is_json_value(const std::string& payload) {
  return protocol::check_json(payload) && protocol::check_json("[[[" + payload + "]]]");
}

// The headers of a row: a value that is no text goes as its JSON text, for the server reads only text.
Json headers_in(const OutboxRow& row) {
  Json headers = Json::parse(row.headers, nullptr, false);
  if (!headers.is_object()) headers = Json::object();
  for (auto& value : headers) {
    if (!value.is_string()) value = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return headers;
}

// Statuses that say "this request is wrong", so that it is of no use to send it again. Access, time-outs and
// limits are not among them: an operator or time can put these right.
bool is_refusal(int status) {
  return status >= 400 && status < 500 && status != 401 && status != 403 && status != 408 && status != 425 &&
         status != 429;
}

std::string reason(const runtime::HttpResponse& response) {
  Json body = Json::parse(response.body, nullptr, false);
  std::string detail = body.is_object() && body.contains("detail") && body["detail"].is_string()
                           ? body["detail"].get<std::string>()
                           : response.body;
  return fmt::format("{}: {}", response.status, detail.substr(0, why_bytes_max));
}

// How many of the records the server had before, or nullopt when this is not an answer to `count` records.
std::optional<int64_t> duplicates_in(const runtime::HttpResponse& response, size_t count) {
  Json body = Json::parse(response.body, nullptr, false);
  if (!body.is_object() || !body.contains("records") || !body["records"].is_array()) return std::nullopt;
  if (body["records"].size() != count) return std::nullopt;
  return std::ranges::count_if(
      body["records"], [](const Json& record) { return record.is_object() && record.contains("duplicate"); });
}

}  // namespace

std::string record_json(const OutboxRow& row, bool sequenced) {
  Json headers = headers_in(row);
  headers["ce_id"] = row.id;
  headers["ce_type"] = row.type;
  headers["ce_specversion"] = "1.0";
  bool is_json = is_json_value(row.payload);
  if (is_json) headers["content-type"] = "application/json";
  std::string out = "{";
  if (!row.key.empty()) {
    out += protocol::is_utf8(row.key) ? "\"key\":" + json_text(row.key)
                                      : "\"key_base64\":" + json_text(protocol::base64_encode(row.key));
    out += ',';
  }
  // The payload goes as it is: what was written is what is read.
  out += is_json ? "\"value\":" + row.payload
                 : "\"value_base64\":" + json_text(protocol::base64_encode(row.payload));
  out += ",\"headers\":" + headers.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (sequenced) out += fmt::format(",\"sequence\":{}", row.position);
  return out + "}";
}

Publisher::Publisher(Options options) : options_(std::move(options)) {}

PublishAnswer Publisher::publish(std::string_view topic, std::span<const OutboxRow> rows,
                                 std::string_view producer, Deadline deadline) {
  runtime::HttpRequest request{.method = "POST",
                               .target = "/v1/topics/" + runtime::percent_encode(topic) + "/records"};
  request.fields.add("Content-Type", "application/json");
  request.fields.add("Pabal-Service", options_.service);
  if (!producer.empty()) {
    request.fields.add("Pabal-Producer", std::string(producer));
  } else if (!rows.empty()) {
    request.fields.add("Idempotency-Key", "\"" + rows.front().id + "\"");
  }
  if (!options_.token.empty()) request.fields.add("Authorization", "Bearer " + options_.token);
  request.body = "{\"records\":[";
  for (const OutboxRow& row : rows) {
    if (&row != rows.data()) request.body += ',';
    request.body += record_json(row, !producer.empty());
  }
  request.body += "]}";
  auto answer = client_.request(options_.server, std::move(request), deadline);
  if (!answer) return {.outcome = Published::later, .why = answer.error().message};
  if (answer->status / 100 == 2) {
    auto duplicates = duplicates_in(*answer, rows.size());
    if (duplicates) return {.outcome = Published::stored, .duplicates = *duplicates, .server_answered = true};
    return {.outcome = Published::later,
            .why = fmt::format("{} answered {} with something else than the records' places",
                               options_.server.authority(), answer->status)};
  }
  return {.outcome = is_refusal(answer->status) ? Published::refused : Published::later,
          .why = reason(*answer),
          .retry_after = calls::parse_retry_after(answer->fields.get("Retry-After")),
          .server_answered = true};
}

}  // namespace pabal::relay
