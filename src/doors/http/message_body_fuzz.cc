#include "base/fuzz.h"
#include "broker/queue_table.h"
#include "broker/topic_table.h"
#include "doors/http/filter_json.h"
#include "doors/http/message_body.h"
#include "doors/http/publish_body.h"
#include "doors/http/queue_json.h"
#include "doors/http/topic_json.h"

// The bodies that the HTTP API reads. The first byte chooses which call gets the rest.

namespace pabal::doors {
namespace {

const WallTime now = WallTime(std::chrono::milliseconds(1'770'000'000'000));
std::string make_id() { return "made"; }

template <class T>
void check_refusal(const Result<T>& read) {
  if (read) return;
  check(!read.error().message.empty(), "a refusal without a word");
  check(read.error().fields.size() <= problems_max, "{} problems are told", read.error().fields.size());
}

runtime::HttpRequest request_with(std::string_view content_type, std::string_view body) {
  runtime::HttpRequest request{.method = "POST"};
  request.fields.add("content-type", std::string(content_type));
  request.body = body;
  return request;
}

void try_publish(std::string_view content_type, std::string_view text) {
  auto request = request_with(content_type, text);
  PublishBody body;
  auto read = read_publish_body(request, now, body);
  check_refusal(read);
  if (!read) return;
  add_flow_headers(request, make_id, body);
  check(body.records.size() <= broker::records_per_publish_max, "{} records", body.records.size());
  log::BatchBuilder builder;
  for (const broker::PublishRecord& record : body.records) builder.add(record.record);
  if (builder.record_count() == 0) return;
  Bytes batch = builder.finish();
  check(log::BatchView::parse(batch)->verify().has_value(), "the records make no batch");
}

void try_records(std::string_view text) { try_publish("application/json", text); }
void try_event(std::string_view text) { try_publish("application/cloudevents+json", text); }
void try_events(std::string_view text) { try_publish("application/cloudevents-batch+json", text); }

void try_messages(std::string_view text) {
  auto read = read_messages(request_with("application/json", text), now, make_id);
  check_refusal(read);
  if (!read) return;
  check(read->size() <= messages_per_call_max, "{} messages", read->size());
  for (const broker::PostMessage& m : *read) check(!m.ttl || *m.ttl >= Duration::zero(), "a negative ttl");
}

void try_receive(std::string_view text) {
  auto read = read_receive(text);
  check_refusal(read);
  if (read)
    check(read->max >= 1 && read->max <= 1'000 && read->wait <= wait_max, "{} messages asked for", read->max);
}

void try_leases(std::string_view text) {
  auto acked = read_ack(text);
  auto nacked = read_nack(text);
  auto extended = read_extend(text);
  check_refusal(acked);
  check_refusal(nacked);
  check_refusal(extended);
  if (acked) check(!acked->empty() && acked->size() <= leases_per_call_max, "{} leases", acked->size());
}

void try_queue(std::string_view text) {
  broker::QueueSettings settings{.topic = "t", .dead_letter = "q.dead"};
  auto change = read_queue_change(text, settings);
  check_refusal(change);
  auto after = change ? changed(settings, *change) : std::unexpected(change.error());
  if (!after) return;
  // What is stored and shown for it can be read again.
  auto stored = broker::QueueRecord::decode(broker::QueueRecord{.id = {}, .settings = *after}.encode());
  check(stored && stored->settings == *after, "settings were stored as others");
  broker::Filter again;
  std::string body = Json{{"filter", filter_json(after->filter)}}.dump();
  auto read = read_object(body, false, {{"filter", [&](const Field& f) { read_filter(f, again); }}});
  check(read.has_value(), "a filter is shown as {}, which is none", body);
  broker::QueueInfo info;
  info.settings = *after;
  static_cast<void>(queue_json(info).dump());
}

void try_topic(std::string_view text) {
  auto change = read_topic_change(text);
  check_refusal(change);
  auto after = change ? changed(broker::TopicSettings(), *change) : std::unexpected(change.error());
  if (!after) return;
  auto stored = broker::TopicRecord::decode(broker::TopicRecord{.id = {}, .settings = *after}.encode());
  auto kept = std::chrono::floor<std::chrono::milliseconds>(after->retention_time);
  check(stored && stored->settings.partitions == after->partitions &&
            stored->settings.retention_time == kept &&
            stored->settings.retention_bytes == after->retention_bytes,
        "settings were stored as others");
  broker::TopicInfo info;
  info.settings = *after;
  static_cast<void>(topic_json(info).dump());
}

constexpr std::array choices = {try_records, try_event,  try_events, try_messages,
                                try_receive, try_leases, try_queue,  try_topic};

}  // namespace
}  // namespace pabal::doors

PABAL_FUZZ(message_body) {
  uint8_t choice = pabal::take_byte(input);
  pabal::doors::choices[choice % pabal::doors::choices.size()](pabal::as_text(input));
}
