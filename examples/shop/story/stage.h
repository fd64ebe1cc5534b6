#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shop/orders/order_import.h"
#include "shop/story/customers.h"
#include "shop/story/options.h"
#include "shop/story/screen.h"
#include "shop/story/world.h"

namespace shop {

class Stage;

// One act: how its world is set up, how many customers come and when, and what happens meanwhile.
struct Act {
  std::string name;
  std::string mode;  // in which the customers order
  std::function<Result<void>(Stage&)> play;
  uint64_t orders_made_up = 160;            // taken of the orders that the story makes up
  std::optional<uint64_t> orders_max = {};  // also of a file: more would take too long
  double rate = 32;                         // customers per second, unless the options say otherwise
  std::optional<int> notification_time_ms = {};
  std::optional<int> notification_workers = {};
};

// Where an act is played: its world, its customers, and what is written down about it. One thread plays;
// scripts beside the customers run on it, too.
class Stage {
 public:
  Stage(const Act& act, const StoryOptions& options, const OrdersFile& file, World& world, Screen& screen,
        const StopSwitch& stop)
      : act_(act), options_(options), file_(file), world_(world), screen_(screen), stop_(stop) {}

  using Schedule = std::function<std::chrono::microseconds(size_t)>;
  using Script = std::function<Result<void>()>;

  // Serves all customers, and lets `meanwhile` run beside them.
  Result<void> serve_all(const Script& meanwhile = {});
  // The same for some of them, who come as the schedule says.
  Result<void> serve(std::vector<Purchase> purchases, Schedule schedule, const Script& meanwhile);
  // Until that part of the customers (0 to 1) is served. An error when the story is stopped.
  Result<void> when_served(double part);
  // The same for a while only.
  enum class Wait { done, not_yet, stopped };
  Wait when_served(double part, std::chrono::milliseconds patience);

  void say(std::string_view text) { screen_.line("  " + std::string(text)); }
  World& world() { return world_; }
  const StopSwitch& stop() const { return stop_; }
  const Act& act() const { return act_; }
  const OrdersFile& file() const { return file_; }
  [[nodiscard]] double rate() const;
  // Changes the n-th customer's order before it is sent.
  std::function<void(size_t n, Order& order)> edit;
  nlohmann::json more = nlohmann::json::object();  // what this act adds to its report
  int64_t redriven = 0;                            // events that were dead, and are not any more

  [[nodiscard]] const std::vector<Attempt>& attempts() const { return attempts_; }

 private:
  std::string live_line(const Customers& customers) const;

  const Act& act_;
  const StoryOptions& options_;
  const OrdersFile& file_;
  World& world_;
  Screen& screen_;
  const StopSwitch& stop_;
  std::unique_ptr<Customers> customers_;
  std::chrono::steady_clock::time_point began_;
  std::vector<Attempt> attempts_;
};

}  // namespace shop
