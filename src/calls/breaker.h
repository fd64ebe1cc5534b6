#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "calls/policy.h"

namespace pabal::calls {

enum class BreakerState { closed, open, half_open };

// What came of one call, as the breaker counts it.
struct Sample {
  bool failed = false;
  Duration took = {};
};

// The circuit breaker of one service: samples in, decisions out. No clock, no lock, no I/O of its own; its
// owner serialises the calls. Every permit is answered by exactly one finished() or abandoned(); a probe
// whose answer never comes is taken back after a while, so that a lost permit cannot keep the breaker half
// open.
class Breaker {
 public:
  // Which round of the breaker let a call through: late answers of an earlier one do not count in the next.
  struct Permit {
    uint64_t round;
  };

  explicit Breaker(BreakerPolicy policy);

  // A permit, or nothing: the call must fail now.
  std::optional<Permit> admit(Instant now);
  void finished(Permit permit, Sample sample, Instant now);
  // The call ended without saying anything about the service (its caller gave up first).
  void abandoned(Permit permit);

  [[nodiscard]] BreakerState state() const { return state_; }
  // Why it is open: "26 of the last 50 calls failed".
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // When the next probe may go, while open.
  [[nodiscard]] Instant probes_at() const { return probes_at_; }

 private:
  struct Verdict {
    bool open;
    std::string reason;
  };

  void begin_round(BreakerState state, int samples_max);
  void count(Sample sample);
  [[nodiscard]] Verdict judge() const;
  void open(std::string reason, Instant now);

  BreakerPolicy policy_;
  BreakerState state_ = BreakerState::closed;
  uint64_t round_ = 0;
  std::vector<uint8_t> ring_;  // the latest samples of this round: bit 0 failed, bit 1 slow
  size_t ring_next_ = 0;
  int samples_ = 0;
  int failed_ = 0;
  int slow_ = 0;
  int probes_out_ = 0;
  Instant probes_at_ = {};  // open: until then; half open: then the probes are handed out anew
  std::string reason_;
};

}  // namespace pabal::calls
