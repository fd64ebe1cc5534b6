// One writer: how long until an append is durable, with a sample of the flush baseline before each.
#include "baseline.h"
#include "figures.h"
#include "measures.h"
#include "store.h"

namespace pabal::bench {
namespace {

constexpr size_t record_bytes = 1000;
constexpr int many_partitions = 1000;
constexpr int turns = 2;  // one partition and many are measured in turns, so that both meet the same machine

struct Samples {
  Latencies baseline;
  Latencies commit;
};

runtime::Task<Duration> timed_commit(Store& store, int partition, const Bytes& batch) {
  engine::Commit commit;
  commit.appends.push_back({log_number(partition), batch});
  Instant before = system_clock().now();
  co_await store.commit(commit);
  co_return system_clock().now() - before;
}

void sample(const std::string& directory, int partitions, int count, Samples& into) {
  Scratch scratch(directory);
  FlushBaseline baseline(scratch.path() + "/baseline");
  Store store(scratch.path() + "/data");
  store.make_logs(partitions);
  Bytes batch = batch_of(1, record_bytes);
  constexpr int warm_up = 100;
  for (int i = -warm_up; i < count; ++i) {
    Duration flush = baseline.sample();
    Duration commit = store.spawn(0, timed_commit(store, (i + warm_up) % partitions, batch)).get();
    if (i < 0) continue;
    into.baseline.add(flush);
    into.commit.add(commit);
  }
}

nlohmann::json section(const Samples& samples, int partitions) {
  return {{"partitions", partitions},
          {"record_bytes", record_bytes},
          {"baseline", samples.baseline.summary()},
          {"commit", samples.commit.summary()}};
}

}  // namespace

void measure_latency(const Options& options, Report& report) {
  Samples one;
  Samples many;
  for (int turn = 0; turn < turns; ++turn) {
    sample(options.directory + "/latency", 1, options.samples / turns, one);
    sample(options.directory + "/latency", many_partitions, options.samples / turns, many);
  }
  report.result("latency_p50", one.commit.at_us(0.5) / one.baseline.at_us(0.5));
  report.result("latency_p99", one.commit.at_us(0.99) / one.baseline.at_us(0.99));
  report.result("latency_p999", one.commit.at_us(0.999) / one.baseline.at_us(0.999));
  report.result("latency_1000_p99", many.commit.at_us(0.99) / one.commit.at_us(0.99));
  report.raw("latency_1", section(one, 1));
  report.raw("latency_1000", section(many, many_partitions));
}

}  // namespace pabal::bench
