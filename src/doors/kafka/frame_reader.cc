#include "doors/kafka/frame_reader.h"

#include <algorithm>

#include "log/big_endian.h"
#include "protocol/kafka/header.h"

namespace pabal::doors {
namespace {

using runtime::SocketError;
using runtime::Task;

// Read at once between requests: many small requests take one call of the system, and of a large one little
// is copied.
constexpr size_t ahead_bytes = 4_KiB;

}  // namespace

Task<Result<std::optional<size_t>>> FrameReader::next() {
  between_ = ahead_at_ == ahead_.size();
  expire_after(limits_.frame_timeout);
  set_idle(idle_);
  while (ahead_.size() - ahead_at_ < kafka::frame_size_bytes) {
    if (co_await fill()) {
      if (auto late = patience_ended()) co_return std::unexpected(*late);
      co_return std::nullopt;
    }
    if (std::exchange(between_, false)) expire_after(limits_.frame_timeout);
  }
  auto size = take_size();
  if (!size) co_return std::unexpected(size.error());
  // What the caller waits for meanwhile is not the peer's fault.
  wire_.expire_never();
  co_return *size;
}

Task<Result<SharedBytes>> FrameReader::read(size_t bytes) {
  expire_after(limits_.frame_timeout);
  auto frame = co_await take_frame(bytes);
  wire_.expire_never();
  if (!frame) co_return std::unexpected(patience_ended().value_or(frame.error()));
  co_return frame;
}

void FrameReader::set_idle(bool idle) {
  idle_ = idle;
  if (!between_) return;
  if (idle) {
    expire_after(limits_.idle_timeout);
  } else {
    wire_.expire_never();
  }
}

void FrameReader::expire_after(Duration time) {
  if (session_.open()) return wire_.expire_after(time);
  wire_.expire_at(session_.patience_ends());
}

std::optional<Error> FrameReader::patience_ended() const {
  if (session_.open() || system_clock().now() < session_.patience_ends()) return std::nullopt;
  return Error{
      ErrorCode::timed_out, fmt::format("it has not said who it is within {}", authentication_time_max), {}};
}

Task<SocketError> FrameReader::fill() {
  ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(std::exchange(ahead_at_, 0)));
  size_t have = ahead_.size();
  ahead_.resize(ahead_bytes);
  size_t count = 0;
  SocketError problem =
      co_await wire_.read_some(asio::buffer(ahead_.data() + have, ahead_.size() - have), count);
  ahead_.resize(have + count);
  co_return problem;
}

Result<size_t> FrameReader::take_size() {
  auto size = log::load<int32_t>(BytesView(ahead_).subspan(ahead_at_), 0);
  ahead_at_ += kafka::frame_size_bytes;
  size_t least = session_.wants_raw() ? 0 : kafka::request_start_bytes;
  size_t most = session_.open() ? limits_.frame_bytes_max : stranger_frame_bytes_max;
  if (size < static_cast<int32_t>(least) || static_cast<size_t>(size) > most) {
    return error(ErrorCode::invalid, "a request says it has {} bytes; {} to {} are taken{}", size, least,
                 most, session_.open() ? "" : " from one that has not said who it is");
  }
  return static_cast<size_t>(size);
}

// Memory is used as it comes, not as it was announced: what is not filled yet has none.
Task<Result<SharedBytes>> FrameReader::take_frame(size_t bytes) {
  OwnedBytes frame = OwnedBytes::unfilled(bytes);
  std::span<uint8_t> to_fill = frame.span();
  size_t have = std::min(bytes, ahead_.size() - ahead_at_);
  std::ranges::copy(BytesView(ahead_).subspan(ahead_at_, have), to_fill.begin());
  ahead_at_ += have;
  while (have < bytes) {
    size_t count = 0;
    SocketError problem = co_await wire_.read_some(asio::buffer(to_fill.data() + have, bytes - have), count);
    if (problem) {
      co_return error(ErrorCode::peer_failed, "{} after {} of {} bytes", problem.message(), have, bytes);
    }
    have += count;
  }
  co_return std::move(frame).share();
}

}  // namespace pabal::doors
