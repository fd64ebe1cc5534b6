#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/observer.h"
#include "flows/clients.h"
#include "flows/flow_graph.h"
#include "flows/happenings.h"
#include "flows/otlp.h"
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

// The latest message of a queue that died.
struct DeadLetter {
  WallTime at = {};
  std::string reason = {};
  int deliveries = 0;
  std::string topic = {};
  int32_t partition = 0;
  int64_t offset = 0;
};

// Sees all that happens and remembers it: the flow graph, the trace memory, the latest happenings. Observer
// calls come from any shard and only append to that shard's buffer; a shard with something to tell hands its
// buffer to the collector (shard 0), which alone touches the memory. When the collector cannot follow, what
// does not fit is dropped, counted, and taken back from what the trace claims to be complete. Nothing runs
// while nothing happens. It may be destroyed while the shards run, once nobody calls it any more.
class Observatory final : public broker::Observer {
 public:
  explicit Observatory(runtime::Shards& shards, ObservatoryOptions options = {});
  ~Observatory() override;
  Observatory(const Observatory&) = delete;
  Observatory& operator=(const Observatory&) = delete;

  // broker::Observer, from any shard.
  void published(std::string_view service, const broker::RecordSeen& seen, Duration durable_in) override;
  void published_batch(std::string_view service, const broker::BatchSeen& seen, Duration durable_in) override;
  void message(const broker::MessageSeen& seen) override;
  void consumer_joined(std::string_view queue, std::string_view service) override;
  void consumer_left(std::string_view queue, std::string_view service, std::string_view why) override;
  void changed(broker::Change change, std::string_view name) override;

  // From any shard, like the above.
  void called(const ReportedCall& call);
  void client(const ClientSeen& seen);
  void resting(Resting resting);
  void rested(std::string queue);
  // A message went back into its queue because its endpoint rests: a try that does not count.
  void returned(const broker::Message& message, std::string_view queue, std::string_view service,
                std::string_view reason);
  // Who was a queue's consumer by its address turned out to be a service: it is shown as that, before and
  // after.
  void named(std::string queue, std::string address, std::string service);

  // `callback` runs, on the shard where it happened, whenever a queue was made, changed, paused, resumed or
  // deleted; an empty one ends that.
  void on_queue_changed(std::function<void(std::string_view queue)> callback);

  // What is remembered. Touched on the collector's shard only.
  struct Memory {
    FlowGraph graph;
    TraceMemory trace;
    Clients clients;
    Happenings happenings;
    std::map<std::string, Resting, std::less<>> resting;  // by queue
    // By queue and the address of an endpoint: the service it is.
    std::map<std::pair<std::string, std::string>, std::string> endpoint_names;
    std::map<std::string, DeadLetter> last_dead;  // by queue
    // By topic and partition: records below were published before this memory began.
    std::map<std::pair<std::string, int32_t>, int64_t> first_offsets;
  };
  // The name by which a queue's consumer is shown.
  [[nodiscard]] static const std::string& shown_name(const Memory& memory, const std::string& queue,
                                                     const std::string& consumer);
  [[nodiscard]] runtime::Executor collector();
  [[nodiscard]] Memory& memory();
  // After it the memory holds all that was observed before the call. From any shard.
  runtime::Task<> gather();

  [[nodiscard]] const Clock& clock() const;
  [[nodiscard]] const std::vector<std::string>& search_headers() const;
  [[nodiscard]] int64_t dropped() const;  // observations, since the start
  [[nodiscard]] WallTime started() const;
  [[nodiscard]] Duration uptime() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace pabal::flows
