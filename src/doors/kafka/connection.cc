#include "doors/kafka/connection.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <ranges>

#include "base/logging.h"
#include "protocol/kafka/wire_writer.h"
#include "runtime/listener_address.h"

namespace pabal::doors {
namespace {

using runtime::Task;

constexpr Duration goodbye_time = std::chrono::milliseconds(200);

constexpr size_t small_frame_bytes = 64_KiB;  // is read even when all together take much

bool is_produce(const SharedBytes& frame) {
  auto start = kafka::read_request_start(frame.view());
  return start && start->key == kafka::ApiKey::produce;
}

}  // namespace

struct KafkaConnection::Stranger {
  explicit Stranger(std::atomic<size_t>& n) : all(n) { all += 1; }
  ~Stranger() { all -= 1; }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  std::atomic<size_t>& all;
};

KafkaConnection::KafkaConnection(std::shared_ptr<KafkaShared> shared, runtime::Shard& shard,
                                 std::shared_ptr<FetchSessions> sessions, std::shared_ptr<runtime::Wire> wire)
    : shared_(std::move(shared)),
      shard_(shard),
      wire_(std::move(wire)),
      session_(shared_->access, shard),
      reader_(*wire_, shared_->limits, session_),
      fetch_session_(std::move(sessions)),
      wakeup_(shard.executor()),
      room_(shard.executor()),
      answered_(shard.executor()) {
  runtime::SocketError ignored;
  peer_ = runtime::text_of(wire_->socket().remote_endpoint(ignored));
  wire_->set_full_duplex();
}

KafkaConnection::~KafkaConnection() = default;

Task<> KafkaConnection::run() {
  auto self = shared_from_this();
  if (auto greeted = co_await greet(); !greeted) {
    end(greeted.error());
    co_return co_await wire_->finish(goodbye_time);
  }
  asio::co_spawn(
      shard_.executor(), [self] { return self->read_requests(); },
      [self](const std::exception_ptr& thrown) {
        if (thrown) self->end({ErrorCode::io_failed, "an exception while reading", {}});
        self->reads_ = false;
        self->answered_.wake();
      });
  co_await write_answers();
  co_await wire_->finish(goodbye_time);
}

// TLS, where there is any, and what it tells of the client.
Task<Result<void>> KafkaConnection::greet() {
  if (shared_->access.required) stranger_ = std::make_unique<Stranger>(shared_->strangers);
  if (shared_->strangers > shared_->limits.strangers_max) {
    co_return error(ErrorCode::over_limit, "{} connections have not said yet who they are",
                    shared_->limits.strangers_max);
  }
  if (shared_->tls) {
    wire_->expire_at(session_.patience_ends());
    if (runtime::SocketError problem = co_await wire_->accept_tls(shared_->tls->current())) {
      co_return error(ErrorCode::peer_failed, "no TLS with it: {}", problem.message());
    }
  }
  runtime::SocketError ignored;
  auto address = wire_->socket().remote_endpoint(ignored).address();
  session_.meet({.tls = wire_->has_tls(),
                 .host = address.to_string(),
                 .loopback = address.is_loopback(),
                 .certificate_name = wire_->client_certificate_name()});
  if (session_.open()) stranger_.reset();
  co_return Result<void>();
}

void KafkaConnection::stop() {
  stopping_ = true;
  wakeup_.wake();
  room_.wake();
  wire_->stop_reading();
}

// Nothing more is read or sent.
void KafkaConnection::end(const Error& why) {
  if (!stopping_) SPDLOG_WARN("kafka: {}: connection closed: {}", peer_, why.message);
  broken_ = true;
  wire_->expire_after(Duration(0));
  room_.wake();
}

Task<> KafkaConnection::read_requests() {
  while (!stopping_ && !broken_) {
    auto exchange = co_await read_request();
    if (!exchange) {
      // In its place among the answers, so that those before it are sent.
      exchanges_.push_back(std::make_shared<Exchange>(Exchange{.reply = std::unexpected(exchange.error())}));
      co_return;
    }
    if (!*exchange) co_return;
    const SharedBytes& frame = (*exchange)->frame;
    while (!broken_ && !may_begin(frame)) (void)co_await room_.wait(shard_.timers(), Deadline::never());
    if (session_.open() && is_produce(frame)) {
      auto claim = co_await room_in(shared_->produces, frame.size(), Deadline::never());
      if (!claim) co_return;
      (*exchange)->produces = std::move(*claim);
    }
    if (!broken_) begin(std::move(*exchange));
  }
}

// Nullptr: there is none, and will be none.
Task<Result<std::shared_ptr<KafkaConnection::Exchange>>> KafkaConnection::read_request() {
  const KafkaLimits& limits = shared_->limits;
  auto size = co_await reader_.next();
  if (!size) co_return std::unexpected(size.error());
  if (!*size) co_return nullptr;
  size_t bytes = **size;
  auto exchange = std::make_shared<Exchange>();
  if (bytes <= small_frame_bytes) {
    exchange->claim = shared_->frames.claim(bytes);
  } else {
    Deadline deadline = Deadline::after(shard_.timers().clock(), limits.frame_timeout);
    auto claim = co_await room_in(shared_->frames, bytes, deadline);
    if (!claim && (broken_ || stopping_)) co_return nullptr;
    if (!claim) {
      co_return error(ErrorCode::unavailable, "a request of {} bytes, while requests of all clients took {}",
                      bytes, limits.frames_bytes_max);
    }
    exchange->claim = std::move(*claim);
  }
  auto frame = co_await reader_.read(bytes);
  if (!frame) co_return std::unexpected(frame.error());
  exchange->frame = std::move(*frame);
  co_return exchange;
}

// Nothing is read until there is room. Nullopt: the deadline, or the end of this connection, came first.
Task<std::optional<ByteRoom::Claim>> KafkaConnection::room_in(ByteRoom& room, size_t bytes,
                                                              Deadline deadline) {
  auto claim = room.try_claim(bytes);
  if (claim) co_return claim;
  ByteRoom::Turn turn(room, bytes, [weak = weak_from_this(), executor = shard_.executor()] {
    asio::post(executor, [weak] {
      if (auto self = weak.lock()) self->room_.wake();
    });
  });
  while (!broken_ && !stopping_ && !(claim = turn.take()) && !deadline.passed(shard_.timers().clock())) {
    (void)co_await room_.wait(shard_.timers(), deadline);
  }
  co_return claim;
}

bool KafkaConnection::may_begin(const SharedBytes& frame) const {
  const KafkaLimits& limits = shared_->limits;
  if (exchanges_.empty()) return true;
  if (alone_ || !is_produce(frame)) return false;
  // When all connections together hold much, each goes back to one request at a time.
  return exchanges_.size() < limits.requests_ahead_max &&
         exchanges_bytes_ + frame.size() <= limits.requests_ahead_bytes_max &&
         shared_->frames.bytes() <= limits.frames_bytes_max / 2;
}

// Produces reach their logs in the order in which they began: what they await before the commit must keep it.
void KafkaConnection::begin(std::shared_ptr<Exchange> exchange) {
  alone_ = !is_produce(exchange->frame);
  exchanges_bytes_ += exchange->frame.size();
  answering_ += 1;
  reader_.set_idle(false);
  exchanges_.push_back(exchange);
  asio::co_spawn(
      shard_.executor(), [this, frame = exchange->frame] { return answer(frame); },
      [self = shared_from_this(), exchange](const std::exception_ptr& thrown, KafkaReply reply) {
        if (thrown) reply = error(ErrorCode::io_failed, "an exception while answering");
        exchange->reply = std::move(reply);
        exchange->produces.release();
        self->answering_ -= 1;
        bool first = !self->exchanges_.empty() && self->exchanges_.front() == exchange;
        if (first || self->answering_ == 0) self->answered_.wake();
      });
}

Task<KafkaReply> KafkaConnection::answer(SharedBytes frame) {
  if (session_.wants_raw()) co_return co_await answer_raw(frame);
  auto start = kafka::read_request_start(frame.view());
  if (!start) co_return std::unexpected(start.error());
  if (auto admitted = session_.admit(start->key); !admitted) co_return std::unexpected(admitted.error());
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
                 .session = session_,
                 .wakeup = wakeup_,
                 .stopping = stopping_,
                 .fetch_session = fetch_session_};
  co_return co_await (*served)->answer(call, request->body);
}

