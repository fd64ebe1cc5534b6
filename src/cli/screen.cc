#include "cli/screen.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace pabal::cli {
namespace {

void write_to(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

size_t columns_of_terminal() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 40) return 100;
  return size.ws_col;
}

// One character: its code point and how many bytes it takes. Bytes that are no UTF-8 count for themselves.
struct Character {
  char32_t point;
  size_t bytes;
};

Character first_of(std::string_view text) {
  auto lead = static_cast<uint8_t>(text[0]);
  size_t bytes = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 1;
  if (bytes == 1 || bytes > text.size()) return {lead, 1};
  char32_t point = lead & (0xFF >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) return {lead, 1};
    point = point << 6 | (next & 0x3F);
  }
  constexpr std::array<char32_t, 5> smallest = {0, 0, 0x80, 0x800,
                                                0x10000};  // longer than needed is no UTF-8
  bool surrogate = point >= 0xD800 && point < 0xE000;
  if (point < smallest[bytes] || point > 0x10FFFF || surrogate) return {lead, 1};
  return {point, bytes};
}

bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF);
}

// The length of the colour sequence at the start, or 0.
size_t colour_bytes(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  size_t end = text.find('m');
  return end == std::string_view::npos ? 0 : end + 1;
}

}  // namespace

Screen Screen::system() {
  Screen screen;
  screen.out = [](std::string_view text) { write_to(stdout, text); };
  screen.err = [](std::string_view text) { write_to(stderr, text); };
  screen.terminal = isatty(STDOUT_FILENO) == 1;
  screen.colour = screen.terminal && std::getenv("NO_COLOR") == nullptr;
  if (screen.terminal) screen.columns = columns_of_terminal();
  return screen;
}

std::string Screen::marked(std::string_view code, std::string_view text) const {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string printable(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    Character c = first_of(text.substr(at));
    bool control = c.point < 0x20 || (c.point >= 0x7F && c.point < 0xA0 && c.bytes <= 2);
    if (control || (c.bytes == 1 && c.point >= 0x80)) {
      out += c.point == '\n' || c.point == '\t' ? " " : "�";
    } else {
      out += text.substr(at, c.bytes);
    }
    at += c.bytes;
  }
  return out;
}

size_t width_of(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    if (size_t skip = colour_bytes(text.substr(at)); skip > 0) {
      at += skip;
      continue;
    }
    Character c = first_of(text.substr(at));
    width += is_wide(c.point) ? 2 : 1;
    at += c.bytes;
  }
  return width;
}

std::string fitted(std::string_view text, size_t columns) {
  size_t width = width_of(text);
  if (width <= columns) return std::string(text) + std::string(columns - width, ' ');
  std::string out;
  size_t used = 0;
  for (size_t at = 0; at < text.size();) {
    Character c = first_of(text.substr(at));
    size_t takes = is_wide(c.point) ? 2 : 1;
    if (used + takes + 1 > columns) break;
    out += text.substr(at, c.bytes);
    used += takes;
    at += c.bytes;
  }
  out += "…";
  return out + std::string(columns - std::min(columns, used + 1), ' ');
}

}  // namespace pabal::cli
