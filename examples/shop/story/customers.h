#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shop/orders/order_message.h"
#include "shop/orders/purchase.h"
#include "shop/story/reckoning.h"
#include "shop/story/waiting.h"

namespace shop {

// The shop's customers, who behave as people do: each wants one purchase. Told that it failed, or nothing
// within his patience, he orders again as a new order, at most twice. Where the connection breaks before
// there is an answer, his browser sends the same order again, while his patience lasts.
class Customers {
 public:
  static constexpr int orders_max = 3;  // the first one, and twice again

  struct Options {
    std::string order_address = {};  // "127.0.0.1:9001"
    std::string mode = {};           // chain-3, chain, hybrid or async
    bool same_key = false;           // he repeats the same order instead of placing a new one
    std::chrono::milliseconds patience{2'000};
    int concurrency = 16;  // customers at a time, when there is no schedule
    // When the n-th customer comes, from the start; without it, as soon as another one is served.
    std::function<std::chrono::microseconds(size_t n)> schedule = {};
    std::function<void(size_t n, Order& order)> edit = {};  // the n-th order, before it is sent
  };

  struct Progress {
    size_t customers = 0;  // in all
    size_t served = 0;     // who are done, happy or not
    int64_t answered = 0;
    int64_t failed = 0;
    int64_t last_response_us = 0;
  };

  static std::unique_ptr<Customers> make(Options options, const std::vector<Purchase>& purchases);
  virtual ~Customers() = default;

  // Serves them all, or as many as come before the switch; blocks.
  virtual std::vector<Attempt> run(const StopSwitch& stop) = 0;
  [[nodiscard]] virtual Progress progress() const = 0;  // from any thread
};

}  // namespace shop
