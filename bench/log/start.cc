// The real server starts with much data, and with many partitions: after a crash, then after a clean stop.
#include <algorithm>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/uuid.h"
#include "figures.h"
#include "measures.h"
#include "served.h"
#include "store.h"

namespace pabal::bench {
namespace {

using nlohmann::json;

constexpr size_t goal_partitions = 10'000;
constexpr int partitions_per_topic = 100;
constexpr size_t batch_bytes = 256_KiB;
constexpr size_t record_bytes = 1_KiB;
constexpr int writers = 16;
constexpr uint64_t few_files = 1024;

std::string topic_name(int n) { return fmt::format("start-{}", n); }

// Makes topics in a new data directory by the server's own API; the logs of all their partitions.
std::vector<engine::LogId> make_topics(const ServedOptions& options, int partitions) {
  Served server(options);
  std::vector<engine::LogId> logs;
  for (int made = 0; made < partitions; made += partitions_per_topic) {
    int count = std::min(partitions_per_topic, partitions - made);
    std::string target = "/v1/topics/" + topic_name(made / partitions_per_topic);
    json topic = server.call("PUT", target, {{"partitions", count}});
    auto id = Uuid::parse(topic.at("id").get<std::string>());
    check(id.has_value(), "no topic id in {}", topic.dump());
    for (int p = 0; p < count; ++p) logs.push_back({.topic = TopicId(*id), .partition = PartitionIndex(p)});
  }
  server.stop();
  return logs;
}

runtime::Task<> fill_some(Store& store, const std::vector<engine::LogId>& logs, const Bytes& batch,
                          uint64_t number, uint64_t count) {
  engine::Commit commit;
  commit.appends.push_back({{}, batch});
  for (uint64_t i = number; i < count; i += writers) {
    commit.appends[0].log = logs[i % logs.size()];
    co_await store.commit(commit);
  }
}

// Writes `count` batches in turn to the logs, in a process that ends like one that crashes: without a stop.
void fill_and_crash(const std::string& data_dir, const std::vector<engine::LogId>& logs, const Bytes& batch,
                    uint64_t count) {
  pid_t pid = ::fork();
  check(pid >= 0, "no process");
  if (pid == 0) {
    Store store(data_dir);
    std::vector<std::future<void>> parts;
    for (size_t i = 0; i < writers; ++i) {
      parts.push_back(store.spawn(i, fill_some(store, logs, batch, i, count)));
    }
    for (auto& part : parts) part.get();
    ::_exit(0);
  }
  int status = 0;
  check(::waitpid(pid, &status, 0) == pid && status == 0, "could not fill {}", data_dir);
}

double seconds(Duration d) { return microseconds(d) / 1e6; }

// Starts after the crash, and once more after a stop in order.
struct Starts {
  double after_crash_s;
  double stop_s;
  double after_stop_s;
  double resident_mb;  // the larger

  [[nodiscard]] json figures(size_t partitions) const {
    return {{"partitions", partitions},
            {"after_crash_s", after_crash_s},
            {"stop_s", stop_s},
            {"after_stop_s", after_stop_s},
            {"resident_mb", resident_mb}};
  }
};

Starts start_twice(const ServedOptions& served) {
  Starts starts{};
  constexpr int tries_max = 5;
  for (int i = 0; i < tries_max; ++i) {
    Served server(served);
    if (i == 0) starts.after_crash_s = seconds(server.ready_after());
    starts.resident_mb = server.resident_mb();
    Served::Stopped stopped = server.stop();
    starts.stop_s += seconds(stopped.took);
    if (stopped.in_order) break;
    fmt::print(stderr, "bench_log: the server had not written its checkpoint in time; once more\n");
  }
  Served server(served);
  starts.after_stop_s = seconds(server.ready_after());
  starts.resident_mb = std::max(starts.resident_mb, server.resident_mb());
  server.stop();
  return starts;
}

// That it really serves: the last record of each log can be read. Returns how many could.
double look_at(Served& server, const std::vector<engine::LogId>& logs) {
  double good = 0;
  for (size_t i = 0; i < logs.size(); ++i) {
    int topic = static_cast<int>(i) / partitions_per_topic;
    auto answer = server.call("GET",
                              fmt::format("/v1/topics/{}/records?partition={}&offset=0&limit=1",
                                          topic_name(topic), logs[i].partition.value()),
                              nullptr);
    good += answer.at("records").size() == 1 ? 1 : 0;
  }
  return good;
}

}  // namespace

void measure_start_with_data(const Options& options, Report& report) {
  Scratch scratch(options.directory + "/start");
  ServedOptions served{.pabal = options.pabal, .data_dir = scratch.path() + "/data"};
  auto logs = make_topics(served, 10);
  Bytes batch = batch_of(batch_bytes / record_bytes, record_bytes);
  fill_and_crash(served.data_dir, logs, batch, options.start_bytes / batch.size() + 1);
  Starts starts = start_twice(served);
  Served server(served);
  check(look_at(server, logs) == static_cast<double>(logs.size()), "records are missing");
  report.result("start_size_s", starts.after_stop_s);
  report.result("start_size_crash_s", starts.after_crash_s);
  json raw = starts.figures(logs.size());
  raw["bytes"] = options.start_bytes;
  report.raw("start_size", raw);
}

void measure_start_with_partitions(const Options& options, Report& report) {
  Scratch scratch(options.directory + "/start");
  ServedOptions served{.pabal = options.pabal, .data_dir = scratch.path() + "/data"};
  auto logs = make_topics(served, options.partitions);
  fill_and_crash(served.data_dir, logs, batch_of(1, record_bytes), logs.size());
  Starts starts = start_twice(served);
  served.open_files_max = few_files;
  Served server(served);
  double good = look_at(server, logs);
  server.call("POST", "/v1/topics/" + topic_name(0) + "/records", {{"records", {{{"value", "more"}}}}});
  if (logs.size() == goal_partitions) {  // with any other number there are only raw figures
    report.result("start_partitions_s", starts.after_stop_s);
    report.result("start_partitions_crash_s", starts.after_crash_s);
    report.result("start_partitions_mb", starts.resident_mb);
    report.result("few_files", good);
  }
  json raw = starts.figures(logs.size());
  raw["few_files"] = {
      {"ulimit_n", few_files}, {"open_files", server.open_files()}, {"partitions_read", good}};
  report.raw("start_partitions", raw);
}

}  // namespace pabal::bench
