#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "flows/rate_window.h"
#include "flows/seen.h"

namespace pabal::flows {

enum class NodeKind : uint8_t { service, topic, queue, client, group };
enum class EdgeKind : uint8_t { publishes, delivers, calls };

struct NodeName {
  NodeKind kind;
  std::string name;

  [[nodiscard]] std::string id() const;  // "queue:notification.mail"
  friend auto operator<=>(const NodeName&, const NodeName&) = default;
};

[[nodiscard]] std::string_view name_of(NodeKind kind);
[[nodiscard]] std::string_view name_of(EdgeKind kind);

// Callers that do not name themselves are drawn as one client of each door.
[[nodiscard]] NodeName caller_node(std::string_view service);

struct FlowLimits {
  size_t edges_max = 8'000;
  size_t consumers_max = 8'000;
  Duration remembered = std::chrono::hours(1);  // after the last traffic
};

// Who publishes what, who consumes it, who calls whom, as observed: edges with rates, latencies and errors,
// and for each queue who consumes it or last did. Bounded; time only moves by what is passed in, so an idle
// graph costs nothing. One thread at a time.
class FlowGraph {
 public:
  struct EdgeName {
    EdgeKind kind;
    NodeName from;
    NodeName to;
    friend auto operator<=>(const EdgeName&, const EdgeName&) = default;
  };
  struct Edge {
    RateWindow window;
    WallTime last_seen = {};
    Instant last_instant = {};
    std::string last_failure = {};  // why, in the consumer's or caller's words
  };
  // One service at one queue.
  struct Consumer {
    int present = 0;  // how many of it are there
    WallTime since = {};
    std::optional<WallTime> left = {};
    std::string why = {};
    Instant last_instant = {};
  };
  using Consumers = std::map<std::string, Consumer>;

  explicit FlowGraph(FlowLimits limits = {}) : limits_(limits) {}

  void see(const Seen& seen);
  // Forgets what has been silent for longer than the limit says.
  void forget(Instant now);
  // What was seen of a queue's consumer under one name was of another.
  void rename_consumer(const std::string& queue, const std::string& from, const std::string& to);
  // A thing that was deleted is drawn no more.
  void remove(const NodeName& node);

  [[nodiscard]] const std::map<EdgeName, Edge>& edges() const { return edges_; }
  // By queue; nullptr when nobody ever consumed it.
  [[nodiscard]] const Consumers* consumers_of(const std::string& queue) const;
  // All that was published or delivered, over the window.
  [[nodiscard]] const RateWindow& published() const { return published_; }
  [[nodiscard]] const RateWindow& delivered() const { return delivered_; }
  // Edges and consumers that found no place.
  [[nodiscard]] int64_t refused() const { return refused_; }

 private:
  Edge* edge(EdgeKind kind, NodeName from, NodeName to);
  void count(EdgeKind kind, NodeName from, NodeName to, const Seen& seen, bool failed);
  void delivered(const Seen& seen);
  void fetched(const Seen& seen);
  void failed(const Seen& seen);
  void joined(const Seen& seen);
  void left(const Seen& seen);
  Consumer* consumer(const Seen& seen);

  FlowLimits limits_;
  std::map<EdgeName, Edge> edges_;
  std::map<std::string, Consumers> consumers_;
  size_t consumer_count_ = 0;
  RateWindow published_;
  RateWindow delivered_;
  int64_t refused_ = 0;
};

}  // namespace pabal::flows
