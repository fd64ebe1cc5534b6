#include "shop/story/stage.h"

#include <algorithm>
#include <fmt/format.h>
#include <thread>

namespace shop {

using std::chrono::microseconds;

double Stage::rate() const { return options_.rate.value_or(options_.network == 0 ? 0 : act_.rate); }

Result<void> Stage::serve_all(const Script& meanwhile) {
  Schedule schedule;
  if (double rate = this->rate(); rate > 0) {
    schedule = [rate](size_t n) {
      return microseconds(static_cast<int64_t>(static_cast<double>(n) * 1e6 / rate));
    };
  }
  return serve(file_.purchases, std::move(schedule), meanwhile);
}

Result<void> Stage::serve(std::vector<Purchase> purchases, Schedule schedule, const Script& meanwhile) {
  customers_ = Customers::make({.order_address = world_.address("order"),
                                .mode = act_.mode,
                                .same_key = options_.same_key,
                                .concurrency = options_.concurrency,
                                .schedule = std::move(schedule),
                                .edit = edit},
                               purchases);
  began_ = std::chrono::steady_clock::now();
  screen_.live([this] { return live_line(*customers_); });
  std::vector<Attempt> attempts;
  std::thread crowd([&] { attempts = customers_->run(stop_); });
  Result<void> played = meanwhile ? meanwhile() : Result<void>();
  crowd.join();
  screen_.live({});
  attempts_.insert(attempts_.end(), attempts.begin(), attempts.end());
  return played;
}

Stage::Wait Stage::when_served(double part, std::chrono::milliseconds patience) {
  bool served = stop_.until(
      [&] {
        auto progress = customers_->progress();
        return static_cast<double>(progress.served) >= part * static_cast<double>(progress.customers);
      },
      patience);
  return served ? Wait::done : stop_.stopped() ? Wait::stopped : Wait::not_yet;
}

Result<void> Stage::when_served(double part) {
  for (;;) {
    Wait wait = when_served(part, std::chrono::hours(1));
    if (wait == Wait::done) return {};
    if (wait == Wait::stopped) return error(ErrorCode::cancelled, "stopped");
  }
}

std::string Stage::live_line(const Customers& customers) const {
  auto progress = customers.progress();
  std::string line =
      fmt::format("  {}  {}/{} served  {} failed  {:.1f} ms", act_.name, progress.served, progress.customers,
                  progress.failed, static_cast<double>(progress.last_response_us) / 1000);
  for (const auto& [process, times] : world_.away()) {
    if (!times.empty() && times.back().second == INT64_MAX) line += "  DOWN: " + process;
  }
  auto queues = world_.queues();
  for (const auto& queue : queues ? *queues : nlohmann::json::array()) {
    int64_t depth = queue.value("ready", int64_t{0}) + queue.value("leased", int64_t{0});
    if (depth > 0) line += fmt::format("  {} {}", queue.value("name", ""), depth);
  }
  return line;
}

}  // namespace shop
