#include "doors/http/message_body.h"

#include <algorithm>

#include "base/units.h"
#include "doors/http/header_fields.h"

namespace pabal::doors {
namespace {

using broker::PostMessage;

constexpr int64_t receive_max = 1'000;
constexpr Duration delay_max = std::chrono::days(366);
constexpr Duration visibility_max = std::chrono::hours(12);
constexpr size_t reason_bytes_max = 2'000;

struct GivenMessage {
  PostMessage message;
  std::vector<GivenHeader> headers;
  std::optional<Duration> delay;
  std::optional<WallTime> at;
  int bodies = 0;
  int keys = 0;
};

// Known from the API and not built yet; what they would leave unchanged is let through.
void read_priority(const Field& f) {
  auto n = f.integer(0, 9);
  if (n && *n != 0) f.problem("is not built yet in this version: all messages have priority 0");
}

bool read_members(const Field& field, GivenMessage& given) {
  PostMessage& m = given.message;
  return field.object({
      {"body", [&](const Field& f) { ++given.bodies, m.body = std::string(f.value().raw()); }},
      {"key", [&](const Field& f) { ++given.keys, m.key = f.is_null() ? std::nullopt : f.text(); }},
      {"headers", [&](const Field& f) { read_headers(f, given.headers); }},
      {"delay", [&](const Field& f) { given.delay = f.duration(delay_max); }},
      {"at", [&](const Field& f) { given.at = f.time(); }},
      {"ttl", [&](const Field& f) { m.ttl = f.duration(delay_max); }},
      {"priority", read_priority},
      {"dedup_id", [&](const Field& f) { f.problem("is not built yet in this version"); }},
      {"body_base64", [&](const Field& f) { ++given.bodies, m.body = f.base64(); }},
      {"key_base64", [&](const Field& f) { ++given.keys, m.key = f.base64(); }},
      {"header_list", [&](const Field& f) { read_header_list(f, given.headers); }},
  });
}

void read_due(const Field& field, WallTime now, GivenMessage& given) {
  if (given.delay && given.at) return field.problem("has both delay and at; one of them is right");
  if (given.at && *given.at > now + std::chrono::floor<std::chrono::milliseconds>(delay_max)) {
    return field.problem("is due in more than " + format_duration(delay_max));
  }
  if (given.at) given.message.due = given.at;
  if (given.delay) given.message.due = now + std::chrono::ceil<std::chrono::milliseconds>(*given.delay);
}

void read_message(const Field& field, WallTime now, std::vector<PostMessage>& out) {
  GivenMessage given;
  if (!read_members(field, given)) return;
  if (given.bodies != 1) field.problem("needs one of body and body_base64");
  if (given.keys > 1) field.problem("has both key and key_base64; one of them is right");
  check_header_limits(field, given.headers);
  read_due(field, now, given);
  for (GivenHeader& h : given.headers)
    given.message.headers.push_back({std::move(h.name), std::move(h.value)});
  out.push_back(std::move(given.message));
}

void add_unless_there(PostMessage& message, const char* name, std::string_view value) {
  auto there = std::ranges::find(message.headers, name, &broker::QueueHeader::name);
  if (value.empty() || there != message.headers.end()) return;
  message.headers.push_back({name, std::string(value)});
}

void add_flow(const runtime::HttpRequest& request, const std::function<std::string()>& make_id,
              PostMessage& message) {
  std::string_view given = request.fields.get("correlation-id");
  add_unless_there(message, "correlationid", given.empty() ? make_id() : given);
  add_unless_there(message, "traceparent", request.fields.get("traceparent"));
  add_unless_there(message, "tracestate", request.fields.get("tracestate"));
}

// The reader of "leases", which must be there.
Member leases_member(std::vector<std::string>& leases) {
  return {"leases", [&leases](const Field& field) {
            field.array(leases_per_call_max, [&](const Field& f) {
              if (auto lease = f.text()) leases.push_back(std::move(*lease));
            });
          }};
}

Result<void> need_leases(const std::vector<std::string>& leases) {
  if (!leases.empty()) return {};
  return as_result({{"leases", "is missing or empty; right is a list of the leases that receive gave"}});
}

}  // namespace

Result<std::vector<PostMessage>> read_messages(const runtime::HttpRequest& request, WallTime now,
                                               const std::function<std::string()>& make_id) {
  std::vector<PostMessage> messages;
  bool given = false;
  auto each = [&](const Field& f) { read_message(f, now, messages); };
  auto read = read_object(
      request.body, false,
      {{"messages", [&](const Field& f) { given = true, f.array(messages_per_call_max, each); }}});
  if (!read) return std::unexpected(read.error());
  if (!given) {
    auto missing = as_result({{"messages", "is missing; right is {\"messages\": [{\"body\": …}]}"}});
    return std::unexpected(missing.error());
  }
  for (PostMessage& m : messages) add_flow(request, make_id, m);
  return messages;
}

Result<broker::Receive> read_receive(std::string_view body) {
  broker::Receive receive;
  auto read = read_object(
      body, true,
      {{"max",
        [&](const Field& f) { receive.max = static_cast<int>(f.integer(1, receive_max).value_or(1)); }},
       {"wait", [&](const Field& f) { receive.wait = f.duration(wait_max).value_or(Duration::zero()); }},
       {"visibility", [&](const Field& f) { receive.visibility = f.duration(visibility_max); }}});
  if (!read) return std::unexpected(read.error());
  return receive;
}

Result<std::vector<std::string>> read_ack(std::string_view body) {
  std::vector<std::string> leases;
  auto read = read_object(body, false, {leases_member(leases)});
  if (read) read = need_leases(leases);
  if (!read) return std::unexpected(read.error());
  return leases;
}

Result<broker::Nack> read_nack(std::string_view body) {
  broker::Nack nack;
  auto read = read_object(body, false,
                          {leases_member(nack.leases),
                           {"delay", [&](const Field& f) { nack.delay = f.duration(delay_max); }},
                           {"reason",
                            [&](const Field& f) {
                              nack.reason = f.is_null() ? "" : f.text().value_or("");
                              if (nack.reason.size() > reason_bytes_max)
                                f.problem("is longer than 2,000 bytes");
                            }},
                           {"dead", [&](const Field& f) { nack.dead = f.boolean().value_or(false); }}});
  if (read) read = need_leases(nack.leases);
  if (!read) return std::unexpected(read.error());
  return nack;
}

Result<Extend> read_extend(std::string_view body) {
  Extend extend;
  std::optional<Duration> visibility;
  auto read = read_object(body, false,
                          {leases_member(extend.leases),
                           {"visibility", [&](const Field& f) { visibility = f.duration(visibility_max); }}});
  if (read) read = need_leases(extend.leases);
  if (read && !visibility)
    read = as_result({{"visibility", "is missing; right is a duration such as \"60s\""}});
  if (!read) return std::unexpected(read.error());
  extend.visibility = *visibility;
  return extend;
}

}  // namespace pabal::doors
