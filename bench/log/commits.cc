// What it costs that a commit reaches over three logs (a record, a key's table, a cursor): commits per second
// beside those of single appends, from the same writers, in turns.
#include "figures.h"
#include "measures.h"
#include "store.h"

namespace pabal::bench {
namespace {

constexpr size_t record_bytes = 100;
constexpr int turns = 5;
constexpr int commits_per_turn = 8000;

runtime::Task<> writer(Store& store, int number, int writers, int logs) {
  engine::Commit commit;
  for (int i = 0; i < logs; ++i)
    commit.appends.push_back({log_number(number * logs + i), batch_of(1, record_bytes)});
  for (int i = number; i < commits_per_turn; i += writers) co_await store.commit(commit);
}

double commits_per_second(Store& store, int writers, int logs) {
  Instant before = system_clock().now();
  std::vector<std::future<void>> all;
  for (int i = 0; i < writers; ++i) {
    all.push_back(store.spawn(static_cast<size_t>(i), writer(store, i, writers, logs)));
  }
  for (auto& one : all) one.get();
  return commits_per_turn / seconds_since(before);
}

}  // namespace

void measure_commits(const Options& options, Report& report) {
  constexpr int logs = 3;
  Scratch scratch(options.directory + "/commits");
  Store store(scratch.path() + "/data");
  store.make_logs(options.writers * logs);
  std::vector<double> single;
  std::vector<double> three;
  for (int turn = 0; turn < turns; ++turn) {
    single.push_back(commits_per_second(store, options.writers, 1));
    three.push_back(commits_per_second(store, options.writers, logs));
  }
  report.result("commits_three_logs", median(three) / median(single));
  report.raw("commits", {{"writers", options.writers},
                         {"record_bytes", record_bytes},
                         {"single_per_s", single},
                         {"over_three_logs_per_s", three}});
}

}  // namespace pabal::bench
