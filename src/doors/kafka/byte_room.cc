#include "doors/kafka/byte_room.h"

namespace pabal::doors {

ByteRoom::Turn::Turn(ByteRoom& room, size_t bytes, std::function<void()> came)
    : room_(room), bytes_(bytes), came_(std::move(came)) {
  std::lock_guard lock(room_.mutex_);
  room_.line_.push_back(this);
  room_.let_in();  // room may have come since the caller looked
}

ByteRoom::Turn::~Turn() {
  std::lock_guard lock(room_.mutex_);
  if (waits_) room_.line_.remove(this);
  if (has_) room_.bytes_ -= bytes_;
  room_.let_in();
}

std::optional<ByteRoom::Claim> ByteRoom::Turn::take() {
  std::lock_guard lock(room_.mutex_);
  if (!std::exchange(has_, false)) return std::nullopt;
  return Claim(room_, bytes_);
}

std::optional<ByteRoom::Claim> ByteRoom::try_claim(size_t bytes) {
  std::lock_guard lock(mutex_);
  if (!line_.empty() || !fits(bytes)) return std::nullopt;
  bytes_ += bytes;
  return Claim(*this, bytes);
}

ByteRoom::Claim ByteRoom::claim(size_t bytes) {
  std::lock_guard lock(mutex_);
  bytes_ += bytes;
  return {*this, bytes};
}

void ByteRoom::give_back(size_t bytes) {
  std::lock_guard lock(mutex_);
  bytes_ -= bytes;
  let_in();
}

// Under the mutex.
void ByteRoom::let_in() {
  while (!line_.empty() && fits(line_.front()->bytes_)) {
    Turn& next = *line_.front();
    line_.pop_front();
    bytes_ += next.bytes_;
    next.waits_ = false;
    next.has_ = true;
    next.came_();
  }
}

}  // namespace pabal::doors
