#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "base/clock.h"

namespace pabal::bench {

[[nodiscard]] double microseconds(Duration d);
[[nodiscard]] double seconds_since(Instant before);
[[nodiscard]] double median(std::vector<double> values);

// How long something took, many times.
class Latencies {
 public:
  void add(Duration d) { us_.push_back(microseconds(d)); }
  [[nodiscard]] size_t count() const { return us_.size(); }
  // The time in microseconds that a part `p` of the samples does not exceed.
  [[nodiscard]] double at_us(double p) const;
  // p50, p99, p99.9 and the largest, and the curve a plot draws: [p, microseconds] from p = 0 to 0.9999.
  [[nodiscard]] nlohmann::json summary() const;

 private:
  std::vector<double> us_;
};

}  // namespace pabal::bench
