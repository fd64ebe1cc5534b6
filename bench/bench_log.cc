// bench_log: durable append latency beside its baseline, a 4 KiB overwrite of a preallocated file with
// fdatasync, sampled in turns on the same disk; then throughput of many writers. Prints JSON.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/check.h"
#include "base/logging.h"
#include "engine/commit_builder.h"
#include "engine/embedded.h"

namespace pabal {
namespace {

using nlohmann::json;
using runtime::Task;

struct Arguments {
  std::string directory = ".";
  int samples = 5000;
  int partitions = 1;
  int writers = 16;
  int batches = 20'000;
  size_t record_bytes = 1000;
};

double microseconds(Duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

json percentiles(std::vector<double> us) {
  std::ranges::sort(us);
  auto at = [&](double p) {
    return us[std::min(us.size() - 1, static_cast<size_t>(p * static_cast<double>(us.size())))];
  };
  return {{"p50_us", at(0.5)}, {"p99_us", at(0.99)}, {"p999_us", at(0.999)}, {"max_us", us.back()}};
}

engine::LogId log_number(int n) {
  engine::LogId id{.topic = {}, .partition = PartitionIndex(n)};
  id.topic.bytes[0] = 1;
  return id;
}

// Overwrites 4 KiB and flushes, somewhere in a file that was written once.
class Baseline {
 public:
  explicit Baseline(const std::string& path) : path_(path), page_(4_KiB, 7) {
    file_ = std::move(*runtime::system_file_system().open(path, runtime::OpenMode::create));
    Bytes zeros(file_bytes);
    check(file_->write_at(0, zeros).has_value() && file_->flush().has_value(), "cannot write {}", path);
  }
  ~Baseline() { std::filesystem::remove(path_); }

  double sample() {
    Instant before = system_clock().now();
    check(file_->write_at(position_, page_).has_value() && file_->flush().has_value(), "cannot flush");
    position_ = (position_ + page_.size()) % file_bytes;
    return microseconds(system_clock().now() - before);
  }

 private:
  static constexpr uint64_t file_bytes = 16_MiB;
  std::string path_;
  Bytes page_;
  std::unique_ptr<runtime::File> file_;
  uint64_t position_ = 0;
};

class Bench {
 public:
  explicit Bench(const Arguments& arguments) : arguments_(arguments) {
    directory_ = arguments.directory + fmt::format("/bench-log-{}", ::getpid());
    std::filesystem::create_directories(directory_);
    shards_ = runtime::start_shards(2);
    auto opened = engine::open_embedded({.data_dir = directory_ + "/data", .shards = shards_.get()});
    check(opened.has_value(), "{}", opened ? "" : opened.error().message);
    engine_ = std::move(*opened);
    std::vector<std::future<Result<void>>> made;
    for (int i = 0; i < arguments.partitions; ++i) {
      made.push_back(asio::co_spawn(shards_->at(0).executor(),
                                    engine_->open_log(log_number(i), {.name = "bench"}), asio::use_future));
    }
    for (auto& one : made) check(one.get().has_value(), "cannot make a log");
  }
  ~Bench() {
    asio::co_spawn(shards_->at(0).executor(), engine_->stop(), asio::use_future).get();
    engine_.reset();
    std::filesystem::remove_all(directory_);
  }

  json latency() {
    Baseline baseline(directory_ + "/baseline");
    std::vector<double> base;
    std::vector<double> commits;
    for (int i = 0; i < arguments_.samples; ++i) {
      base.push_back(baseline.sample());
      commits.push_back(asio::co_spawn(shards_->at(0).executor(), timed_commit(i % arguments_.partitions, 1),
                                       asio::use_future)
                            .get());
    }
    json b = percentiles(base);
    json c = percentiles(commits);
    json ratio;
    for (const char* p : {"p50_us", "p99_us", "p999_us"}) {
      ratio[std::string(p).substr(0, std::string(p).find('_'))] = c[p].get<double>() / b[p].get<double>();
    }
    return {{"baseline", b}, {"commit", c}, {"ratio", ratio}, {"samples", arguments_.samples}};
  }

  json throughput() {
    size_t records = std::max<size_t>(16_KiB / arguments_.record_bytes, 1);
    Instant before = system_clock().now();
    std::vector<std::future<std::vector<double>>> writers;
    for (int i = 0; i < arguments_.writers; ++i) {
      writers.push_back(asio::co_spawn(shards_->at(static_cast<size_t>(i) % 2).executor(), writer(i, records),
                                       asio::use_future));
    }
    std::vector<double> all;
    for (auto& one : writers) std::ranges::move(one.get(), std::back_inserter(all));
    double seconds = std::chrono::duration<double>(system_clock().now() - before).count();
    double bytes = static_cast<double>(all.size() * records * arguments_.record_bytes);
    return {{"writers", arguments_.writers},
            {"batches_per_s", static_cast<double>(all.size()) / seconds},
            {"records_per_s", static_cast<double>(all.size() * records) / seconds},
            {"mb_per_s", bytes / seconds / 1e6},
            {"commit", percentiles(all)}};
  }

  json sequential_writes() {
    auto file =
        std::move(*runtime::system_file_system().open(directory_ + "/pieces", runtime::OpenMode::create));
    Bytes piece(1_MiB, 3);
    Instant before = system_clock().now();
    constexpr int pieces = 200;
    for (int i = 0; i < pieces; ++i) {
      check(file->write_at(static_cast<uint64_t>(i) * piece.size(), piece).has_value() &&
                file->flush().has_value(),
            "cannot write");
    }
    double seconds = std::chrono::duration<double>(system_clock().now() - before).count();
    return {{"mb_per_s", pieces * 1.048576 / seconds}};
  }

 private:
  engine::Commit commit_of(int partition, size_t records) {
    engine::CommitBuilder builder;
    std::string value(arguments_.record_bytes, 'v');
    for (size_t i = 0; i < records; ++i) builder.add(log_number(partition), {.value = as_bytes(value)});
    return builder.finish();
  }
  Task<double> timed_commit(int partition, size_t records) {
    engine::Commit commit = commit_of(partition, records);
    Instant before = system_clock().now();
    auto done = co_await engine_->commit(std::move(commit));
    check(done.has_value(), "{}", done ? "" : done.error().message);
    co_return microseconds(system_clock().now() - before);
  }
  Task<std::vector<double>> writer(int number, size_t records) {
    std::vector<double> all;
    for (int i = 0; i < arguments_.batches / arguments_.writers; ++i) {
      all.push_back(
          co_await timed_commit((number + i * arguments_.writers) % arguments_.partitions, records));
    }
    co_return all;
  }

  Arguments arguments_;
  std::string directory_;
  std::unique_ptr<runtime::Shards> shards_;
  std::unique_ptr<engine::Engine> engine_;
};

}  // namespace
}  // namespace pabal

int main(int count, char** words) {
  using namespace pabal;
  Arguments arguments;
  CLI::App app{"Durable appends against the disk beneath.\nExample: bench_log --partitions 1000"};
  app.add_option("--directory", arguments.directory, "where to write (removed afterwards)");
  app.add_option("--samples", arguments.samples, "commits whose latency is measured")
      ->check(CLI::PositiveNumber);
  app.add_option("--partitions", arguments.partitions, "logs written in turn")->check(CLI::PositiveNumber);
  app.add_option("--writers", arguments.writers, "for throughput")->check(CLI::PositiveNumber);
  app.add_option("--batches", arguments.batches, "of 16 KiB, for throughput")->check(CLI::PositiveNumber);
  app.add_option("--record-bytes", arguments.record_bytes, "of each record's value")
      ->check(CLI::PositiveNumber);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  start_logging("warn");
  Bench bench(arguments);
  json result = {{"partitions", arguments.partitions}, {"record_bytes", arguments.record_bytes}};
  result["latency"] = bench.latency();
  result["throughput"] = bench.throughput();
  result["write_fdatasync_1mib"] = bench.sequential_writes();
  fmt::print("{}\n", result.dump(2));
  return 0;
}
