#include "flows/push_request.h"

#include <algorithm>
#include <array>

#include "flows/webhook_signature.h"

namespace pabal::flows {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// Fields that make the request what it is; a record cannot bring its own.
bool is_reserved(const std::string& name) {
  static constexpr auto reserved = std::to_array<std::string_view>(
      {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade",
       "expect", "proxy-authorization", "proxy-connection", "authorization", "cookie"});
  return std::ranges::find(reserved, name) != reserved.end() || name.starts_with("pabal-") ||
         name.starts_with("webhook-");
}

bool is_token(std::string_view name) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  });
}

// Percent-encodes what is not printable ASCII, and `also`: no value can end its field or begin another.
std::string encoded(std::string_view value, std::string_view also) {
  std::string out;
  for (char c : value) {
    auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte > 0x7E || also.find(c) != std::string_view::npos) {
      out += fmt::format("%{:02X}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

void add_record_headers(const broker::Message& message, runtime::HttpFields& fields) {
  for (const auto& header : message.headers) {
    std::string name = lower(header.name);
    if (!header.value || !is_token(name) || is_reserved(name)) continue;
    fields.add(header.name, encoded(*header.value, ""));
    // CloudEvents' HTTP binding, which has its own way of encoding.
    if (name.starts_with("ce_")) fields.add("ce-" + name.substr(3), encoded(*header.value, " \"%"));
    if (name == "correlationid") fields.add("Correlation-Id", encoded(*header.value, ""));
  }
}

}  // namespace

runtime::HttpRequest push_request(const std::string& queue, const broker::PushSettings& settings,
                                  const runtime::Url& url, const broker::Message& message, WallTime now) {
  runtime::HttpRequest request{
      .method = "POST", .target = url.target, .fields = {}, .body = message.body.value_or("")};
  add_record_headers(message, request.fields);
  if (!request.fields.find("Content-Type")) request.fields.add("Content-Type", "application/octet-stream");
  request.fields.add("User-Agent", "Pabal");
  request.fields.add("Pabal-Queue", encoded(queue, "%"));
  request.fields.add("Pabal-Delivery", std::to_string(message.delivery));
  request.fields.add("Pabal-Message", encoded(message.id, "%"));
  if (message.key) request.fields.add("Pabal-Key", encoded(*message.key, "%"));
  if (!message.body) request.fields.add("Pabal-Tombstone", "true");
  if (settings.secret.empty()) return request;
  auto key = read_webhook_secret(settings.secret);
  if (!key) return request;  // refused when it was set
  int64_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  std::string id = encoded(message.id, "%");
  request.fields.add("webhook-id", id);
  request.fields.add("webhook-timestamp", std::to_string(seconds));
  request.fields.add("webhook-signature", webhook_signature(*key, id, seconds, request.body));
  return request;
}

}  // namespace pabal::flows
