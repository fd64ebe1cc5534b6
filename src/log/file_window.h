#pragma once

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "runtime/file_system.h"

namespace pabal::log {

// Reads a file below `end` through a window, so that looking at each of many small headers costs no call of
// its own. Borrows the file. One thread; calls block.
class FileWindow {
 public:
  FileWindow(runtime::File& file, uint64_t end) : file_(&file), end_(end) {}

  [[nodiscard]] uint64_t end() const { return end_; }

  // At least `count` bytes from `position` on, fewer at the end; valid until the next call.
  Result<BytesView> view(uint64_t position, size_t count) {
    if (position >= end_) return BytesView();
    count = std::min<uint64_t>(count, end_ - position);
    if (position < start_ || position + count > start_ + window_.size()) {
      window_.resize(std::min<uint64_t>(std::max(count, piece_bytes), end_ - position));
      start_ = position;
      auto got = file_->read_at(position, window_);
      window_.resize(got.value_or(0));
      if (!got) return std::unexpected(got.error());
    }
    return BytesView(window_).subspan(position - start_);
  }

 private:
  static constexpr size_t piece_bytes = 256_KiB;

  runtime::File* file_;
  uint64_t end_;
  uint64_t start_ = 0;
  Bytes window_;
};

}  // namespace pabal::log
