#include "doors/http/record_json.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <set>

#include "base/bytes.h"
#include "base/units.h"
#include "protocol/base64.h"
#include "protocol/json.h"

namespace pabal::doors {
namespace {

using protocol::append_json_string;

struct Header {
  std::string_view name;
  std::optional<std::string_view> value;
};

void append_text(std::string& out, std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(out), "\"{}\":", name);
  append_json_string(out, value);
}

// `,"name":"text"`, or `,"name_base64":"…"` for what is not text.
void append_text_or_base64(std::string& out, std::string_view name, std::string_view bytes) {
  out += ',';
  if (protocol::is_utf8(bytes)) return append_text(out, name, bytes);
  append_text(out, fmt::format("{}_base64", name), protocol::base64_encode(bytes));
}

void append_key(std::string& out, std::optional<std::string_view> key) {
  if (key) {
    append_text_or_base64(out, "key", *key);
  } else {
    out += ",\"key\":null";
  }
}

// JSON text goes out as it was stored, anything else as base64.
void append_body(std::string& out, std::string_view name, std::optional<std::string_view> body) {
  if (!body) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":null,\"tombstone\":true", name);
  } else if (protocol::check_json(*body)) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":{}", name, *body);
  } else {
    out += ',';
    append_text(out, fmt::format("{}_base64", name), protocol::base64_encode(*body));
  }
}

bool fits_object(const std::vector<Header>& headers) {
  std::set<std::string_view> names;
  return std::ranges::all_of(headers, [&](const Header& h) {
    return names.insert(h.name).second && h.value && protocol::is_utf8(*h.value) && protocol::is_utf8(h.name);
  });
}

void append_header_list(std::string& out, const std::vector<Header>& headers) {
  out += ",\"header_list\":[";
  std::string_view comma;
  for (const Header& h : headers) {
    out += comma;
    out += '{';
    append_text(out, "name", h.name);
    if (h.value) {
      append_text_or_base64(out, "value", *h.value);
    } else {
      out += ",\"value\":null";
    }
    out += '}';
    comma = ",";
  }
  out += ']';
}

// Of headers that an object cannot say, it has what it can, and `header_list` has all.
void append_headers(std::string& out, const std::vector<Header>& headers) {
  out += ",\"headers\":{";
  std::set<std::string_view> names;
  std::string_view comma;
  for (const Header& h : headers) {
    if (!h.value || !protocol::is_utf8(*h.value) || !names.insert(h.name).second) continue;
    out += comma;
    append_json_string(out, h.name);
    out += ':';
    append_json_string(out, *h.value);
    comma = ",";
  }
  out += '}';
  if (!fits_object(headers)) append_header_list(out, headers);
}

std::vector<Header> headers_of(const log::RecordView& record) {
  std::vector<Header> headers;
  for (const log::HeaderView& h : record.headers) {
    headers.push_back({h.name, h.value ? std::optional(as_text(*h.value)) : std::nullopt});
  }
  return headers;
}

std::vector<Header> headers_of(const std::vector<broker::QueueHeader>& list) {
  std::vector<Header> headers;
  for (const broker::QueueHeader& h : list) headers.push_back({h.name, h.value});
  return headers;
}

std::optional<std::string_view> text_of(const std::optional<BytesView>& bytes) {
  return bytes ? std::optional(as_text(*bytes)) : std::nullopt;
}

std::string_view name_of(broker::MessageState state) {
  switch (state) {
    case broker::MessageState::ready:
      return "ready";
    case broker::MessageState::leased:
      return "leased";
    case broker::MessageState::delayed:
      return "delayed";
    case broker::MessageState::dead:
      return "dead";
  }
  return "";
}

void append_time(std::string& out, std::string_view name, std::optional<WallTime> at) {
  if (!at) return;
  out += ',';
  append_text(out, name, format_time(*at));
}

}  // namespace

void append_record(std::string& out, PartitionIndex partition, const log::StoredRecord& record) {
  fmt::format_to(std::back_inserter(out), "{{\"partition\":{},\"offset\":{},\"timestamp\":\"{}\"", partition,
                 record.offset, format_time(record.timestamp));
  append_key(out, text_of(record.key));
  append_body(out, "value", text_of(record.value));
  append_headers(out, headers_of(record));
  out += '}';
}

void append_message(std::string& out, const broker::Message& message) {
  out += '{';
  append_text(out, "id", message.id);
  out += ',';
  append_text(out, "lease", message.lease);
  append_key(out, message.key);
  append_body(out, "body", message.body);
  append_headers(out, headers_of(message.headers));
  fmt::format_to(std::back_inserter(out), ",\"delivery\":{},\"enqueued_at\":\"{}\"}}", message.delivery,
                 format_time(message.enqueued_at));
}

void append_look(std::string& out, const broker::MessageLook& look) {
  out += '{';
  append_text(out, "id", look.id);
  fmt::format_to(std::back_inserter(out), ",\"state\":\"{}\"", name_of(look.state));
  append_key(out, look.key);
  append_body(out, "body", look.body);
  append_headers(out, headers_of(look.headers));
  fmt::format_to(std::back_inserter(out), ",\"deliveries\":{},\"reason\":", look.deliveries);
  if (look.last_reason.empty()) {
    out += "null";
  } else {
    append_json_string(out, look.last_reason);
  }
  append_time(out, "due", look.due);
  append_time(out, "enqueued_at", look.enqueued_at);
  append_time(out, "died_at", look.died_at);
  out += ',';
  append_text(out, "topic", look.topic);
  fmt::format_to(std::back_inserter(out), ",\"partition\":{},\"offset\":{}}}", look.at.partition,
                 look.at.offset);
}

}  // namespace pabal::doors
