#pragma once

#include <fmt/format.h>
#include <source_location>
#include <string_view>

namespace pabal {

// A format string that remembers where it was written, so that check() needs no macro.
template <class... Args>
struct LocatedFormat {
  fmt::format_string<Args...> text;
  std::source_location where;

  template <class S>
  consteval LocatedFormat(const S& s, std::source_location w = std::source_location::current())  // NOLINT
      : text(s), where(w) {}
};

// Prints the message with its place and aborts. For invariants of our own code only.
[[noreturn]] void fail_check(std::source_location where, std::string_view message);

// Always on. A broken invariant of our own stops the program with its values; what a peer or a disk can
// cause is a Result instead.
template <class... Args>
inline void check(bool condition, LocatedFormat<std::type_identity_t<Args>...> format, Args&&... args) {
  if (!condition) [[unlikely]] {
    fail_check(format.where, fmt::format(format.text, std::forward<Args>(args)...));
  }
}

}  // namespace pabal
