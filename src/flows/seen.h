#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace pabal::flows {

enum class SeenKind : uint8_t {
  published,
  delivered,
  acked,
  nacked,
  expired,
  dead,
  redriven,
  call,
  joined,
  left,
  changed,
  produced,  // by a client known by its address; the records are told apart
  fetched,   // `offset` records at once, by a client known by its address
};

// One thing that was observed, wherever it happened. Fields that do not apply are empty. Views: whoever makes
// one owns the bytes.
struct Seen {
  SeenKind kind = SeenKind::published;
  WallTime at = {};
  Instant instant = {};
  std::string_view service = {};
  std::string_view peer = {};  // of a call; the address of a client
  std::string_view topic = {};
  std::string_view queue = {};
  std::string_view id = {};
  std::string_view key = {};
  std::string_view correlation_id = {};
  std::string_view causation_id = {};
  std::string_view type = {};
  std::string_view outcome = {};
  std::string_view reason = {};
  std::vector<std::string_view> search = {};  // further values it is found by
  int32_t partition = -1;
  int64_t offset = -1;
  int32_t delivery = 0;
  Duration duration = {};  // until durable, since published, of the call
  std::optional<WallTime> due = {};
  bool failed = false;         // of a call
  uint32_t batch_records = 0;  // published: of a batch of which none is remembered

  // How many things this is.
  [[nodiscard]] uint32_t count() const { return batch_records > 0 ? batch_records : 1; }
};

// Longer texts are cut: what is observed must not cost more than what it observes.
constexpr size_t seen_text_bytes_max = 500;
constexpr size_t seen_search_values_max = 8;

// Many Seen in a row of bytes: no allocation for each, one for all. One thread at a time.
class SeenBuffer {
 public:
  void add(const Seen& seen);
  [[nodiscard]] size_t bytes() const { return bytes_.size(); }
  [[nodiscard]] size_t count() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }

  // Calls each(const Seen&) in the order they were added; the views live until it returns.
  template <class Each>
  void for_each(Each&& each) const {
    size_t position = 0;
    for (size_t i = 0; i < count_; ++i) each(read(position));
  }

 private:
  void put_text(std::string_view text);
  [[nodiscard]] std::string_view get_text(size_t& position) const;
  [[nodiscard]] Seen read(size_t& position) const;

  Bytes bytes_;
  size_t count_ = 0;
};

}  // namespace pabal::flows
