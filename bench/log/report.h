#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pabal::bench {

// One line of the table: what is measured, and what is asked of it.
struct Goal {
  enum class Kind { at_most, at_least };
  std::string_view key;
  std::string_view what;
  Kind kind;
  double bound;
  std::string_view unit;  // "×" for a ratio
};

[[nodiscard]] const std::vector<Goal>& all_goals();

// Collects what is measured, run after run. The result of a goal is the median over the runs.
class Report {
 public:
  // `key` is a goal's. Once per run.
  void result(std::string_view key, double value);
  // What a result came from, for whoever wants to look behind it. Once per run.
  void raw(const std::string& section, nlohmann::json figures);

  // Goal, result, and whether it is met; then the raw figures of each run.
  [[nodiscard]] nlohmann::json json() const;
  // The same table for people.
  [[nodiscard]] std::string text() const;

 private:
  std::map<std::string, std::vector<double>, std::less<>> results_;
  nlohmann::json raw_ = nlohmann::json::object();
};

}  // namespace pabal::bench