// Where no header says what is an answer, closing says what is none.
Task<KafkaReply> KafkaConnection::answer_raw(const SharedBytes& frame) {
  Session::Step step = co_await session_.authenticate(Bytes(frame.view().begin(), frame.view().end()));
  if (step.error != kafka::KafkaError::none) co_return error(ErrorCode::unauthorized, "{}", step.message);
  kafka::WireWriter out;
  out.put_bytes(step.answer);
  co_return kafka::finish_frame(std::move(out));
}

// Until there is nothing more to send and nothing runs.
Task<> KafkaConnection::write_answers() {
  while (reads_ || answering_ > 0 || (!broken_ && !exchanges_.empty())) {
    bool ready = !broken_ && !exchanges_.empty() && exchanges_.front()->reply;
    if (!ready) {
      (void)co_await answered_.wait(shard_.timers(), Deadline::never());
    } else if (!*exchanges_.front()->reply) {
      end(exchanges_.front()->reply->error());
    } else {
      co_await write_ready();
    }
  }
}

// Sends what is answered, up to the first request that is not.
Task<> KafkaConnection::write_ready() {
  auto ready = [](const auto& exchange) { return exchange->reply && *exchange->reply; };
  auto count = std::ranges::find_if_not(exchanges_, ready) - exchanges_.begin();
  std::vector<asio::const_buffer> pieces;
  for (const auto& exchange : exchanges_ | std::views::take(count)) {
    for (const SharedBytes& piece : **exchange->reply) pieces.emplace_back(piece.view().data(), piece.size());
  }
  if (co_await wire_->write(pieces, shared_->limits.write_timeout)) {
    broken_ = true;
    wire_->close();
  }
  for (; count > 0; --count) {
    exchanges_bytes_ -= exchanges_.front()->frame.size();
    exchanges_.pop_front();
  }
  if (session_.open()) stranger_.reset();
  if (session_.failed()) end({ErrorCode::unauthorized, "it could not say who it is", {}});
  if (exchanges_.empty()) reader_.set_idle(true);
  room_.wake();
}

}  // namespace pabal::doors
