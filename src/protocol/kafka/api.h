#pragma once

#include <string_view>

#include "protocol/kafka/types.h"

namespace pabal::kafka {

// One call of the protocol: the versions whose encoding is known here, and the first that is "flexible",
// which is to say with compact lengths and tagged fields. What a server offers of it is the door's decision.
struct Api {
  ApiKey key;
  std::string_view name;
  ApiVersion first;
  ApiVersion last;
  ApiVersion first_flexible = never;

  static constexpr ApiVersion never{INT16_MAX};

  [[nodiscard]] constexpr bool knows(ApiVersion version) const { return version >= first && version <= last; }
  [[nodiscard]] constexpr bool is_flexible(ApiVersion version) const { return version >= first_flexible; }
};

}  // namespace pabal::kafka
