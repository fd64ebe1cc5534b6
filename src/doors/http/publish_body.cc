#include "doors/http/publish_body.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "doors/http/fields.h"
#include "log/record.h"
#include "protocol/cloudevents.h"
#include "protocol/json.h"

namespace pabal::doors {
namespace {

using protocol::CloudEvent;
using protocol::CloudEventMode;

// The members of one record before it is known whether they go together.
struct GivenRecord {
  std::optional<std::string> key;
  std::optional<std::string_view> value;
  std::optional<std::string> value_bytes;
  bool tombstone = false;
  std::vector<GivenHeader> headers;
  std::optional<int64_t> partition;
  std::optional<WallTime> timestamp;
  std::optional<int64_t> sequence;
  int keys = 0;
};

bool read_record(const Field& field, GivenRecord& given) {
  auto read_key = [&](std::optional<std::string> key) { ++given.keys, given.key = std::move(key); };
  return field.object({
      {"key", [&](const Field& f) { f.is_null() ? read_key({}) : read_key(f.text()); }},
      {"value", [&](const Field& f) { given.value = f.value().raw(); }},
      {"headers", [&](const Field& f) { read_headers(f, given.headers); }},
      {"partition", [&](const Field& f) { given.partition = f.integer(0, INT32_MAX); }},
      {"timestamp", [&](const Field& f) { given.timestamp = f.time(); }},
      {"value_base64", [&](const Field& f) { given.value_bytes = f.base64(); }},
      {"key_base64", [&](const Field& f) { read_key(f.base64()); }},
      {"tombstone", [&](const Field& f) { given.tombstone = f.boolean().value_or(false); }},
      {"header_list", [&](const Field& f) { read_header_list(f, given.headers); }},
      {"sequence", [&](const Field& f) { given.sequence = f.integer(0, INT64_MAX); }},
  });
}

void check_record(const Field& field, const GivenRecord& given) {
  int values = (given.value ? 1 : 0) + (given.value_bytes ? 1 : 0) + (given.tombstone ? 1 : 0);
  if (values != 1) {
    field.problem(values == 0 ? "has no value; right is one of value, value_base64 and \"tombstone\": true"
                              : "has more than one of value, value_base64 and \"tombstone\": true");
  }
  if (given.keys > 1) field.problem("has both key and key_base64; one of them is right");
  check_header_limits(field, given.headers);
}

void keep_headers(std::vector<GivenHeader> headers, PublishBody& out, log::RecordView& record) {
  for (GivenHeader& h : headers) {
    std::optional<BytesView> value;
    if (h.value) value = as_bytes(out.keep(std::move(*h.value)));
    record.headers.push_back({out.keep(std::move(h.name)), value});
  }
}

void keep_record(GivenRecord given, WallTime now, PublishBody& out) {
  broker::PublishRecord& to = out.records.emplace_back();
  if (given.key) to.record.key = as_bytes(out.keep(std::move(*given.key)));
  if (given.value) to.record.value = as_bytes(*given.value);
  if (given.value_bytes) to.record.value = as_bytes(out.keep(std::move(*given.value_bytes)));
  to.record.timestamp = given.timestamp.value_or(now);
  if (given.partition) to.partition = PartitionIndex(static_cast<int32_t>(*given.partition));
  to.sequence = given.sequence;
  out.has_sequences = out.has_sequences || given.sequence.has_value();
  keep_headers(std::move(given.headers), out, to.record);
}

Result<void> read_json_records(const runtime::HttpRequest& request, WallTime now, PublishBody& out) {
  bool given_records = false;
  auto each = [&](const Field& field) {
    GivenRecord given;
    if (!read_record(field, given)) return;
    check_record(field, given);
    keep_record(std::move(given), now, out);
  };
  auto read = read_object(request.body, false, {{"records", [&](const Field& f) {
                                                   given_records = true;
                                                   f.array(broker::records_per_publish_max, each);
                                                 }}});
  if (!read) return read;
  if (!given_records) return as_result({{"records", "is missing; right is {\"records\": [{\"value\": …}]}"}});
  return {};
}

void keep_event(const CloudEvent& event, std::string_view key, WallTime now, PublishBody& out) {
  broker::PublishRecord& to = out.records.emplace_back();
  const std::string* partition_key = event.find("partitionkey");
  if (!key.empty()) {
    to.record.key = as_bytes(key);
  } else if (partition_key != nullptr) {
    to.record.key = as_bytes(out.keep(*partition_key));
  }
  if (event.data) to.record.value = as_bytes(out.keep(*event.data));
  to.record.timestamp = now;
  std::vector<GivenHeader> headers;
  for (auto& [name, value] : protocol::kafka_headers_of(event)) headers.push_back({name, value});
  for (const char* name : {"correlationid", "causationid"}) {
    if (const std::string* value = event.find(name)) headers.push_back({name, *value});
  }
  keep_headers(std::move(headers), out, to.record);
}

Result<void> read_events(CloudEventMode mode, const runtime::HttpRequest& request, WallTime now,
                         PublishBody& out) {
  auto events = protocol::read_cloud_events(mode, request.fields, request.body);
  if (!events) return std::unexpected(events.error());
  std::string_view key = request.fields.get("pabal-key");
  for (const CloudEvent& event : *events) keep_event(event, key, now, out);
  return {};
}

void read_raw(const runtime::HttpRequest& request, WallTime now, PublishBody& out) {
  broker::PublishRecord& to = out.records.emplace_back();
  if (const std::string* key = request.fields.find("pabal-key")) to.record.key = as_bytes(*key);
  to.record.value = as_bytes(request.body);
  to.record.timestamp = now;
  if (const std::string* type = request.fields.find("content-type")) {
    to.record.headers.push_back({"content-type", as_bytes(*type)});
  }
}

bool is_json_envelope(const runtime::HttpRequest& request) {
  std::string_view type = request.fields.get("content-type");
  std::string_view plain = type.substr(0, type.find(';'));
  constexpr std::string_view json = "application/json";
  plain = plain.substr(0, plain.find_last_not_of(' ') + 1);
  return std::ranges::equal(plain, json,
                            [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

void add_unless_there(log::RecordView& record, std::string_view name, std::string_view value) {
  if (value.empty() || log::find_header(record, name) != nullptr) return;
  record.headers.push_back({name, as_bytes(value)});
}

}  // namespace

Result<void> read_publish_body(const runtime::HttpRequest& request, WallTime now, PublishBody& out) {
  CloudEventMode mode = protocol::cloud_event_mode(request.fields);
  if (mode != CloudEventMode::none) return read_events(mode, request, now, out);
  if (is_json_envelope(request)) return read_json_records(request, now, out);
  read_raw(request, now, out);
  return {};
}

void add_flow_headers(const runtime::HttpRequest& request, const std::function<std::string()>& make_id,
                      PublishBody& body) {
  std::string_view given = request.fields.get("correlation-id");
  for (broker::PublishRecord& r : body.records) {
    if (log::find_header(r.record, "correlationid") == nullptr) {
      add_unless_there(r.record, "correlationid", given.empty() ? body.keep(make_id()) : given);
    }
    add_unless_there(r.record, "traceparent", request.fields.get("traceparent"));
    add_unless_there(r.record, "tracestate", request.fields.get("tracestate"));
  }
}

}  // namespace pabal::doors
