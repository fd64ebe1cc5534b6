#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace pabal::cli {

// Reads Server-Sent Events from pieces of any size. https://html.spec.whatwg.org/#server-sent-events
class SseReader {
 public:
  struct Event {
    std::string name = "message";
    std::string data;
    std::string id;  // the latest seen, also from earlier events
  };
  explicit SseReader(std::function<bool(const Event&)> each) : each_(std::move(each)) {}

  // False when `each` returned false.
  bool feed(std::string_view piece);
  [[nodiscard]] const std::string& last_id() const { return last_id_; }
  // Before the next connection: an event that was not whole is forgotten.
  void reset();

 private:
  bool take_line(std::string_view line);
  bool dispatch();

  std::function<bool(const Event&)> each_;
  std::string rest_;
  std::string name_;
  std::string data_;
  std::string last_id_;
  bool has_data_ = false;
};

}  // namespace pabal::cli
