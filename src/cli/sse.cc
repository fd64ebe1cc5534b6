#include "cli/sse.h"

#include <utility>

namespace pabal::cli {

bool SseReader::feed(std::string_view piece) {
  rest_ += piece;
  size_t start = 0;
  while (true) {
    size_t end = rest_.find_first_of("\r\n", start);
    if (end == std::string::npos) break;
    // A carriage return at the very end may be the first half of a line end.
    if (rest_[end] == '\r' && end + 1 == rest_.size()) break;
    size_t next = end + (rest_.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    bool go_on = take_line(std::string_view(rest_).substr(start, end - start));
    start = next;
    if (!go_on) {
      rest_.erase(0, start);
      return false;
    }
  }
  rest_.erase(0, start);
  return true;
}

bool SseReader::take_line(std::string_view line) {
  if (line.empty()) return dispatch();
  if (line.starts_with(':')) return true;
  size_t colon = line.find(':');
  std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") name_ = value;
  if (field == "id") last_id_ = value;
  if (field == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  }
  return true;
}

bool SseReader::dispatch() {
  Event event{name_.empty() ? "message" : std::exchange(name_, {}), std::exchange(data_, {}), last_id_};
  name_.clear();
  return !std::exchange(has_data_, false) || each_(event);
}

void SseReader::reset() {
  rest_.clear();
  name_.clear();
  data_.clear();
  has_data_ = false;
}

}  // namespace pabal::cli
