#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "base/bytes.h"
#include "base/types.h"

namespace pabal::log {

// The offset at which each key stands last in a stretch of a log. Holds the keys themselves, not hashes of
// them: no two keys are ever taken for one. One thread.
class KeyOffsets {
 public:
  static constexpr size_t overhead_bytes = 96;  // of an entry beside its key, about

  // Offsets must rise.
  void add(BytesView key, Offset offset) {
    auto [entry, added] = last_.try_emplace(std::string(as_text(key)), offset);
    entry->second = offset;
    if (added) bytes_ += key.size() + overhead_bytes;
  }
  [[nodiscard]] std::optional<Offset> find(BytesView key) const {
    auto entry = last_.find(as_text(key));
    return entry == last_.end() ? std::nullopt : std::optional(entry->second);
  }
  [[nodiscard]] size_t bytes() const { return bytes_; }  // of memory, about
  [[nodiscard]] bool empty() const { return last_.empty(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };

  std::unordered_map<std::string, Offset, Hash, std::equal_to<>> last_;
  size_t bytes_ = 0;
};

}  // namespace pabal::log
