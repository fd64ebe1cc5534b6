#pragma once

#include <atomic>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "doors/kafka/limits.h"
#include "doors/kafka/session.h"
#include "runtime/wire.h"

namespace pabal::doors {

// Bytes of a request, counted among those of all connections as long as it lives.
class FrameClaim {
 public:
  FrameClaim(std::atomic<size_t>& all_bytes, size_t bytes) : all_(&all_bytes), bytes_(bytes) {
    *all_ += bytes;
  }
  FrameClaim(FrameClaim&& other) noexcept
      : all_(std::exchange(other.all_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  FrameClaim& operator=(FrameClaim&&) = delete;
  ~FrameClaim() {
    if (all_ != nullptr) *all_ -= bytes_;
  }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  std::atomic<size_t>* all_;
  size_t bytes_;
};

// Cuts what one client sends into requests. Belongs to the connection's shard; sets the deadlines of reading.
class FrameReader {
 public:
  struct Frame {
    FrameClaim claim;
    SharedBytes bytes;  // without the size
  };

  // As long as the session is not open, requests are small, and all of them together have one time.
  FrameReader(runtime::Wire& wire, const KafkaLimits& limits, std::atomic<size_t>& frames_bytes,
              const Session& session)
      : wire_(wire), limits_(limits), frames_bytes_(frames_bytes), session_(session) {}

  // The next request; nullopt: the peer has ended the connection, or is silent for too long, between two.
  runtime::Task<Result<std::optional<Frame>>> next();

  // Whether the time between requests counts: it does not while an answer is awaited.
  void set_idle(bool idle);

 private:
  void expire_after(Duration time);
  [[nodiscard]] std::optional<Error> patience_ended() const;
  runtime::Task<runtime::SocketError> fill();
  [[nodiscard]] Result<size_t> take_size();
  runtime::Task<Result<SharedBytes>> take_frame(size_t bytes);

  runtime::Wire& wire_;
  const KafkaLimits& limits_;
  std::atomic<size_t>& frames_bytes_;
  const Session& session_;
  Bytes ahead_;  // read already: [ahead_at_, end) is not yet taken
  size_t ahead_at_ = 0;
  bool between_ = false;  // waits for a request's first byte
  bool idle_ = true;
};

}  // namespace pabal::doors
