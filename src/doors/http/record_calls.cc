#include "doors/http/record_calls.h"

#include <charconv>
#include <fmt/format.h>
#include <iterator>

#include "doors/http/answers.h"
#include "doors/http/idempotency_key.h"
#include "doors/http/publish_body.h"
#include "doors/http/query.h"
#include "doors/http/record_json.h"
#include "doors/http/record_reader.h"
#include "doors/http/record_start.h"
#include "doors/http/record_stream.h"

namespace pabal::doors {
namespace {

constexpr int64_t limit_default = 100;
constexpr int64_t limit_max = 10'000;
constexpr size_t answer_bytes_max = 8 << 20;    // a page ends behind the record that passes it
constexpr size_t scanned_bytes_max = 32 << 20;  // of one call; `next` goes on from there

// Pabal-Producer, Pabal-Sequence and the records' own sequences have to fit each other.
Result<void> read_producer(const runtime::HttpRequest& request, const PublishBody& body,
                           broker::Publish& publish) {
  publish.producer = request.fields.get("pabal-producer");
  const std::string* sequence = request.fields.find("pabal-sequence");
  if (publish.producer.size() > broker::producer_name_bytes_max) {
    return error(ErrorCode::invalid, "Pabal-Producer is longer than {} bytes",
                 broker::producer_name_bytes_max);
  }
  if (publish.producer.empty() && (sequence != nullptr || body.has_sequences)) {
    return error(ErrorCode::invalid, "a sequence needs the header Pabal-Producer, whose sequence it is");
  }
  if (sequence == nullptr) return {};
  if (body.has_sequences) {
    return error(ErrorCode::invalid, "Pabal-Sequence and the records' own sequences exclude each other");
  }
  int64_t n = 0;
  auto [stop, failed] = std::from_chars(sequence->data(), sequence->data() + sequence->size(), n);
  if (failed != std::errc() || stop != sequence->data() + sequence->size() || n < 0) {
    return error(ErrorCode::invalid, "Pabal-Sequence: read '{}'; right is a whole number from 0", *sequence);
  }
  publish.sequence = n;
  return {};
}

std::string publish_answer(const broker::PublishResult& stored) {
  std::string out = "{\"records\":[";
  for (const auto& s : stored) {
    if (!out.ends_with('[')) out += ',';
    if (s) {
      fmt::format_to(std::back_inserter(out), "{{\"partition\":{},\"offset\":{}}}", s->partition, s->offset);
    } else {
      out += "{\"duplicate\":true}";
    }
  }
  return out + "]}";
}

}  // namespace

void RecordCalls::add_to(RouteTable& table) {
  constexpr std::string_view publish_body =
      R"({"records": [{"key": "O-4711", "value": {"order_id": "O-4711"}, "headers": {"ce_type": "OrderPaid"}}]})";
  constexpr std::string_view publish_answer = R"({"records": [{"partition": 0, "offset": 17}]})";
  constexpr std::string_view read_answer =
      R"({"records": [{"partition": 0, "offset": 17, "timestamp": "2026-01-02T03:04:05.678Z", "key": "O-4711", "value": {"order_id": "O-4711"}, "headers": {"ce_type": "OrderPaid"}}], "next": "0:18"})";
  table.add({"POST",
             "/v1/topics/{topic}/records",
             {"Topics", "Publish records, CloudEvents or one raw value; answered when they are durable", 200,
              publish_body, publish_answer},
             [this](Call c) { return publish(std::move(c)); }});
  table.add({"GET",
             "/v1/topics/{topic}/records",
             {"Topics",
              "Read records; `after` goes on where `next` says",
              200,
              "",
              read_answer,
              {{"partition", "only this one"},
               {"offset", "start there"},
               {"from", "latest, earliest or a time"},
               {"after", "the `next` of the answer before"},
               {"limit", "1 to 10,000 records, 100 by default"},
               {"key", "only records of this key"},
               {"header.<name>", "only records with this header value"}}},
             [this](Call c) { return read(std::move(c)); }});
  table.add({"GET",
             "/v1/topics/{topic}/stream",
             {"Topics",
              "Follow the records as Server-Sent Events; Last-Event-ID resumes",
              200,
              "",
              "",
              {{"from", "latest (default), earliest or a time"},
               {"after", "a position, like Last-Event-ID"},
               {"partition", "only this one"},
               {"offset", "start there"},
               {"key", "only records of this key"},
               {"header.<name>", "only records with this header value"}},
              "text/event-stream"},
             [this](Call c) { return stream(std::move(c)); }});
}

RecordCalls::Answer RecordCalls::publish(Call call) {
  if (auto ok = need_plain(call.request); !ok) co_return std::unexpected(ok.error());
  PublishBody body;
  if (auto ok = read_publish_body(call.request, clock_.wall_now(), body); !ok)
    co_return std::unexpected(ok.error());
  broker::Publish publish{.topic = call.name("topic"), .records = {}, .service = call.service};
  if (auto ok = read_producer(call.request, body, publish); !ok) co_return std::unexpected(ok.error());
  auto idempotency = read_idempotency(call);
  if (!idempotency) co_return std::unexpected(idempotency.error());
  if (*idempotency && !publish.producer.empty()) {
    co_return error(ErrorCode::invalid,
                    "Idempotency-Key and Pabal-Producer exclude each other: a sequence says it already");
  }
  publish.idempotency = std::move(*idempotency);
  add_flow_headers(call.request, make_id_, body);
  publish.records = std::move(body.records);
  auto stored = co_await broker_.publish(std::move(publish));
  if (!stored) co_return std::unexpected(stored.error());
  co_return json_answer(200, publish_answer(*stored));
}

RecordCalls::Answer RecordCalls::read(Call call) {
  Query query(call.request.query());
  RecordStart start = RecordStart::read(query, broker::StartAt::earliest);
  RecordFilter filter = RecordFilter::read(query);
  auto limit = query.integer("limit", 1, limit_max).value_or(limit_default);
  if (auto ok = query.finish(); !ok) co_return std::unexpected(ok.error());
  auto topic = co_await broker_.topic(call.name("topic"));
  if (!topic) co_return std::unexpected(topic.error());
  std::vector<Reset> resets;
  auto position = co_await resolve_start(broker_, *topic, std::move(start), resets);
  if (!position) co_return std::unexpected(position.error());

  std::string out = "{\"records\":[";
  ReadBudget budget{.records = static_cast<size_t>(limit), .scanned_bytes = scanned_bytes_max};
  std::vector<broker::PartitionOffset> partitions = position->all();
  for (auto [partition, next] : partitions) {
    if (out.size() > answer_bytes_max) break;
    auto each = [&](const log::StoredRecord& record) {
      if (!out.ends_with('[')) out += ',';
      append_record(out, partition, record);
      if (out.size() > answer_bytes_max) budget.records = 0;
    };
    auto read = co_await read_records(broker_, topic->name, partition, filter, next, budget, each);
    if (!read) co_return std::unexpected(read.error());
    position->set(partition, next);
  }
  out += "],\"next\":\"" + position->text() + "\"}";
  co_return json_answer(200, std::move(out));
}

RecordCalls::Answer RecordCalls::stream(Call call) {
  Query query(call.request.query());
  RecordStart start = RecordStart::read(query, broker::StartAt::latest);
  RecordStream::Options options{
      .topic = call.name("topic"), .filter = RecordFilter::read(query), .only = start.partition};
  if (const std::string* last = call.request.fields.find("last-event-id");
      last != nullptr && !last->empty()) {
    start.after = Position::parse(*last);
    if (!start.after)
      query.problem("Last-Event-ID", "read '" + *last + "'; right is the id of an event of this stream");
  }
  if (auto ok = query.finish(); !ok) co_return std::unexpected(ok.error());
  auto topic = co_await broker_.topic(options.topic);
  if (!topic) co_return std::unexpected(topic.error());
  auto position = co_await resolve_start(broker_, *topic, std::move(start), options.resets);
  if (!position) co_return std::unexpected(position.error());
  options.position = std::move(*position);
  auto stream = std::make_shared<RecordStream>(broker_, clock_, std::move(options));
  runtime::HttpResponse response = event_stream_answer();
  response.stream = [stream](runtime::HttpStream& out) { return RecordStream::run(stream, out); };
  co_return response;
}

}  // namespace pabal::doors
