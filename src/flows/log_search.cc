#include "flows/log_search.h"

#include <algorithm>
#include <set>

#include "broker/message_record.h"
#include "log/record_batch.h"

namespace pabal::flows {
namespace {

std::string text_of(const log::HeaderView* header) {
  return header && header->value ? std::string(as_text(*header->value).substr(0, seen_text_bytes_max))
                                 : std::string{};
}

// A dead letter is told as what it is: the end of a message, with the place of the original record.
void note_death(broker::DeadRecord dead, TraceEntry& entry) {
  entry.kind = SeenKind::dead;
  entry.at = dead.died_at;
  entry.queue = std::move(dead.queue);
  entry.reason = std::move(dead.reason);
  entry.delivery = dead.deliveries;
  entry.topic = std::move(dead.origin.topic);
  entry.partition = dead.origin.at.partition.value();
  entry.offset = dead.origin.at.offset.value();
}

struct Search {
  const LogSearchRequest& request;
  std::set<std::string> ids;  // grows by the correlation ids that are found
  std::set<std::tuple<std::string, int32_t, int64_t>> found;
  LogMatches out;

  bool matches(const log::RecordView& record) const {
    auto is_one = [&](std::string_view text) { return !text.empty() && ids.contains(std::string(text)); };
    if (record.key && is_one(as_text(*record.key))) return true;
    return std::ranges::any_of(record.headers, [&](const log::HeaderView& header) {
      if (!header.value) return false;
      bool looked_at = header.name == "ce_id" || header.name == "correlationid" ||
                       std::ranges::find(request.headers, header.name) != request.headers.end();
      return looked_at && is_one(as_text(*header.value));
    });
  }

  // A batch that does not hold any of the ids as bytes cannot hold a match; most are passed over like this.
  bool may_match(const log::BatchView& batch) const {
    std::string_view bytes = as_text(batch.bytes());
    return std::ranges::any_of(ids, [&](const std::string& id) { return bytes.find(id) != bytes.npos; });
  }

  void take(const std::string& topic, PartitionIndex partition, const log::StoredRecord& record) {
    if (out.entries.size() >= request.entries_max) return;
    if (!found.emplace(topic, partition.value(), record.offset.value()).second) return;
    TraceEntry entry;
    entry.kind = SeenKind::published;
    entry.at = record.timestamp;
    entry.topic = topic;
    entry.partition = partition.value();
    entry.offset = record.offset.value();
    if (auto dead = broker::read_dead(record)) note_death(std::move(*dead), entry);
    if (record.key) entry.key = as_text(*record.key).substr(0, seen_text_bytes_max);
    entry.id = text_of(log::find_header(record, "ce_id"));
    entry.type = text_of(log::find_header(record, "ce_type"));
    entry.correlation_id = text_of(log::find_header(record, "correlationid"));
    entry.causation_id = text_of(log::find_header(record, "causationid"));
    out.entries.push_back(std::move(entry));
  }
};

struct Stretch {
  std::string topic;
  PartitionIndex partition;
  Offset from;
  Offset end;
};

// The latest part of one log that fits into `bytes_max`, judged by its average record.
Stretch stretch_of(const std::string& topic, const broker::PartitionInfo& info,
                   const LogSearchRequest& request, size_t bytes_max, bool& whole) {
  Offset end = info.range.next;
  if (auto limit = request.below.find({topic, info.partition.value()}); limit != request.below.end()) {
    end = std::min(end, Offset(limit->second));
  }
  int64_t records = info.range.next - info.range.first;
  auto record_bytes =
      records > 0 ? std::max<uint64_t>(1, info.range.bytes / static_cast<uint64_t>(records)) : 1;
  auto fits = static_cast<int64_t>(bytes_max / record_bytes);
  Offset from = std::max(info.range.first, end - fits);
  if (from > info.range.first) whole = false;
  return {topic, info.partition, from, end};
}

// Reads one stretch; false when time ran out.
runtime::Task<bool> search_stretch(broker::Broker& broker, const Clock& clock, Search& search,
                                   Stretch stretch) {
  while (stretch.from < stretch.end) {
    if (search.request.deadline.passed(clock)) co_return false;
    auto read = co_await broker.read(
        {.topic = stretch.topic, .partition = stretch.partition, .from = stretch.from, .bytes_max = 1_MiB});
    if (!read || read->batches.empty()) co_return true;
    for (const auto& bytes : read->batches) {
      auto batch = log::BatchView::parse(bytes.view());
      if (!batch) co_return true;
      if (stretch.from == batch->base_offset() || !search.out.from) {
        search.out.from =
            std::min(search.out.from.value_or(batch->base_timestamp()), batch->base_timestamp());
      }
      stretch.from = batch->next_offset();
      search.out.bytes += static_cast<int64_t>(bytes.size());
      if (!search.may_match(*batch)) continue;
      (void)batch->for_each([&](const log::StoredRecord& record) {
        if (record.offset < stretch.end && search.matches(record)) {
          search.take(stretch.topic, stretch.partition, record);
        }
        return true;
      });
    }
  }
  co_return true;
}

runtime::Task<> search_all(broker::Broker& broker, const Clock& clock, Search& search,
                           const std::vector<Stretch>& stretches) {
  for (const auto& stretch : stretches) {
    if (!co_await search_stretch(broker, clock, search, stretch)) {
      search.out.whole = false;
      co_return;
    }
  }
}

std::vector<Stretch> stretches_of(const std::vector<broker::TopicInfo>& topics,
                                  const LogSearchRequest& request, bool& whole) {
  size_t partitions = 0;
  for (const auto& topic : topics) partitions += topic.internal ? 0 : topic.partitions.size();
  std::vector<Stretch> stretches;
  for (const auto& topic : topics) {
    if (topic.internal) continue;
    for (const auto& partition : topic.partitions) {
      stretches.push_back(stretch_of(topic.name, partition, request, request.bytes_max / partitions, whole));
    }
  }
  return stretches;
}

}  // namespace

runtime::Task<LogMatches> search_logs(broker::Broker& broker, const Clock& clock, LogSearchRequest request) {
  Search search{.request = request, .ids = {request.id}, .found = {}, .out = {}};
  auto topics = co_await broker.topics();
  if (!topics) {
    search.out.whole = false;
    co_return std::move(search.out);
  }
  auto stretches = stretches_of(*topics, request, search.out.whole);
  co_await search_all(broker, clock, search, stretches);
  size_t known = search.ids.size();
  for (const auto& entry : search.out.entries) {
    if (!entry.correlation_id.empty()) search.ids.insert(entry.correlation_id);
  }
  if (search.ids.size() > known) co_await search_all(broker, clock, search, stretches);
  co_return std::move(search.out);
}

}  // namespace pabal::flows
