#include "figures.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace pabal::bench {
namespace {

double rounded(double value) { return std::round(value * 100) / 100; }

double quantile(const std::vector<double>& sorted, double p) {
  check(!sorted.empty(), "no samples");
  auto at = static_cast<size_t>(p * static_cast<double>(sorted.size()));
  return sorted[std::min(sorted.size() - 1, at)];
}

}  // namespace

double microseconds(Duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

double seconds_since(Instant before) {
  return std::chrono::duration<double>(system_clock().now() - before).count();
}

double median(std::vector<double> values) {
  check(!values.empty(), "the median of nothing");
  std::ranges::sort(values);
  size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double Latencies::at_us(double p) const {
  std::vector<double> sorted = us_;
  std::ranges::sort(sorted);
  return quantile(sorted, p);
}

nlohmann::json Latencies::summary() const {
  std::vector<double> sorted = us_;
  std::ranges::sort(sorted);
  nlohmann::json curve = nlohmann::json::array();
  constexpr int points_per_nine = 10;
  constexpr int nines = 4;
  for (int i = 0; i <= points_per_nine * nines; ++i) {
    double p = 1 - std::pow(10, -static_cast<double>(i) / points_per_nine);
    curve.push_back({std::round(p * 1e6) / 1e6, rounded(quantile(sorted, p))});
  }
  return {{"samples", sorted.size()},
          {"p50_us", rounded(quantile(sorted, 0.5))},
          {"p99_us", rounded(quantile(sorted, 0.99))},
          {"p999_us", rounded(quantile(sorted, 0.999))},
          {"max_us", rounded(sorted.back())},
          {"curve", curve}};
}

}  // namespace pabal::bench
