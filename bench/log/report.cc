#include "report.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/check.h"
#include "figures.h"

namespace pabal::bench {
namespace {

bool is_met(const Goal& goal, double value) {
  return goal.kind == Goal::Kind::at_most ? value <= goal.bound : value >= goal.bound;
}

std::string bound_text(const Goal& goal) {
  return fmt::format("{} {:g} {}", goal.kind == Goal::Kind::at_most ? "≤" : "≥", goal.bound, goal.unit);
}

// Three digits that count.
double rounded(double value) {
  if (value == 0) return 0;
  double scale = std::pow(10, 2 - std::floor(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

}  // namespace

const std::vector<Goal>& all_goals() {
  using enum Goal::Kind;
  static const std::vector<Goal> goals = {
      {"latency_p50", "durable append, one writer, p50", at_most, 1.5, "× flush"},
      {"latency_p99", "durable append, one writer, p99", at_most, 3, "× flush"},
      {"latency_p999", "durable append, one writer, p99.9", at_most, 8, "× flush"},
      {"latency_1000_p99", "the same over 1,000 partitions, p99", at_most, 1.5, "× one partition"},
      {"throughput_100b_1", "durable throughput, 100 B, 1 partition", at_least, 0.7, "× write+fdatasync"},
      {"throughput_1kib_1", "durable throughput, 1 KiB, 1 partition", at_least, 0.7, "× write+fdatasync"},
      {"throughput_100b_1000", "durable throughput, 100 B, 1,000 partitions", at_least, 0.35,
       "× write+fdatasync"},
      {"throughput_1kib_1000", "durable throughput, 1 KiB, 1,000 partitions", at_least, 0.35,
       "× write+fdatasync"},
      {"throughput_100b_1_five", "the same, 100 B, 1 partition, 5 under way each", at_least, 0.7,
       "× write+fdatasync"},
      {"throughput_1kib_1_five", "the same, 1 KiB, 1 partition, 5 under way each", at_least, 0.7,
       "× write+fdatasync"},
      {"throughput_large_1", "durable throughput, batches of 1 MiB, 1 partition", at_least, 0.7,
       "× write+fdatasync"},
      {"read_recent", "read, just written (in the tail)", at_least, 0.8, "× sendfile"},
      {"read_segments", "read, segments in the page cache", at_least, 0.8, "× sendfile"},
      {"batch_check", "batch check (CRC-32C)", at_least, 0.5, "× memory bandwidth"},
      {"commits_three_logs", "commits/s, each over three logs", at_least, 0.8, "× single appends"},
      {"start_size_s", "start with much data, after a clean stop", at_most, 1, "s"},
      {"start_size_crash_s", "start with much data, after a crash", at_most, 1, "s"},
      {"start_partitions_s", "start with 10,000 partitions, after a clean stop", at_most, 3, "s"},
      {"start_partitions_crash_s", "start with 10,000 partitions, after a crash", at_most, 3, "s"},
      {"start_partitions_mb", "resident with 10,000 partitions", at_most, 400, "MB"},
      {"few_files", "partitions of 10,000 that work with ulimit -n 1024", at_least, 10'000, ""},
      {"idle_mb", "idle: resident", at_most, 25, "MB"},
      {"idle_switches", "idle: voluntary context switches", at_most, 5, "/s"},
      {"ready_ms", "ready after start, new data directory", at_most, 50, "ms"},
      {"ready_again_ms", "ready after start, again", at_most, 50, "ms"},
  };
  return goals;
}

void Report::result(std::string_view key, double value) {
  check(std::ranges::find(all_goals(), key, &Goal::key) != all_goals().end(), "no goal '{}'", key);
  auto found = results_.find(key);
  if (found == results_.end()) found = results_.emplace(key, std::vector<double>()).first;
  found->second.push_back(rounded(value));
}

void Report::raw(const std::string& section, nlohmann::json figures) {
  raw_[section].push_back(std::move(figures));
}

nlohmann::json Report::json() const {
  nlohmann::json measures = nlohmann::json::array();
  for (const Goal& goal : all_goals()) {
    auto found = results_.find(goal.key);
    if (found == results_.end()) continue;
    double value = median(found->second);
    measures.push_back({{"key", goal.key},
                        {"what", goal.what},
                        {"goal", bound_text(goal)},
                        {"at_least", goal.kind == Goal::Kind::at_least},
                        {"bound", goal.bound},
                        {"result", value},
                        {"met", is_met(goal, value)},
                        {"runs", found->second}});
  }
  return {{"measures", measures}, {"raw", raw_}};
}

std::string Report::text() const {
  std::string out = fmt::format("{:<50} {:<26} {:>10}\n", "measure", "goal", "result");
  for (const Goal& goal : all_goals()) {
    auto found = results_.find(goal.key);
    if (found == results_.end()) continue;
    double value = median(found->second);
    out += fmt::format("{:<50} {:<26} {:>10g}  {}", goal.what, bound_text(goal), value,
                       is_met(goal, value) ? "met" : "NOT MET");
    if (found->second.size() > 1) {
      auto [low, high] = std::ranges::minmax(found->second);
      out += fmt::format("  ({:g} to {:g})", low, high);
    }
    out += '\n';
  }
  return out;
}

}  // namespace pabal::bench
