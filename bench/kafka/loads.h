#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"

// What kafka_load can do; each returns what it measured.
namespace pabal::bench {

struct LoadOptions {
  std::string bootstrap = "127.0.0.1:9092";
  std::string topic = "bench";
  int partitions = 1;
  size_t record_bytes = 100;
  double seconds = 3;
  int64_t records = 0;       // consume: so many
  double per_second = 1000;  // latency
  std::string flush_file;    // latency: where the flush of 4 KiB is sampled meanwhile
  int port = 0;              // sink
};

// As many records as librdkafka takes, over all partitions in turn; until each is acknowledged.
[[nodiscard]] nlohmann::json publish_load(const LoadOptions& options);
// Records at a steady rate, each timed to its acknowledgement and to a consumer that reads along.
[[nodiscard]] nlohmann::json latency_load(const LoadOptions& options);
// Reads so many records from the beginning.
[[nodiscard]] nlohmann::json consume_load(const LoadOptions& options);
// Sends one record again and again until it is accepted, from before the server listens.
[[nodiscard]] nlohmann::json first_produce(const LoadOptions& options);
// Says yes to every produce and drops it, and gives the last one again and again to whoever fetches: what
// the clients alone can do. Serves until it is killed.
[[noreturn]] void serve_sink(const LoadOptions& options);

}  // namespace pabal::bench
