#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "shop/story/waiting.h"

namespace shop {

// What the person at the terminal sees: lines that stay and, on a terminal, one below them that lives. Where
// the output is no terminal, only the lines. Calls from any thread.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void line(std::string_view text);
  // Shows what `status` says a few times a second, until it is replaced or taken away by an empty one. It is
  // called on the screen's own thread, and never after it was replaced.
  void live(std::function<std::string()> status);
  [[nodiscard]] bool is_terminal() const { return terminal_; }

 private:
  void run();
  void draw(const std::string& text);

  const bool terminal_;
  std::mutex mutex_;  // guards the output and status_: lines come from the acts' threads, status from the
                      // screen's own
  std::function<std::string()> status_;
  bool drawn_ = false;
  StopSwitch stop_;
  std::thread thread_;
};

}  // namespace shop
