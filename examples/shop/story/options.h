#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "shop/money/money.h"

namespace shop {

// What `./dev run` may be told.
struct StoryOptions {
  std::vector<std::string> acts;       // in the order of their playing
  std::string orders = {};             // a CSV file; empty: made from the seed
  std::optional<uint64_t> limit = {};  // invoices
  std::optional<double> rate = {};     // customers per second; 0: as fast as they are served
  int concurrency = 16;                // order workers
  uint64_t seed = 1;
  std::array<int, 3> service_times = {50, 100, 30};  // ms: order, payment, notification
  int network = 10;                                  // ms, each way of a hop
  bool same_key = false;
  bool once = false;
  std::string json = {};
  std::string data = {};
  std::string stock = {};
  std::optional<Money> balance = {};
  std::string http = "127.0.0.1:8080";   // of the server
  std::string order = "127.0.0.1:9001";  // of the order service
};

// All acts, as they are played without --acts.
[[nodiscard]] const std::vector<std::string>& all_acts();

// The options, or what the program has to print and its exit status (0 for --help, 2 for wrong use).
struct Usage {
  int status;
  std::string text;
};
[[nodiscard]] std::expected<StoryOptions, Usage> parse_options(int argc, const char* const* argv);

}  // namespace shop
