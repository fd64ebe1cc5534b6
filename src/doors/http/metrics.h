#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/observer.h"
#include "doors/http/route.h"

namespace pabal::doors {

// A histogram of durations, as Prometheus counts them. From any thread.
class DurationHistogram {
 public:
  void add(Duration d, uint64_t times = 1);
  [[nodiscard]] uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  // `labels` without braces, or empty.
  void append_to(std::string& out, std::string_view name, std::string_view labels) const;

 private:
  static constexpr std::array<double, 14> bounds_s = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                                      0.02,   0.05,   0.1,    0.5,   1,     5,     30};
  std::array<std::atomic<uint64_t>, bounds_s.size()> buckets_ = {};  // not yet summed up
  std::atomic<uint64_t> count_ = 0;
  std::atomic<uint64_t> sum_us_ = 0;
};

// Counts the answers of the door, by route and status. From any shard.
class RequestMetrics {
 public:
  static constexpr size_t routes_max = 128;
  static constexpr size_t no_route = routes_max;  // answers that no route gave

  void count(size_t route, int status, Duration took);
  void append_to(std::string& out, const RouteTable& table) const;

 private:
  static constexpr std::array<int, 22> statuses = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408,
                                                   409, 413, 415, 422, 429, 499, 500, 502, 503, 504, 0};
  struct Row {
    std::array<std::atomic<uint64_t>, statuses.size()> answers = {};  // the last for every other status
    DurationHistogram took;
  };
  std::vector<Row> rows_ = std::vector<Row>(routes_max + 1);
};

// Counts what the broker reports and passes it on. From any shard.
class MeteredObserver final : public broker::Observer {
 public:
  explicit MeteredObserver(broker::Observer& next) : next_(next) {}

  void published(std::string_view service, const broker::RecordSeen& seen, Duration durable_in) override;
  void published_batch(std::string_view service, const broker::BatchSeen& seen, Duration durable_in) override;
  void message(const broker::MessageSeen& seen) override;
  void consumer_joined(std::string_view queue, std::string_view service) override;
  void consumer_left(std::string_view queue, std::string_view service, std::string_view why) override;
  void changed(broker::Change change, std::string_view name) override;

  void append_to(std::string& out) const;

 private:
  static constexpr std::array<std::string_view, 6> events = {"delivered", "acked", "nacked",
                                                             "expired",   "dead",  "redriven"};
  broker::Observer& next_;
  std::atomic<uint64_t> published_ = 0;
  std::atomic<uint64_t> published_bytes_ = 0;
  std::array<std::atomic<uint64_t>, events.size()> messages_ = {};
  DurationHistogram durable_in_;
};

// A value between the quotes of a label.
[[nodiscard]] std::string label_value(std::string_view text);
// The two comment lines above a metric.
void append_metric_head(std::string& out, std::string_view name, std::string_view type,
                        std::string_view help);

}  // namespace pabal::doors
