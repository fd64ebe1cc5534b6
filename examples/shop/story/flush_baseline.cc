#include "shop/story/flush_baseline.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fcntl.h>
#include <unistd.h>

namespace shop {
namespace {

constexpr std::array<char, 4096> page{};

}  // namespace

FlushBaseline::FlushBaseline(const std::string& path)
    : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (file_ >= 0 && pwrite(file_, page.data(), page.size(), 0) > 0) fsync(file_);
}

FlushBaseline::~FlushBaseline() {
  if (file_ >= 0) close(file_);
}

void FlushBaseline::sample() {
  auto start = std::chrono::steady_clock::now();
  if (pwrite(file_, page.data(), page.size(), 0) < 0 || fdatasync(file_) != 0) return;
  samples_ms_.push_back(
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
}

double FlushBaseline::p50_ms() const {
  if (samples_ms_.empty()) return 0;
  std::vector<double> sorted = samples_ms_;
  std::ranges::sort(sorted);
  return std::round(sorted[sorted.size() / 2] * 1000) / 1000;
}

}  // namespace shop
