#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace pabal::cli {

// Where a verb writes: the terminal, a pipe, or a test's string. Colours only where a person looks.
struct Screen {
  std::function<void(std::string_view)> out;
  std::function<void(std::string_view)> err;
  bool terminal = false;
  bool colour = false;
  size_t columns = 100;

  // Standard output and error. No colours in a pipe or when NO_COLOR is set.
  static Screen system();

  void line(std::string_view text) const { out(std::string(text) + "\n"); }
  void problem(std::string_view text) const { err(std::string(text) + "\n"); }
  [[nodiscard]] std::string bold(std::string_view text) const { return marked("1", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return marked("2", text); }
  [[nodiscard]] std::string red(std::string_view text) const { return marked("31", text); }
  [[nodiscard]] std::string amber(std::string_view text) const { return marked("33", text); }

 private:
  [[nodiscard]] std::string marked(std::string_view code, std::string_view text) const;
};

// Without control characters: what a peer wrote cannot drive the terminal.
[[nodiscard]] std::string printable(std::string_view text);
// How many columns a text takes; colours take none, Hangul and other wide characters two.
[[nodiscard]] size_t width_of(std::string_view text);
// Filled up with spaces to `columns`, or cut to it with "…".
[[nodiscard]] std::string fitted(std::string_view text, size_t columns);

}  // namespace pabal::cli
