#include "doors/kafka/connection.h"

#include <algorithm>
#include <array>

#include "base/logging.h"
#include "protocol/kafka/wire_reader.h"
#include "runtime/listener_address.h"

namespace pabal::doors {
namespace {

using runtime::Task;

constexpr size_t first_piece_bytes = 64_KiB;
constexpr Duration goodbye_time = std::chrono::milliseconds(200);
// The peer ended the connection between two requests, which is how clients say goodbye.
constexpr std::string_view said_goodbye = "";

}  // namespace

struct KafkaConnection::Claim {
  Claim(std::atomic<size_t>& all_bytes, size_t n) : all(all_bytes), bytes(n) { all += bytes; }
  ~Claim() { all -= bytes; }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  std::atomic<size_t>& all;
  size_t bytes;
};

KafkaConnection::KafkaConnection(std::shared_ptr<KafkaShared> shared, runtime::Shard& shard,
                                 std::shared_ptr<runtime::Wire> wire)
    : shared_(std::move(shared)), shard_(shard), wire_(std::move(wire)), wakeup_(shard.executor()) {
  runtime::SocketError ignored;
  peer_ = runtime::text_of(wire_->socket().remote_endpoint(ignored));
}

Task<> KafkaConnection::run() {
  auto self = shared_from_this();
  while (!stopping_) {
    auto served = co_await serve_one();
    if (served) continue;
    if (served.error().message != said_goodbye && !stopping_) {
      SPDLOG_WARN("kafka: {}: connection closed: {}", peer_, served.error().message);
    }
    break;
  }
  co_await wire_->finish(goodbye_time);
}

void KafkaConnection::stop() {
  stopping_ = true;
  wakeup_.wake();
  if (!busy_) wire_->close();
}

Task<Result<void>> KafkaConnection::serve_one() {
  auto size = co_await read_size();
  if (!size) co_return std::unexpected(size.error());
  Claim claim(shared_->frames_bytes, *size);
  if (shared_->frames_bytes > shared_->limits.frames_bytes_max && *size > first_piece_bytes) {
    co_return error(ErrorCode::unavailable, "a request of {} bytes, while requests of all clients take {}",
                    *size, shared_->limits.frames_bytes_max);
  }
  auto frame = co_await read_frame(*size);
  if (!frame) co_return std::unexpected(frame.error());
  busy_ = true;
  auto reply = co_await answer(std::move(*frame));
  bool sent = reply && co_await send(std::move(*reply));
  busy_ = false;
  if (!reply) co_return std::unexpected(reply.error());
  if (!sent) co_return error(ErrorCode::peer_failed, "{}", said_goodbye);
  co_return Result<void>();
}

Task<Result<size_t>> KafkaConnection::read_size() {
  std::array<uint8_t, kafka::frame_size_bytes> bytes{};
  wire_->expire_after(shared_->limits.idle_timeout);
  auto read = co_await read_exactly(bytes.data(), bytes.size());
  if (!read) co_return error(ErrorCode::peer_failed, "{}", said_goodbye);
  kafka::WireReader in(SharedBytes(Bytes(bytes.begin(), bytes.end())), 0);
  auto size = in.take<int32_t>();
  if (size < static_cast<int32_t>(kafka::request_start_bytes) ||
      static_cast<size_t>(size) > shared_->limits.frame_bytes_max) {
    co_return error(ErrorCode::invalid, "a request says it has {} bytes; {} to {} are taken", size,
                    kafka::request_start_bytes, shared_->limits.frame_bytes_max);
  }
  co_return static_cast<size_t>(size);
}

// Memory grows with what has come, not with what was announced.
Task<Result<SharedBytes>> KafkaConnection::read_frame(size_t bytes) {
  Bytes frame;
  wire_->expire_after(shared_->limits.frame_timeout);
  while (frame.size() < bytes) {
    size_t have = frame.size();
    frame.resize(std::min(bytes, std::max(first_piece_bytes, 2 * have)));
    auto read = co_await read_exactly(frame.data() + have, frame.size() - have);
    if (!read) co_return std::unexpected(read.error());
  }
  co_return SharedBytes(std::move(frame));
}

Task<Result<void>> KafkaConnection::read_exactly(uint8_t* into, size_t bytes) {
  for (size_t have = 0; have < bytes;) {
    size_t count = 0;
    runtime::SocketError problem = co_await wire_->read_some(asio::buffer(into + have, bytes - have), count);
    if (problem) {
      co_return error(ErrorCode::peer_failed, "{} after {} of {} bytes", problem.message(), have, bytes);
    }
    have += count;
  }
  co_return Result<void>();
}

Task<KafkaReply> KafkaConnection::answer(SharedBytes frame) {
  auto start = kafka::read_request_start(frame.view());
  if (!start) co_return std::unexpected(start.error());
  auto served = find_call(*start);
  if (!served) {
    if (start->key == kafka::ApiKey::api_versions) co_return unknown_api_versions(*start);
    co_return std::unexpected(served.error());
  }
  auto request = kafka::read_request_header(frame, (*served)->api);
  if (!request) co_return std::unexpected(request.error());
  KafkaCall call{.parts = shared_->parts,
                 .shard = shard_,
                 .header = request->header,
                 .peer = peer_,
                 .advertised_host = shared_->advertised_host,
                 .advertised_port = shared_->advertised_port,
                 .wakeup = wakeup_,
                 .stopping = stopping_};
  co_return co_await (*served)->answer(call, request->body);
}

Task<bool> KafkaConnection::send(std::vector<SharedBytes> reply) {
  if (reply.empty()) co_return true;
  std::vector<asio::const_buffer> pieces;
  for (const SharedBytes& piece : reply) pieces.emplace_back(piece.view().data(), piece.size());
  runtime::SocketError problem = co_await wire_->write(pieces, shared_->limits.write_timeout);
  co_return !problem;
}

}  // namespace pabal::doors
