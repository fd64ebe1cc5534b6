// bench_log: everything that is asked of the log's speed, measured in one run on one machine, each figure
// beside what it is compared with. Prints goals and results; --json keeps these and the raw figures.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <unistd.h>

#include "base/logging.h"
#include "base/units.h"
#include "figures.h"
#include "measures.h"
#include "store.h"

namespace pabal::bench {
namespace {

using nlohmann::json;

struct Given {
  Options options;
  std::string directory = ".";
  std::string json_file;
  std::string throughput_bytes = "512MiB";
  std::string start_bytes = "1GB";
  std::vector<std::string> only;
  int runs = 1;
};

struct Part {
  std::string_view name;
  std::function<void(const Options&, Report&)> measure;
};

const std::vector<Part>& all_parts() {
  static const std::vector<Part> parts = {
      {"latency", measure_latency},
      {"throughput", measure_throughput},
      {"commits", measure_commits},
      {"reading", measure_reading},
      {"batch-check", [](const Options&, Report& report) { measure_batch_check(report); }},
      {"start-size", measure_start_with_data},
      {"start-partitions", measure_start_with_partitions},
      {"idle", measure_idle},
  };
  return parts;
}

std::string names_of_parts() {
  std::string names;
  for (const Part& part : all_parts()) names += fmt::format("{}{}", names.empty() ? "" : ", ", part.name);
  return names;
}

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : -1;
}

json machine(const std::string& directory) {
  auto space = runtime::system_file_system().space(directory);
  return {{"cores", std::thread::hardware_concurrency()},
          {"memory_mb", ::sysconf(_SC_PHYS_PAGES) * (::sysconf(_SC_PAGESIZE) / 1024) / 1024},
          {"disk_gb", space ? space->total_bytes / 1'000'000'000 : 0}};
}

void measure_all(const Given& given, Report& report) {
  for (int run = 0; run < given.runs; ++run) {
    for (const Part& part : all_parts()) {
      if (!given.only.empty() && std::ranges::find(given.only, part.name) == given.only.end()) continue;
      double load = load_average();
      Instant before = system_clock().now();
      fmt::print(stderr, "bench_log: run {} of {}: {}\n", run + 1, given.runs, part.name);
      part.measure(given.options, report);
      report.raw("taken", {{"part", part.name},
                           {"at", format_time(system_clock().wall_now())},
                           {"seconds", seconds_since(before)},
                           {"load_before", load},
                           {"load_after", load_average()}});
    }
  }
}

Result<void> read_sizes(Given& given) {
  auto throughput = parse_size(given.throughput_bytes);
  auto start = parse_size(given.start_bytes);
  if (!throughput || *throughput < 1_MiB || !start || *start == 0) {
    return error(ErrorCode::invalid, "--throughput-bytes and --start-bytes are sizes such as 1GB");
  }
  given.options.throughput_bytes = *throughput;
  given.options.start_bytes = *start;
  for (const std::string& name : given.only) {
    if (std::ranges::find(all_parts(), name, &Part::name) == all_parts().end()) {
      return error(ErrorCode::invalid, "there is no part '{}'; there are: {}", name, names_of_parts());
    }
  }
  return {};
}

int run(Given& given) {
  if (auto done = read_sizes(given); !done) {
    fmt::print(stderr, "bench_log: {}\n", done.error().message);
    return 2;
  }
  start_logging("warn");
  std::signal(SIGPIPE, SIG_IGN);
  Scratch scratch(std::filesystem::absolute(given.directory) / fmt::format("bench-log-{}", ::getpid()));
  given.options.directory = scratch.path();
  Report report;
  measure_all(given, report);
  fmt::print("{}", report.text());
  if (given.json_file.empty()) return 0;
  json all = report.json();
  all["machine"] = machine(scratch.path());
  all["options"] = {{"samples", given.options.samples},
                    {"writers", given.options.writers},
                    {"throughput_bytes", given.options.throughput_bytes},
                    {"start_bytes", given.options.start_bytes},
                    {"partitions", given.options.partitions},
                    {"runs", given.runs}};
  std::ofstream out(given.json_file);
  out << all.dump(1) << '\n';
  out.close();
  if (out) return 0;
  fmt::print(stderr, "bench_log: cannot write {}\n", given.json_file);
  return 1;
}

}  // namespace
}  // namespace pabal::bench

int main(int count, char** words) {
  pabal::bench::Given given;
  given.options.pabal = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "pabal";
  CLI::App app{
      "How fast the log is, beside what this machine can do.\nExample: bench_log --start-bytes 10GB"};
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // ./dev gives some
  app.add_option("--directory", given.directory, "where to write (removed afterwards)")
      ->check(CLI::ExistingDirectory);
  app.add_option("--json", given.json_file, "file for goals, results and raw figures");
  app.add_option("--samples", given.options.samples, "commits whose latency is measured")
      ->check(CLI::Range(1000, 10'000'000));
  app.add_option("--writers", given.options.writers, "for throughput and commits")->check(CLI::Range(1, 256));
  app.add_option("--throughput-bytes", given.throughput_bytes, "written for each figure (512MiB)");
  app.add_option("--start-bytes", given.start_bytes, "to start with (1GB)");
  app.add_option("--partitions", given.options.partitions, "to start with")->check(CLI::Range(1, 90'000));
  app.add_option("--runs", given.runs, "of everything; results are the medians")->check(CLI::Range(1, 99));
  app.add_option("--pabal", given.options.pabal, "the server's program");
  app.add_option("--only", given.only, "parts to measure: " + pabal::bench::names_of_parts())
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return pabal::bench::run(given);
}
