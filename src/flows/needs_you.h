#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flows/facts.h"

namespace pabal::flows {

// Something a person should act on, as a sentence.
struct Need {
  std::string id;  // stays the same while the trouble does
  bool red = false;
  std::string kind;
  std::string title;
  std::string text;
  std::optional<WallTime> since = {};
  std::string queue = {};
  std::string service = {};
  std::string group = {};
  std::vector<std::string> actions = {};
};

// The most urgent first. Empty when all is well.
[[nodiscard]] std::vector<Need> needs_you(const Facts& facts);

// Calls to one service that fail, whoever makes them; nullopt while most succeed.
struct FailingCalls {
  int64_t calls = 0;
  int64_t failed = 0;
  std::string last_failure;
  WallTime last_seen;
};
[[nodiscard]] std::optional<FailingCalls> failing_calls(const Facts& facts, const std::string& service);
[[nodiscard]] std::string sentence_of(const FailingCalls& failing);

}  // namespace pabal::flows
