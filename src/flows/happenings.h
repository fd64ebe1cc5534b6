#pragma once

#include <deque>
#include <string>

#include "base/clock.h"
#include "flows/seen.h"

namespace pabal::flows {

// The latest things a person would want to have been told: somebody joined or left, a message died, a topic
// was made. Repetitions of one thing are counted in one line. Bounded. One thread at a time.
class Happenings {
 public:
  struct Happening {
    WallTime at;  // the latest
    std::string text;
    std::string queue;
    std::string topic;
    std::string service;
    int times = 1;
  };
  static constexpr size_t kept_max = 50;

  void see(const Seen& seen);
  void add(Happening happening);
  // The latest first.
  [[nodiscard]] const std::deque<Happening>& latest() const { return latest_; }

 private:
  std::deque<Happening> latest_;
};

}  // namespace pabal::flows
