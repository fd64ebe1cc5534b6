#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/api.h"

namespace pabal::cli {

// The settings that `queue create` and `queue set` take; what was not said is left out of the request.
struct QueueSettingsOptions {
  std::string topic, from, visibility, dead_letter, order, on_dead, max_age, max_bytes, overflow;
  std::string backoff_first, backoff_max;
  std::vector<std::string> types;
  int max_deliveries = 0;
  int64_t max_depth = 0;
  std::string push_url, push_timeout, push_secret;
  int push_concurrency = 0;
  bool no_push = false;

  void add_to(CLI::App* verb);
  [[nodiscard]] Json json() const;
};

}  // namespace pabal::cli
