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

// What lies in several places, one after the other.
inline size_t size_of(std::span<const BytesView> pieces) {
  size_t bytes = 0;
  for (BytesView piece : pieces) bytes += piece.size();
  return bytes;
}
inline Bytes joined(std::span<const BytesView> pieces) {
  Bytes bytes;
  bytes.reserve(size_of(pieces));
  for (BytesView piece : pieces) bytes.insert(bytes.end(), piece.begin(), piece.end());
  return bytes;
}

// Immutable bytes shared by whoever needs them, and a window into them; copying one copies no bytes.
// Safe to share across threads.
class SharedBytes {
 public:
  SharedBytes() = default;
  explicit SharedBytes(Bytes bytes) {
    auto owner = std::make_shared<Bytes>(std::move(bytes));
    view_ = *owner;
    held_bytes_ = owner->size();
    owner_ = std::move(owner);
  }

  [[nodiscard]] BytesView view() const { return view_; }
  [[nodiscard]] size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }
  // Of the whole that this keeps in memory.
  [[nodiscard]] size_t held_bytes() const { return held_bytes_; }
  // The same bytes, fewer of them; position + count must lie within.
  [[nodiscard]] SharedBytes window(size_t position, size_t count) const {
    SharedBytes part = *this;
    part.view_ = view_.subspan(position, count);
    return part;
  }

 private:
  friend class OwnedBytes;
  std::shared_ptr<const void> owner_;
  BytesView view_;
  size_t held_bytes_ = 0;
};

// Bytes that one owner holds and may change, until he shares them. Moving them copies nothing.
class OwnedBytes {
 public:
  OwnedBytes() = default;
  // Implicitly: they are the same bytes.
  OwnedBytes(Bytes bytes) : shared_(std::move(bytes)) {}
  OwnedBytes(OwnedBytes&&) noexcept = default;
  OwnedBytes& operator=(OwnedBytes&&) noexcept = default;
  OwnedBytes(const OwnedBytes&) = delete;
  OwnedBytes& operator=(const OwnedBytes&) = delete;
  ~OwnedBytes() = default;

  // To be filled: they hold anything. The system gives large ones memory as they are written to.
  static OwnedBytes unfilled(size_t bytes) {
    OwnedBytes made;
    auto owner = std::make_shared_for_overwrite<uint8_t[]>(bytes);
    made.shared_.view_ = {owner.get(), bytes};
    made.shared_.held_bytes_ = bytes;
    made.shared_.owner_ = std::move(owner);
    return made;
  }
  // Those of a window at which, as the caller knows, nobody else looks as long as this is not shared.
  static OwnedBytes take(SharedBytes window) {
    OwnedBytes taken;
    taken.shared_ = std::move(window);
    return taken;
  }

  // Each was made from bytes that may be changed.
  [[nodiscard]] std::span<uint8_t> span() { return {const_cast<uint8_t*>(data()), size()}; }
  [[nodiscard]] BytesView view() const { return shared_.view_; }
  // Implicitly, too.
  operator BytesView() const { return view(); }
  [[nodiscard]] const uint8_t* data() const { return view().data(); }
  [[nodiscard]] size_t size() const { return view().size(); }
  [[nodiscard]] OwnedBytes clone() const { return Bytes(view().begin(), view().end()); }
  [[nodiscard]] SharedBytes share() && { return std::move(shared_); }

 private:
  SharedBytes shared_;
};

constexpr size_t operator""_KiB(unsigned long long n) { return n << 10; }
constexpr size_t operator""_MiB(unsigned long long n) { return n << 20; }
constexpr size_t operator""_GiB(unsigned long long n) { return n << 30; }

}  // namespace pabal
