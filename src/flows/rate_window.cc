#include "flows/rate_window.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pabal::flows {
namespace {

constexpr double first_bin_ns = 10'000;
constexpr double bin_growth = 4.0 / 3.0;

int64_t second_of(Instant t) {
  return std::chrono::floor<std::chrono::seconds>(t.time_since_epoch()).count();
}

}  // namespace

size_t RateWindow::bin_of(Duration took) {
  auto ns = static_cast<double>(took.count());
  if (ns <= first_bin_ns) return 0;
  double bin = std::ceil(std::log(ns / first_bin_ns) / std::log(bin_growth) - 1e-9);
  return std::min(static_cast<size_t>(bin), bins - 1);
}

double RateWindow::bin_end_ms(size_t bin) {
  return first_bin_ns / 1e6 * std::pow(bin_growth, static_cast<double>(bin));
}

RateWindow::Slot& RateWindow::slot(Instant now) {
  int64_t second = std::max(second_of(now), last_second_);  // shards' buffers may come a little out of order
  Slot& slot = slots_[static_cast<size_t>(second) % window_seconds];
  if (slot.second != second) slot = Slot{.second = second};
  if (first_second_ < 0) first_second_ = second;
  last_second_ = second;
  return slot;
}

void RateWindow::add(Instant now, Duration took, bool failed, uint32_t count) {
  Slot& in = slot(now);
  in.count += count;
  if (failed) in.failures += count;
  uint16_t& bin = in.took[bin_of(took)];
  bin = static_cast<uint16_t>(std::min<uint32_t>(bin + count, std::numeric_limits<uint16_t>::max()));
}

void RateWindow::add_count(Instant now, uint32_t count) { slot(now).count += count; }

void RateWindow::add_failure(Instant now) { ++slot(now).failures; }

int64_t RateWindow::count(Instant now) const {
  int64_t oldest = second_of(now) - window_seconds;
  int64_t count = 0;
  for (const Slot& slot : slots_) count += slot.second > oldest ? slot.count : 0;
  return count;
}

int64_t RateWindow::failures(Instant now) const {
  int64_t oldest = second_of(now) - window_seconds;
  int64_t count = 0;
  for (const Slot& slot : slots_) count += slot.second > oldest ? slot.failures : 0;
  return count;
}

double RateWindow::per_second(Instant now) const {
  if (first_second_ < 0) return 0;
  // What has just begun is divided by the time it has had, but never by less than a second.
  double since_first =
      std::chrono::duration<double>(now.time_since_epoch()).count() - static_cast<double>(first_second_);
  double in_window =
      window_seconds - 1 +
      std::chrono::duration<double>(now.time_since_epoch() - std::chrono::seconds(second_of(now))).count();
  return static_cast<double>(count(now)) / std::max(1.0, std::min(in_window, since_first));
}

std::optional<double> RateWindow::quantile_ms(double q) const {
  std::array<int64_t, bins> sums = {};
  int64_t total = 0;
  for (const Slot& slot : slots_) {
    if (slot.second < 0 || slot.second <= last_second_ - window_seconds) continue;
    for (size_t i = 0; i < bins; ++i) sums[i] += slot.took[i], total += slot.took[i];
  }
  if (total == 0) return std::nullopt;
  auto rank = q * static_cast<double>(total);
  double below = 0;
  for (size_t i = 0; i < bins; ++i) {
    auto in_bin = static_cast<double>(sums[i]);
    if (in_bin > 0 && below + in_bin >= rank) {
      double start = i == 0 ? 0 : bin_end_ms(i - 1);
      return start + (bin_end_ms(i) - start) * std::clamp((rank - below) / in_bin, 0.0, 1.0);
    }
    below += in_bin;
  }
  return bin_end_ms(bins - 1);
}

}  // namespace pabal::flows
