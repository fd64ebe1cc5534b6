#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "doors/kafka/limits.h"
#include "doors/kafka/session.h"
#include "runtime/wire.h"

namespace pabal::doors {

// Cuts what one client sends into requests. Belongs to the connection's shard; sets the deadlines of reading.
class FrameReader {
 public:
  // As long as the session is not open, requests are small, and all of them together have one time.
  FrameReader(runtime::Wire& wire, const KafkaLimits& limits, const Session& session)
      : wire_(wire), limits_(limits), session_(session) {}

  // How many bytes the next request has; nullopt: the peer has ended the connection, or is silent for too
  // long, between two.
  runtime::Task<Result<std::optional<size_t>>> next();
  // These bytes, after next().
  runtime::Task<Result<SharedBytes>> read(size_t bytes);

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
  const Session& session_;
  Bytes ahead_;  // read already: [ahead_at_, end) is not yet taken
  size_t ahead_at_ = 0;
  bool between_ = false;  // waits for a request's first byte
  bool idle_ = true;
};

}  // namespace pabal::doors
