#include "doors/http/metrics.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

#include "base/check.h"

namespace pabal::doors {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

template <class... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

}  // namespace

void append_metric_head(std::string& out, std::string_view name, std::string_view type,
                        std::string_view help) {
  append(out, "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

std::string label_value(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

void DurationHistogram::add(Duration d, uint64_t times) {
  double s = std::chrono::duration<double>(d).count();
  auto bucket = static_cast<size_t>(std::ranges::lower_bound(bounds_s, s) - bounds_s.begin());
  if (bucket < buckets_.size()) buckets_[bucket].fetch_add(times, relaxed);
  count_.fetch_add(times, relaxed);
  auto us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
  sum_us_.fetch_add(us * times, relaxed);
}

void DurationHistogram::append_to(std::string& out, std::string_view name, std::string_view labels) const {
  std::string_view comma = labels.empty() ? "" : ",";
  uint64_t below = 0;
  for (size_t i = 0; i < bounds_s.size(); ++i) {
    below += buckets_[i].load(relaxed);
    append(out, "{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, bounds_s[i], below);
  }
  uint64_t all = std::max(below, count());
  append(out, "{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, labels, comma, all);
  std::string braces = labels.empty() ? "" : fmt::format("{{{}}}", labels);
  append(out, "{}_sum{} {}\n{}_count{} {}\n", name, braces, static_cast<double>(sum_us_.load(relaxed)) / 1e6,
         name, braces, all);
}

void RequestMetrics::count(size_t route, int status, Duration took) {
  check(route < rows_.size(), "route {} of {}", route, rows_.size());
  auto at = static_cast<size_t>(std::ranges::find(statuses, status) - statuses.begin());
  rows_[route].answers[std::min(at, statuses.size() - 1)].fetch_add(1, relaxed);
  rows_[route].took.add(took);
}

void RequestMetrics::append_to(std::string& out, const RouteTable& table) const {
  auto labels = [&](size_t i) {
    if (i >= table.routes().size()) return std::string("method=\"\",route=\"other\"");
    const Route& r = table.routes()[i];
    return fmt::format("method=\"{}\",route=\"{}\"", r.method, label_value(r.pattern));
  };
  append_metric_head(out, "pabal_http_requests_total", "counter", "Answers given, by route and status.");
  for (size_t i = 0; i < rows_.size(); ++i) {
    for (size_t s = 0; s < statuses.size(); ++s) {
      uint64_t n = rows_[i].answers[s].load(relaxed);
      std::string status = statuses[s] == 0 ? "other" : fmt::format("{}", statuses[s]);
      if (n != 0) append(out, "pabal_http_requests_total{{{},status=\"{}\"}} {}\n", labels(i), status, n);
    }
  }
  append_metric_head(out, "pabal_http_request_seconds", "histogram",
                     "From a request to its answer, waiting included.");
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].took.count() != 0) rows_[i].took.append_to(out, "pabal_http_request_seconds", labels(i));
  }
}

void MeteredObserver::published(std::string_view service, const broker::RecordSeen& seen,
                                Duration durable_in) {
  published_.fetch_add(1, relaxed);
  size_t bytes =
      (seen.record.key ? seen.record.key->size() : 0) + (seen.record.value ? seen.record.value->size() : 0);
  published_bytes_.fetch_add(bytes, relaxed);
  durable_in_.add(durable_in);
  next_.published(service, seen, durable_in);
}

void MeteredObserver::published_batch(std::string_view service, const broker::BatchSeen& seen,
                                      Duration durable_in) {
  published_.fetch_add(static_cast<uint64_t>(seen.records), relaxed);
  published_bytes_.fetch_add(seen.bytes, relaxed);
  durable_in_.add(durable_in, static_cast<uint64_t>(seen.records));
  next_.published_batch(service, seen, durable_in);
}

void MeteredObserver::message(const broker::MessageSeen& seen) {
  auto event = static_cast<size_t>(seen.event);
  check(event < messages_.size(), "message event {}", event);
  messages_[event].fetch_add(1, relaxed);
  next_.message(seen);
}

void MeteredObserver::consumer_joined(std::string_view queue, std::string_view service) {
  next_.consumer_joined(queue, service);
}

void MeteredObserver::consumer_left(std::string_view queue, std::string_view service, std::string_view why) {
  next_.consumer_left(queue, service, why);
}

void MeteredObserver::changed(broker::Change change, std::string_view name) { next_.changed(change, name); }

void MeteredObserver::append_to(std::string& out) const {
  append_metric_head(out, "pabal_records_published_total", "counter", "Records published.");
  append(out, "pabal_records_published_total {}\n", published_.load(relaxed));
  append_metric_head(out, "pabal_bytes_published_total", "counter",
                     "Bytes of their keys and values; of batches that clients built, as they came.");
  append(out, "pabal_bytes_published_total {}\n", published_bytes_.load(relaxed));
  append_metric_head(out, "pabal_messages_total", "counter", "What happened to messages of queues.");
  for (size_t i = 0; i < events.size(); ++i) {
    append(out, "pabal_messages_total{{event=\"{}\"}} {}\n", events[i], messages_[i].load(relaxed));
  }
  append_metric_head(out, "pabal_publish_durable_seconds", "histogram",
                     "From a publish to its being durable.");
  durable_in_.append_to(out, "pabal_publish_durable_seconds", "");
}

}  // namespace pabal::doors
