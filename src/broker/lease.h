#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/place.h"

namespace pabal::broker {

// What a lease's opaque text says: which delivery of which message it is. `run` is drawn at random when the
// queue is opened, so that leases from before a restart are known as such; `serial` counts within a run.
struct Lease {
  Place place;
  int delivery = 0;
  uint32_t run = 0;
  uint64_t serial = 0;

  [[nodiscard]] std::string text() const;
  static std::optional<Lease> parse(std::string_view text);
  friend bool operator==(const Lease&, const Lease&) = default;
};

}  // namespace pabal::broker
