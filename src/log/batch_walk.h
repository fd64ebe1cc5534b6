#pragma once

#include "log/file_window.h"
#include "log/record_batch.h"

namespace pabal::log {

// Walks the batches of a file one after the other, reading ahead. Borrows the file. One thread; calls block.
class BatchWalk {
 public:
  BatchWalk(runtime::File& file, uint64_t position, uint64_t end) : window_(file, end), position_(position) {}

  [[nodiscard]] bool at_end() const { return position_ >= window_.end(); }
  [[nodiscard]] uint64_t position() const { return position_; }
  // The batch here, whole, its CRC not checked; valid until the next call.
  Result<BatchView> current() {
    auto header = window_.view(position_, batch_header_bytes);
    if (!header) return std::unexpected(header.error());
    auto size = batch_size(*header);
    if (!size) return std::unexpected(size.error());
    auto bytes = window_.view(position_, *size);
    if (!bytes) return std::unexpected(bytes.error());
    return BatchView::parse(*bytes);
  }
  void pass(const BatchView& batch) { position_ += batch.bytes().size(); }

 private:
  FileWindow window_;
  uint64_t position_;
};

}  // namespace pabal::log
