#pragma once

#include <string>
#include <vector>

namespace shop {

// What this disk takes for one flush: 4 KiB written over a preallocated file, and fdatasync. One thread.
class FlushBaseline {
 public:
  explicit FlushBaseline(const std::string& path);
  ~FlushBaseline();
  FlushBaseline(const FlushBaseline&) = delete;
  FlushBaseline& operator=(const FlushBaseline&) = delete;

  void sample();
  [[nodiscard]] double p50_ms() const;  // 0 without samples

 private:
  int file_;
  std::vector<double> samples_ms_;
};

}  // namespace shop
