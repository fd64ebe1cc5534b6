#include "broker/key_lines.h"

#include <algorithm>

#include "base/check.h"

namespace pabal::broker {

bool KeyLines::join(uint64_t key, Place place) {
  Line& line = lines_[key];
  line.places.push_back(place);
  return line.places.size() == 1 && !line.held;
}

bool KeyLines::join_first(uint64_t key, Place place) {
  Line& line = lines_[key];
  if (line.held || line.places.empty()) {
    line.held = false;
    line.places.push_front(place);
    return true;
  }
  line.places.insert(line.places.begin() + 1, place);  // the first may be out
  return false;
}

std::optional<Place> KeyLines::leave(uint64_t key, Place place) {
  auto it = lines_.find(key);
  check(it != lines_.end(), "no line for the key of {}", place);
  Line& line = it->second;
  auto at = std::ranges::find(line.places, place);
  check(at != line.places.end(), "{} stands in no line", place);
  bool was_first = at == line.places.begin();
  line.places.erase(at);
  if (line.places.empty()) {
    if (!line.held) lines_.erase(it);
    return std::nullopt;
  }
  if (!was_first || line.held) return std::nullopt;
  return line.places.front();
}

bool KeyLines::is_held(uint64_t key) const {
  auto it = lines_.find(key);
  return it != lines_.end() && it->second.held;
}

std::optional<Place> KeyLines::release(uint64_t key) {
  auto it = lines_.find(key);
  if (it == lines_.end() || !it->second.held) return std::nullopt;
  it->second.held = false;
  if (!it->second.places.empty()) return it->second.places.front();
  lines_.erase(it);
  return std::nullopt;
}

bool KeyLines::is_first(uint64_t key, Place place) const {
  auto it = lines_.find(key);
  return it != lines_.end() && !it->second.held && it->second.places.front() == place;
}

size_t KeyLines::length(uint64_t key) const {
  auto it = lines_.find(key);
  return it == lines_.end() ? 0 : it->second.places.size();
}

}  // namespace pabal::broker
