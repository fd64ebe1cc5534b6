#pragma once

#include <compare>
#include <fmt/format.h>

#include "base/strong.h"
#include "base/types.h"

namespace pabal::broker {

// Which log of those that a queue reads: a partition of its topic (its index), or the queue's own log.
using Source = Strong<struct SourceTag, int32_t>;
inline constexpr Source own_source{-1};

// Where a message of a queue stands.
struct Place {
  Source source;
  Offset offset;
  friend constexpr auto operator<=>(const Place&, const Place&) = default;
};

}  // namespace pabal::broker

template <>
struct fmt::formatter<pabal::broker::Place> : fmt::formatter<std::string> {
  auto format(const pabal::broker::Place& p, fmt::format_context& ctx) const {
    return fmt::format_to(ctx.out(), "{}/{}", p.source, p.offset);
  }
};
