#pragma once

#include <cstdint>
#include <string>

namespace pabal::bench {

// What the user may choose. Nothing of it lowers a goal.
struct Options {
  std::string directory;  // for the data; the caller's, made and removed by it
  std::string pabal;      // the server's program
  int samples = 20'000;   // of latency, each beside one of the baseline
  int writers = 16;
  uint64_t throughput_bytes = 0;  // for each figure
  uint64_t start_bytes = 0;
  int partitions = 10'000;  // to start with
};

}  // namespace pabal::bench
