#include <benchmark/benchmark.h>
#include <string>

#include "log/record_batch.h"

namespace pabal::log {
namespace {

constexpr int64_t batch_bytes = 16_KiB;

// As many records as make a batch of 16 KiB, like those of an event: a key, a value, two headers.
Bytes built(size_t value_bytes) {
  std::string value(value_bytes, 'v');
  RecordView record{.key = as_bytes("O-4711"), .value = as_bytes(value)};
  record.headers = {{"ce_type", as_bytes("order.created")}, {"correlationid", as_bytes("O-4711")}};
  BatchBuilder builder;
  while (builder.size() < batch_bytes) builder.add(record);
  return builder.finish();
}

void set_rates(benchmark::State& state, const Bytes& batch) {
  state.SetItemsProcessed(state.iterations() * BatchView::parse(batch)->record_count());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(batch.size()));
}

void build_batch(benchmark::State& state) {
  auto value_bytes = static_cast<size_t>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(built(value_bytes));
  set_rates(state, built(value_bytes));
  state.SetLabel("aims at 150 ns and 1 ns per 4 B for a record");
}
BENCHMARK(build_batch)->Arg(100)->Arg(1000);

void verify_batch(benchmark::State& state) {
  Bytes batch = built(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(BatchView::parse(batch)->verify());
  set_rates(state, batch);
  state.SetLabel("aims at 10 GB/s");
}
BENCHMARK(verify_batch)->Arg(100)->Arg(1000);

void walk_records(benchmark::State& state) {
  Bytes batch = built(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    size_t bytes = 0;
    (void)BatchView::parse(batch)->for_each([&bytes](const StoredRecord& record) {
      bytes += record.value->size();
      return true;
    });
    benchmark::DoNotOptimize(bytes);
  }
  set_rates(state, batch);
  state.SetLabel("aims at 60 ns for a record with two headers");
}
BENCHMARK(walk_records)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace pabal::log

BENCHMARK_MAIN();
