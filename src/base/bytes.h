#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pabal {

// A view of bytes that somebody else owns.
using BytesView = std::span<const uint8_t>;
// Bytes one owner holds and may change.
using Bytes = std::vector<uint8_t>;

inline BytesView as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Immutable bytes shared by whoever needs them, and a window into them; copying one copies no bytes.
// Safe to share across threads.
class SharedBytes {
 public:
  SharedBytes() = default;
  explicit SharedBytes(Bytes bytes)
      : owner_(std::make_shared<const Bytes>(std::move(bytes))), view_(*owner_) {}

  [[nodiscard]] BytesView view() const { return view_; }
  [[nodiscard]] size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }
  // The same bytes, fewer of them; position + count must lie within.
  [[nodiscard]] SharedBytes window(size_t position, size_t count) const {
    SharedBytes part = *this;
    part.view_ = view_.subspan(position, count);
    return part;
  }

 private:
  std::shared_ptr<const Bytes> owner_;
  BytesView view_;
};

constexpr size_t operator""_KiB(unsigned long long n) { return n << 10; }
constexpr size_t operator""_MiB(unsigned long long n) { return n << 20; }
constexpr size_t operator""_GiB(unsigned long long n) { return n << 30; }

}  // namespace pabal
