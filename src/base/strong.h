#pragma once

#include <compare>
#include <cstddef>
#include <fmt/format.h>
#include <functional>
#include <type_traits>

namespace pabal {

// A number with a meaning of its own: two kinds do not mix, and conversion to or from the raw value is
// explicit. `Tag` is an incomplete struct that only names the kind.
template <class Tag, class Rep>
class Strong {
 public:
  using rep = Rep;

  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}

  [[nodiscard]] constexpr Rep value() const { return value_; }

  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  Rep value_{};
};

// A position on a line (an offset): advances by counts, and the distance of two positions is a count.
template <class Tag>
class Position : public Strong<Tag, int64_t> {
 public:
  using Strong<Tag, int64_t>::Strong;

  friend constexpr Position operator+(Position p, int64_t n) { return Position(p.value() + n); }
  friend constexpr Position operator-(Position p, int64_t n) { return Position(p.value() - n); }
  friend constexpr int64_t operator-(Position a, Position b) { return a.value() - b.value(); }
  constexpr Position& operator++() { return *this = *this + 1; }
  friend constexpr auto operator<=>(Position, Position) = default;
};

}  // namespace pabal

template <class Tag, class Rep>
struct std::hash<pabal::Strong<Tag, Rep>> {
  size_t operator()(pabal::Strong<Tag, Rep> v) const noexcept { return std::hash<Rep>{}(v.value()); }
};

template <class Tag>
struct std::hash<pabal::Position<Tag>> {
  size_t operator()(pabal::Position<Tag> v) const noexcept { return std::hash<int64_t>{}(v.value()); }
};

template <class Tag, class Rep>
struct fmt::formatter<pabal::Strong<Tag, Rep>> : fmt::formatter<Rep> {
  auto format(pabal::Strong<Tag, Rep> v, fmt::format_context& ctx) const {
    return fmt::formatter<Rep>::format(v.value(), ctx);
  }
};

template <class Tag>
struct fmt::formatter<pabal::Position<Tag>> : fmt::formatter<int64_t> {
  auto format(pabal::Position<Tag> v, fmt::format_context& ctx) const {
    return fmt::formatter<int64_t>::format(v.value(), ctx);
  }
};
