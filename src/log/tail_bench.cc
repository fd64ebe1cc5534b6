#include <benchmark/benchmark.h>

#include "log/tail.h"

namespace pabal::log {
namespace {

constexpr int64_t batches = 4096;  // what the engine's memory for readers holds at 16 KiB each

Tail& filled_tail() {
  static Tail tail;
  static const bool filled = [] {
    for (int64_t i = 0; i < batches; ++i) tail.append(Offset(i), Offset(i + 1), SharedBytes(Bytes(100)));
    return true;
  }();
  (void)filled;
  return tail;
}

void append_to_tail(benchmark::State& state) {
  Tail tail;
  SharedBytes batch(Bytes(100));
  int64_t next = 0;
  for (auto _ : state) {
    tail.append(Offset(next), Offset(next + 1), batch);
    ++next;
    if (next % 64 == 0) tail.drop_below(Offset(next - batches));
  }
  state.SetItemsProcessed(state.iterations());
  state.SetLabel("aims at 50 ns, with 4,096 batches held");
}
BENCHMARK(append_to_tail);

// Who follows closely reads the last batch; who comes behind, one in the middle.
void read_tail(benchmark::State& state) {
  Tail& tail = filled_tail();
  Offset from(batches - state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(tail.read(from, Offset(batches), 1));
  state.SetItemsProcessed(state.iterations());
  state.SetLabel("aims at 150 ns, wherever it lies");
}
BENCHMARK(read_tail)->Arg(1)->Arg(batches / 2 + 40);
BENCHMARK(read_tail)->Arg(1)->Threads(2);

}  // namespace
}  // namespace pabal::log
