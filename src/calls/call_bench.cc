#include <benchmark/benchmark.h>

#include "calls/call.h"

namespace pabal::calls {
namespace {

// The goal: a policy on a call that succeeds costs less than 100 ns. The clock is read twice, as in use.
void policy_on_a_call_that_succeeds(benchmark::State& state) {
  static Guard guard("payment", {}, Random(1));
  for (auto _ : state) {
    Call call(guard, true, system_clock().now());
    benchmark::DoNotOptimize(call.begin(call.deadline() - guard.policy().timeout));
    benchmark::DoNotOptimize(call.finished({TryOutcome::answered}, system_clock().now()));
  }
}
BENCHMARK(policy_on_a_call_that_succeeds);
BENCHMARK(policy_on_a_call_that_succeeds)->Threads(2);

}  // namespace
}  // namespace pabal::calls

BENCHMARK_MAIN();
