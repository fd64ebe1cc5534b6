#include "flows/trace.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "base/units.h"
#include "flows/flow_graph.h"
#include "flows/log_search.h"

namespace pabal::flows {
namespace {

using nlohmann::json;

constexpr size_t entries_max = 5'000;
constexpr size_t related_ids_max = 200;
constexpr size_t id_bytes_max = seen_text_bytes_max;
constexpr Duration log_search_max = std::chrono::seconds(2);

std::string_view kind_name(const TraceEntry& entry) {
  switch (entry.kind) {
    case SeenKind::published:
      return "published";
    case SeenKind::delivered:
      return entry.delivery > 1 ? "retry" : "delivered";
    case SeenKind::acked:
      return "acked";
    case SeenKind::nacked:
    case SeenKind::expired:
      return "failed";
    case SeenKind::dead:
      return "dead";
    case SeenKind::redriven:
      return "redriven";
    default:
      return "call";
  }
}

std::string outcome_of(const TraceEntry& entry) {
  switch (entry.kind) {
    case SeenKind::acked:
      return "ok";
    case SeenKind::nacked:
      return "failed";
    case SeenKind::expired:
      return "timed out";
    case SeenKind::dead:
      return "dead";
    default:
      return entry.outcome;
  }
}

void put(json& to, const char* name, const std::string& text) {
  if (!text.empty()) to[name] = text;
}

double in_ms(Duration d) {
  return std::round(std::chrono::duration<double, std::milli>(d).count() * 1e3) / 1e3;
}

json json_of(const TraceEntry& entry) {
  json out = {{"at", format_time(entry.at)}, {"kind", kind_name(entry)}};
  put(out, "service", entry.service);
  put(out, "peer", entry.peer);
  put(out, "topic", entry.topic);
  if (entry.offset >= 0) out["partition"] = entry.partition, out["offset"] = entry.offset;
  put(out, "queue", entry.queue);
  put(out, "record_id", entry.id);
  put(out, "type", entry.type);
  put(out, "key", entry.key);
  put(out, "correlation_id", entry.correlation_id);
  put(out, "causation_id", entry.causation_id);
  if (entry.delivery > 0) out["delivery"] = entry.delivery;
  put(out, "outcome", outcome_of(entry));
  put(out, "reason", entry.reason);
  if (entry.duration > Duration::zero()) out["duration_ms"] = in_ms(entry.duration);
  if (entry.due) out["due"] = format_time(*entry.due);
  return out;
}

using RecordAt = std::tuple<std::string, int32_t, int64_t>;

RecordAt record_of(const TraceEntry& entry) { return {entry.topic, entry.partition, entry.offset}; }

// Shards hand over side by side, so that a delivery may have been noted before its publication.
void put_in_order(std::vector<TraceEntry>& entries) {
  std::map<RecordAt, std::pair<WallTime, Instant>> published;
  for (const auto& e : entries) {
    if (e.kind == SeenKind::published) published.try_emplace(record_of(e), e.at, e.instant);
  }
  for (auto& e : entries) {
    if (e.kind == SeenKind::published || e.kind == SeenKind::call) continue;
    auto first = published.find(record_of(e));
    if (first == published.end()) continue;
    e.at = std::max(e.at, first->second.first);
    e.instant = std::max(e.instant, first->second.second + Duration(1));
  }
  std::vector<std::tuple<WallTime, Instant, size_t>> order;
  for (size_t i = 0; i < entries.size(); ++i) order.emplace_back(entries[i].at, entries[i].instant, i);
  std::ranges::sort(order);
  std::vector<TraceEntry> sorted;
  for (const auto& [at, instant, i] : order) sorted.push_back(std::move(entries[i]));
  entries = std::move(sorted);
}

// How long a delivery was worked on is known when it ends.
void time_the_work(std::vector<TraceEntry>& entries) {
  std::map<std::pair<std::string, RecordAt>, Instant> begun;
  for (auto& e : entries) {
    auto work = std::pair(e.queue, record_of(e));
    if (e.kind == SeenKind::delivered) {
      begun[work] = e.instant;
    } else if (e.kind == SeenKind::acked || e.kind == SeenKind::nacked || e.kind == SeenKind::expired) {
      auto start = begun.find(work);
      e.duration = start == begun.end() ? Duration::zero() : e.instant - start->second;
      if (start != begun.end()) begun.erase(start);
    } else if (e.kind == SeenKind::dead || e.kind == SeenKind::redriven) {
      e.duration = Duration::zero();
    }
  }
}

// A message has an id of the queue's; people know its record by the id that its publisher gave it.
void name_records(std::vector<TraceEntry>& entries) {
  std::map<RecordAt, std::string> ids;
  for (const auto& e : entries) {
    if (e.kind == SeenKind::published && !e.id.empty()) ids.try_emplace(record_of(e), e.id);
  }
  for (auto& e : entries) {
    auto id = ids.find(record_of(e));
    if (e.kind != SeenKind::call && id != ids.end()) e.id = id->second;
  }
}

// From the topics come the deaths too; those that are remembered are known better.
void add_from_logs(std::vector<TraceEntry>& entries, std::vector<TraceEntry> from_logs) {
  std::set<std::pair<std::string, RecordAt>> deaths;
  for (const auto& e : entries) {
    if (e.kind == SeenKind::dead) deaths.emplace(e.queue, record_of(e));
  }
  for (auto& e : from_logs) {
    if (e.kind == SeenKind::dead && deaths.contains({e.queue, record_of(e)})) continue;
    entries.push_back(std::move(e));
  }
}

void relate(const std::vector<TraceEntry>& entries, std::set<std::string>& ids) {
  for (const auto& e : entries) {
    if (ids.size() >= related_ids_max) return;
    if (!e.correlation_id.empty()) {
      ids.insert(e.correlation_id);
    } else if (e.offset >= 0) {
      ids.insert(TraceMemory::record_id(e.topic, e.partition, e.offset));
    }
  }
}

// All that is remembered of the flows that the ids belong to.
TraceMemory::Found remembered(const TraceMemory& memory, std::set<std::string> ids) {
  auto direct = memory.find({ids.begin(), ids.end()}, entries_max);
  size_t known = ids.size();
  relate(direct.entries, ids);
  if (ids.size() == known) return direct;
  return memory.find({ids.begin(), ids.end()}, entries_max);
}

runtime::Task<Result<json>> find_there(broker::Broker& broker, Observatory& observatory, std::string id) {
  LogSearchRequest request{.id = id,
                           .headers = observatory.search_headers(),
                           .below = observatory.memory().first_offsets,
                           .deadline = Deadline::after(observatory.clock(), log_search_max)};
  LogMatches logs = co_await search_logs(broker, observatory.clock(), std::move(request));
  std::set<std::string> ids = {id};
  relate(logs.entries, ids);
  const TraceMemory& memory = observatory.memory().trace;
  auto found = remembered(memory, std::move(ids));
  auto& entries = found.entries;
  add_from_logs(entries, std::move(logs.entries));
  name_records(entries);
  for (auto& e : entries) e.service = Observatory::shown_name(observatory.memory(), e.queue, e.service);
  put_in_order(entries);
  time_the_work(entries);
  json out = {{"id", id},
              {"complete_since", format_time(memory.complete_since())},
              {"found", !entries.empty()},
              {"truncated", found.more},
              {"entries", json::array()}};
  // What was published before the memory began is looked up in the topics themselves.
  out["published_since"] =
      logs.whole ? json(nullptr) : json(format_time(logs.from.value_or(memory.complete_since())));
  for (const auto& entry : entries) out["entries"].push_back(json_of(entry));
  co_return out;
}

}  // namespace

runtime::Task<Result<json>> Trace::find(std::string id) {
  if (id.empty() || id.size() > id_bytes_max) {
    co_return error(ErrorCode::invalid, "an id of {} bytes; it has 1 to {}", id.size(), id_bytes_max);
  }
  co_await observatory_.gather();
  co_return co_await runtime::on<Result<json>>(
      observatory_.collector(), [this, id = std::move(id)] { return find_there(broker_, observatory_, id); });
}

}  // namespace pabal::flows
