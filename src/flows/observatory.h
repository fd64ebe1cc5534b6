#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/observer.h"
#include "flows/flow_graph.h"
#include "flows/happenings.h"
#include "flows/otlp.h"
#include "flows/seen.h"
#include "flows/trace_memory.h"
#include "runtime/shards.h"

namespace pabal::flows {

struct ObservatoryOptions {
  TraceLimits trace = {};
  FlowLimits flow = {};
  // Records are found by the values of these headers, besides key, ce_id and correlationid.
  std::vector<std::string> search_headers = {"ce_subject", "order"};
  Duration gather = std::chrono::milliseconds(50);  // how long a shard gathers before it hands over
  size_t buffer_bytes_max = 4_MiB;                  // of one shard, gathered or on the way
};

// A push endpoint that is not called for now.
struct Resting {
  std::string queue;
  std::string url;
  std::string reason;
  WallTime since;
  WallTime next_probe;
};

// Sees all that happens and remembers it: the flow graph, the trace memory, the latest happenings. Observer
// calls come from any shard and only append to that shard's buffer; a shard with something to tell hands its
// buffer to the collector (shard 0), which alone touches the memory. When the collector cannot follow, what
// does not fit is dropped, counted, and taken back from what the trace claims to be complete.
class Observatory final : public broker::Observer {
 public:
  Observatory(runtime::Shards& shards, ObservatoryOptions options = {});
  ~Observatory() override;
  Observatory(const Observatory&) = delete;
  Observatory& operator=(const Observatory&) = delete;

  // broker::Observer, from any shard.
  void published(std::string_view service, const broker::RecordSeen& seen, Duration durable_in) override;
  void message(const broker::MessageSeen& seen) override;
  void consumer_joined(std::string_view queue, std::string_view service) override;
  void consumer_left(std::string_view queue, std::string_view service, std::string_view why) override;
  void changed(broker::Change change, std::string_view name) override;

  // From any shard, like the above.
  void called(const ReportedCall& call);
  void resting(const Resting& resting);
  void rested(std::string_view queue);

  // Called, on the shard where it happened, whenever a queue was made, changed or deleted. Set before the
  // broker opens.
  void on_queue_changed(std::function<void(std::string_view queue)> callback);

  // What is remembered. On the collector's shard only; see collector().
  struct Memory {
    FlowGraph graph;
    TraceMemory trace;
    Happenings happenings;
    std::map<std::string, Resting, std::less<>> resting;
    // The first offset seen of each log: records below it were published before this memory began.
    std::map<std::pair<std::string, int32_t>, int64_t> first_seen;
  };
  [[nodiscard]] runtime::Executor collector();
  [[nodiscard]] Memory& memory();
  // Takes over what this shard has gathered and not yet handed over; on the collector's shard.
  void collect_now();

  [[nodiscard]] const Clock& clock() const;
  [[nodiscard]] const std::vector<std::string>& search_headers() const { return options_.search_headers; }
  [[nodiscard]] int64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] WallTime started() const { return started_; }
  [[nodiscard]] Duration uptime() const;

 private:
  struct PerShard;
  PerShard* here();
  void see(Seen seen);
  void hand_over(PerShard& shard);
  void collect(const SeenBuffer& buffer);
  void collect_one(const Seen& seen);

  runtime::Shards& shards_;
  ObservatoryOptions options_;
  WallTime started_;
  Instant started_instant_;
  std::vector<std::unique_ptr<PerShard>> per_shard_;
  std::unique_ptr<Memory> memory_;
  std::function<void(std::string_view)> queue_changed_;
  std::atomic<int64_t> dropped_ = 0;
  std::atomic<int64_t> dropped_at_ms_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pabal::flows
