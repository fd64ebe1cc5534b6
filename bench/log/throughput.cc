// Many writers with batches of 16 KiB (and of 1 MiB, for what is written to the journal and a segment would
// gain most from one way), beside write + fdatasync of as many bytes in pieces of 1 MiB. The batches are
// built before, as a producer would; their making is not measured. A writer has one batch under way, or as
// many as Kafka's producers have (max.in.flight.requests.per.connection is 5 there).
#include <algorithm>

#include "baseline.h"
#include "figures.h"
#include "measures.h"
#include "store.h"

namespace pabal::bench {
namespace {

constexpr int turns = 3;  // log and baseline, each time a part of the bytes

struct Load {
  std::string_view key;
  size_t record_bytes;
  int partitions;
  size_t batch_bytes = 16_KiB;
  int under_way = 1;  // batches of one writer

  [[nodiscard]] int lanes(const Options& options) const { return options.writers * under_way; }
};

struct Rates {
  std::vector<double> log;
  std::vector<double> baseline;
  uint64_t refused = 0;
};

// One of the batches that a writer has under way, again and again.
runtime::Task<> lane(Store& store, int number, const Options& options, const Load& load, const Bytes& batch) {
  auto count = static_cast<int>(options.throughput_bytes / turns / load.batch_bytes);
  engine::Commit commit;
  commit.appends.push_back({{}, batch});
  for (int i = number; i < count; i += load.lanes(options)) {
    commit.appends[0].log = log_number(i % load.partitions);
    co_await store.commit(commit);
  }
}

double seconds_to_commit(Store& store, const Options& options, const Load& load, const Bytes& batch) {
  Instant before = system_clock().now();
  std::vector<std::future<void>> lanes;
  for (int i = 0; i < load.lanes(options); ++i) {
    lanes.push_back(store.spawn(static_cast<size_t>(i), lane(store, i, options, load, batch)));
  }
  for (auto& one : lanes) one.get();
  return seconds_since(before);
}

Rates measure(const Options& options, const Load& load) {
  Scratch scratch(options.directory + "/throughput");
  Store store(scratch.path() + "/data");
  store.make_logs(load.partitions);
  Bytes batch = batch_of(load.batch_bytes / load.record_bytes, load.record_bytes);
  uint64_t bytes = options.throughput_bytes / turns / load.batch_bytes * load.batch_bytes;
  Rates rates;
  for (int turn = 0; turn < turns; ++turn) {
    auto megabytes = static_cast<double>(bytes) / 1e6;
    rates.log.push_back(megabytes / seconds_to_commit(store, options, load, batch));
    rates.baseline.push_back(megabytes / seconds_to_write(scratch.path() + "/pieces", bytes));
  }
  rates.refused = store.refused();
  return rates;
}

}  // namespace

void measure_throughput(const Options& options, Report& report) {
  for (const Load& load :
       {Load{"throughput_100b_1", 100, 1}, Load{"throughput_1kib_1", 1_KiB, 1},
        Load{"throughput_100b_1000", 100, 1000}, Load{"throughput_1kib_1000", 1_KiB, 1000},
        Load{"throughput_100b_1_five", 100, 1, 16_KiB, 5},
        Load{"throughput_1kib_1_five", 1_KiB, 1, 16_KiB, 5}, Load{"throughput_large_1", 1_KiB, 1, 1_MiB}}) {
    Rates rates = measure(options, load);
    report.result(load.key, median(rates.log) / median(rates.baseline));
    report.raw(std::string(load.key),
               {{"writers", options.writers},
                {"under_way", load.under_way},
                {"record_bytes", load.record_bytes},
                {"partitions", load.partitions},
                {"batch_bytes", load.batch_bytes},
                {"bytes_per_turn", options.throughput_bytes / turns},
                {"log_mb_per_s", rates.log},
                {"write_fdatasync_mb_per_s", rates.baseline},
                {"records_per_s", median(rates.log) * 1e6 / static_cast<double>(load.record_bytes)},
                {"refused_and_tried_again", rates.refused}});
  }
}

}  // namespace pabal::bench
