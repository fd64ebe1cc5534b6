#include "doors/http/record_stream.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

#include "doors/http/record_json.h"

namespace pabal::doors {
namespace {

// What one look at a partition may send before the others get their turn.
constexpr size_t records_per_turn = 500;
constexpr size_t scanned_bytes_per_turn = 256 << 10;

}  // namespace

void append_event(std::string& out, std::string_view event, std::string_view id, std::string_view data) {
  if (!id.empty()) fmt::format_to(std::back_inserter(out), "id: {}\n", id);
  fmt::format_to(std::back_inserter(out), "event: {}\n", event);
  while (true) {  // a carriage return ends a line too
    size_t end = data.find_first_of("\r\n");
    fmt::format_to(std::back_inserter(out), "data: {}\n", data.substr(0, end));
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + (data.substr(end, 2) == "\r\n" ? 2 : 1));
  }
  out += '\n';
}

runtime::HttpResponse event_stream_answer() {
  runtime::HttpResponse response;
  response.fields.add("Content-Type", "text/event-stream");
  response.fields.add("Cache-Control", "no-store");
  response.fields.add("X-Accel-Buffering", "no");
  return response;
}

runtime::Task<> RecordStream::run(std::shared_ptr<RecordStream> self, runtime::HttpStream& out) {
  auto begun = co_await out.write("retry: 1000\n\n");
  if (begun) begun = co_await self->send_resets(out, std::move(self->options_.resets));
  while (begun && !out.closed()) {
    auto sent = co_await self->send_new(out);
    if (!sent && sent.error().code == ErrorCode::not_found) {
      if (!co_await self->catch_up_with_topic(out)) co_return;
      continue;
    }
    if (!sent) co_return;
    if (*sent) continue;
    if (!co_await self->wait(out)) co_return;
  }
}

// True when anything was sent or looked at.
runtime::Task<Result<bool>> RecordStream::send_new(runtime::HttpStream& out) {
  bool any = false;
  std::vector<broker::PartitionOffset> partitions = options_.position.all();
  for (const broker::PartitionOffset& p : partitions) {
    auto sent = co_await send_partition(out, p.partition);
    if (!sent) co_return sent;
    any = any || *sent;
  }
  co_return any;
}

runtime::Task<Result<bool>> RecordStream::send_partition(runtime::HttpStream& out, PartitionIndex partition) {
  Offset before = *options_.position.at(partition);
  Offset next = before;
  ReadBudget budget{.records = records_per_turn, .scanned_bytes = scanned_bytes_per_turn};
  std::string text;
  std::string record_text;
  auto read = co_await read_records(broker_, options_.topic, partition, options_.filter, next, budget,
                                    [&](const log::StoredRecord& record) {
                                      options_.position.set(partition, record.offset + 1);
                                      record_text.clear();
                                      append_record(record_text, partition, record);
                                      append_event(text, "record", options_.position.text(), record_text);
                                    });
  if (!read) co_return std::unexpected(read.error());
  options_.position.set(partition, next);
  if (!text.empty()) {
    auto written = co_await out.write(text);
    if (!written) co_return std::unexpected(Error{ErrorCode::cancelled, "the reader has gone"});
  }
  co_return next != before;
}

runtime::Task<Result<void>> RecordStream::wait(runtime::HttpStream& out) {
  Deadline deadline = Deadline::after(clock_, comment_interval);
  auto waited = co_await broker_.wait_for_records(options_.topic, options_.position.all(), deadline);
  if (!waited && waited.error().code != ErrorCode::timed_out) co_return waited;
  if (!deadline.passed(clock_)) co_return Result<void>();
  if (!options_.only) {
    if (auto ok = co_await catch_up_with_topic(out); !ok) co_return ok;
  }
  co_return co_await out.write(": still here\n\n");
}

// After retention has overtaken the reader, or partitions were added.
runtime::Task<Result<void>> RecordStream::catch_up_with_topic(runtime::HttpStream& out) {
  auto topic = co_await broker_.topic(options_.topic);
  if (!topic) co_return std::unexpected(topic.error());
  std::vector<Reset> resets;
  for (const broker::PartitionInfo& p : topic->partitions) {
    auto at = options_.position.at(p.partition);
    if (!at && options_.only) continue;
    if (at && *at >= p.range.first && *at <= p.range.next) continue;
    if (at) resets.push_back({p.partition, *at, p.range.first});
    options_.position.set(p.partition, p.range.first);
  }
  co_return co_await send_resets(out, std::move(resets));
}

runtime::Task<Result<void>> RecordStream::send_resets(runtime::HttpStream& out, std::vector<Reset> resets) {
  if (resets.empty()) co_return Result<void>();
  std::string data = "{\"partitions\":[";
  for (const Reset& r : resets) {
    fmt::format_to(std::back_inserter(data), "{}{{\"partition\":{},\"asked\":{},\"first_offset\":{}}}",
                   data.ends_with('[') ? "" : ",", r.partition, r.asked, r.first_offset);
  }
  std::string text;
  append_event(text, "reset", options_.position.text(), data + "]}");
  co_return co_await out.write(text);
}

}  // namespace pabal::doors
