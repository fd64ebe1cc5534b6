#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "broker/place.h"

namespace pabal::broker {

// For queues in key order: the messages of each key, one behind the other. Only the first of a line may be
// out, waiting for its retry or ready; a held line lets none go. Pure; one thread.
class KeyLines {
 public:
  // Puts a message at the end of its key's line. True: it is the first and may go.
  bool join(uint64_t key, Place place);
  // Puts a message before all that have not been delivered yet; ends a hold. True: it may go.
  bool join_first(uint64_t key, Place place);
  // Takes a message out of its line. Returns the one that may go now because of it.
  std::optional<Place> leave(uint64_t key, Place place);

  // Nothing of this key goes until release() or join_first().
  void hold(uint64_t key) { lines_[key].held = true; }
  [[nodiscard]] bool is_held(uint64_t key) const;
  // Returns the message that may go now.
  std::optional<Place> release(uint64_t key);
  [[nodiscard]] bool is_first(uint64_t key, Place place) const;
  [[nodiscard]] size_t length(uint64_t key) const;

 private:
  struct Line {
    std::deque<Place> places;
    bool held = false;
  };
  std::unordered_map<uint64_t, Line> lines_;
};

}  // namespace pabal::broker
