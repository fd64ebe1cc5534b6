#include <benchmark/benchmark.h>

#include "log/varint.h"

namespace pabal::log {
namespace {

constexpr size_t count = 1000;

void put_varints(benchmark::State& state) {
  Bytes bytes;
  bytes.reserve(count * 10);
  for (auto _ : state) {
    bytes.clear();
    for (size_t i = 0; i < count; ++i) put_varint(bytes, state.range(0));
    benchmark::DoNotOptimize(bytes.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
  state.SetLabel("aims at 5 ns each");
}
BENCHMARK(put_varints)->Arg(5)->Arg(1000)->Arg(1'000'000);

void take_varints(benchmark::State& state) {
  Bytes bytes;
  for (size_t i = 0; i < count; ++i) put_varint(bytes, state.range(0));
  for (auto _ : state) {
    for (BytesView rest = bytes; !rest.empty();) benchmark::DoNotOptimize(take_varint(rest));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
  state.SetLabel("aims at 5 ns each");
}
BENCHMARK(take_varints)->Arg(5)->Arg(1000)->Arg(1'000'000);

}  // namespace
}  // namespace pabal::log
