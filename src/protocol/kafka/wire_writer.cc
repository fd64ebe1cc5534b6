#include "protocol/kafka/wire_writer.h"

namespace pabal::kafka {

void WireWriter::put_varint(uint32_t value) {
  while (value >= 0x80) {
    tail_.push_back(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  tail_.push_back(static_cast<uint8_t>(value));
}

void WireWriter::put_shared(const SharedBytes& bytes) {
  if (bytes.size() <= copied_bytes_max) return put_bytes(bytes.view());
  end_tail();
  done_.push_back(bytes);
  done_bytes_ += bytes.size();
}

void WireWriter::append(WireWriter&& other) {
  for (const SharedBytes& piece : other.finish()) put_shared(piece);
}

std::vector<SharedBytes> WireWriter::finish() {
  end_tail();
  done_bytes_ = 0;
  return std::exchange(done_, {});
}

void WireWriter::end_tail() {
  if (tail_.empty()) return;
  done_bytes_ += tail_.size();
  done_.emplace_back(std::exchange(tail_, {}));
}

}  // namespace pabal::kafka
