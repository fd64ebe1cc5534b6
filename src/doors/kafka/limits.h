#pragma once

#include "base/bytes.h"
#include "base/clock.h"

namespace pabal::doors {

struct KafkaLimits {
  size_t connections_max = 2'000;
  size_t frame_bytes_max = 32_MiB;
  size_t frames_bytes_max = 512_MiB;         // of all requests being read or answered together
  size_t requests_ahead_max = 256;           // of one connection: produces that are not answered yet …
  size_t requests_ahead_bytes_max = 16_MiB;  // … and their bytes
  size_t produces_bytes_max = 32_MiB;        // of all connections, not answered; the engine lets 64 MiB wait
  Duration frame_timeout = std::chrono::seconds(30);  // from the first byte of a request to its last
  Duration idle_timeout = std::chrono::minutes(10);   // between requests
  Duration write_timeout = std::chrono::seconds(30);  // a peer that takes nothing for so long is dropped
  size_t strangers_max = 500;                         // connections that have not said yet who they are
};

}  // namespace pabal::doors
