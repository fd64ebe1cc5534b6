#pragma once

#include <array>
#include <cstdint>

namespace pabal {

// xoshiro256** (Blackman, Vigna 2018). Seeded: the same seed gives the same numbers, which is what the
// simulator needs. Not for secrets: those come from OpenSSL. One thread at a time.
class Random {
 public:
  explicit Random(uint64_t seed);
  // Seeded from the operating system.
  static Random from_system();

  uint64_t next();
  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound);
  // Uniform in [0, 1).
  double unit();
  bool chance(double probability) { return unit() < probability; }

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace pabal
