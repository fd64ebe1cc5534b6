#include "shop/story/screen.h"

#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace shop {
namespace {

constexpr std::chrono::milliseconds redraw_every{250};
constexpr std::string_view to_line_start_and_erase = "\r\033[K";

size_t terminal_width() {
  winsize size{};
  bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

Screen::Screen() : terminal_(isatty(STDOUT_FILENO) == 1) {
  if (terminal_) thread_ = std::thread([this] { run(); });
}

Screen::~Screen() {
  live({});
  stop_.stop();
  if (thread_.joinable()) thread_.join();
}

void Screen::line(std::string_view text) {
  std::lock_guard lock(mutex_);
  fmt::print("{}{}\n", drawn_ ? to_line_start_and_erase : "", text);
  std::fflush(stdout);
  drawn_ = false;
}

void Screen::live(std::function<std::string()> status) {
  std::lock_guard lock(mutex_);
  status_ = std::move(status);
  if (!status_ && drawn_) draw("");
}

void Screen::run() {
  while (stop_.wait_for(redraw_every)) {
    std::lock_guard lock(mutex_);
    if (status_) draw(status_());
  }
}

void Screen::draw(const std::string& text) {
  fmt::print("{}{}", to_line_start_and_erase, text.substr(0, terminal_width() - 1));
  std::fflush(stdout);
  drawn_ = !text.empty();
}

}  // namespace shop
