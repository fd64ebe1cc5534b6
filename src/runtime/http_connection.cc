#include "runtime/http_connection.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include "base/logging.h"
#include "runtime/http_head.h"
#include "runtime/http_problem.h"

namespace pabal::runtime {

namespace http = boost::beast::http;

namespace {

constexpr size_t read_bytes = 8_KiB;
constexpr size_t idle_buffer_bytes_max = 16_KiB;
constexpr Duration refusal_time_max = std::chrono::seconds(1);
// How long a client has to close after the last answer.
constexpr Duration finish_time = std::chrono::seconds(2);
constexpr Duration stop_finish_time = std::chrono::milliseconds(100);
// How often a client that has sent more than its request is looked at while its handler waits.
constexpr Duration gone_check_every = std::chrono::seconds(1);

std::string peer_name(Wire& wire) {
  SocketError problem;
  auto endpoint = wire.socket().remote_endpoint(problem);
  if (problem) return "unknown";
  bool v6 = endpoint.address().is_v6();
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", endpoint.address().to_string(), v6 ? "]" : "",
                     endpoint.port());
}

bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

// The streamed body of one answer.
class HttpConnection::Stream final : public HttpStream {
 public:
  Stream(HttpConnection& connection, bool chunked) : connection_(connection), chunked_(chunked) {}

  Task<Result<void>> write(std::string_view piece) override {
    if (closed()) co_return error(ErrorCode::cancelled, "the client has gone or the server is stopping");
    if (piece.empty() || connection_.head_only_) co_return Result<void>();
    std::string size = chunked_ ? fmt::format("{:x}\r\n", piece.size()) : std::string();
    std::array<asio::const_buffer, 3> pieces{asio::buffer(size), asio::buffer(piece),
                                             asio::buffer(std::string_view(chunked_ ? "\r\n" : ""))};
    SocketError problem =
        co_await connection_.wire_->write(pieces, connection_.shared_->limits.write_timeout);
    connection_.wire_->expire_never();
    if (!problem) co_return Result<void>();
    failed_ = true;
    co_return error(ErrorCode::peer_failed, "the client has gone: {}", problem.message());
  }

  [[nodiscard]] bool closed() const override {
    return failed_ || connection_.shared_->stopping || connection_.hang_up_->happened();
  }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  HttpConnection& connection_;
  bool chunked_;
  bool failed_ = false;
};

HttpConnection::HttpConnection(std::shared_ptr<HttpServerShared> shared, std::shared_ptr<Wire> wire,
                               bool refused)
    : shared_(std::move(shared)),
      wire_(std::move(wire)),
      refused_(refused),
      peer_(peer_name(*wire_)),
      watch_timer_(wire_->socket().get_executor()) {}

Task<> HttpConnection::run() {
  auto self = shared_from_this();
  if (!co_await begin()) co_return wire_->close();
  bool more = true;
  while (more) {
    if (!co_await first_byte()) co_return wire_->close();
    HttpRequest request;
    Got got = co_await read_request(request);
    if (got == Got::nothing) co_return wire_->close();
    more = got == Got::request && co_await answer(std::move(request));
    hold_body(0);
  }
  co_await wire_->finish(shared_->stopping ? stop_finish_time : finish_time);
}

// The TLS handshake, when there is one.
Task<bool> HttpConnection::begin() {
  if (!shared_->tls) co_return true;
  wire_->expire_after(refused_ ? refusal_time_max : shared_->limits.head_timeout);
  co_return !co_await wire_->accept_tls(shared_->tls->current());
}

// False when the client said nothing more, or not in time.
Task<bool> HttpConnection::first_byte() {
  if (buffer_.size() > 0) co_return true;
  if (shared_->stopping) co_return false;
  if (buffer_.capacity() > idle_buffer_bytes_max) buffer_.shrink_to_fit();
  wire_->expire_after(refused_ ? refusal_time_max : shared_->limits.idle_timeout);
  idle_ = true;
  SocketError problem = co_await fill();
  idle_ = false;
  co_return !problem;
}

Task<SocketError> HttpConnection::fill() {
  size_t count = 0;
  SocketError problem = co_await wire_->read_some(buffer_.prepare(read_bytes), count);
  buffer_.commit(count);
  co_return count > 0 ? SocketError() : problem;
}

bool HttpConnection::hold_body(size_t bytes) {
  size_t all = shared_->bodies_bytes += bytes - body_held_;  // may wrap around: it is a difference
  body_held_ = bytes;
  return bytes == 0 || all <= shared_->limits.bodies_bytes_max;
}

Task<HttpConnection::Got> HttpConnection::read_request(HttpRequest& out) {
  Parser parser;
  parser.header_limit(static_cast<uint32_t>(shared_->limits.head_bytes_max));
  parser.body_limit(shared_->limits.body_bytes_max);
  keep_alive_ = false;
  head_only_ = false;
  old_client_ = false;
  if (Got got = co_await read_head(parser); got != Got::request) co_return got;
  const auto& head = parser.get();
  old_client_ = head.version() < 11;
  head_only_ = head.method() == http::verb::head;
  if (refused_) co_return co_await refuse(503, "the server has as many connections as it takes; try later");
  if (Got got = co_await read_body(parser); got != Got::request) co_return got;
  keep_alive_ = parser.keep_alive();
  wire_->expire_never();
  auto message = parser.release();
  out.method = message.method_string();
  out.target = message.target();
  for (const auto& field : message) {
    out.fields.add(std::string(field.name_string()), std::string(field.value()));
  }
  out.body = std::move(message.body().text);
  out.peer = peer_;
  co_return Got::request;
}

// Most heads are in the buffer as a whole; only for the others is the clock set.
Task<HttpConnection::Got> HttpConnection::read_head(Parser& parser) {
  bool clock_is_set = false;
  while (true) {
    boost::beast::error_code problem;
    buffer_.consume(parser.put(buffer_.data(), problem));
    if (problem && problem != http::error::need_more) co_return co_await refuse_parse(problem);
    if (parser.is_header_done()) {
      parser.eager(true);  // from here on put() takes all there is
      co_return Got::request;
    }
    if (buffer_.size() > shared_->limits.head_bytes_max) {
      co_return co_await refuse_parse(http::error::header_limit);
    }
    if (!clock_is_set) wire_->expire_after(refused_ ? refusal_time_max : shared_->limits.head_timeout);
    clock_is_set = true;
    SocketError failed = co_await fill();
    if (failed == asio::error::timed_out) {
      co_return co_await refuse(408, fmt::format("the head of the request was not complete within {} s",
                                                 shared_->limits.head_timeout / std::chrono::seconds(1)));
    }
    if (failed) co_return Got::nothing;
  }
}

Task<HttpConnection::Got> HttpConnection::read_body(Parser& parser) {
  const HttpServerLimits& limits = shared_->limits;
  if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue") && buffer_.size() == 0 &&
      !parser.is_done()) {
    std::array<asio::const_buffer, 1> line{asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n"))};
    if (co_await wire_->write(line, limits.write_timeout)) co_return Got::nothing;
  }
  size_t in_window = 0;
  Instant window_end = Instant::min();  // set when the first wait begins
  while (!parser.is_done()) {
    boost::beast::error_code problem;
    if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.data(), problem));
    if (problem && problem != http::error::need_more) co_return co_await refuse_parse(problem);
    if (!hold_body(parser.get().body().text.size())) {
      co_return co_await refuse(503,
                                "the requests being answered hold as much memory as they may; try again");
    }
    if (parser.is_done()) break;
    if (window_end == Instant::min()) window_end = system_clock().now() + limits.body_window;
    wire_->expire_at(window_end);
    size_t before = buffer_.size();
    SocketError failed = co_await fill();
    in_window += buffer_.size() - before;
    if (failed == asio::error::timed_out) {
      if (in_window < limits.body_window_bytes_min) {
        co_return co_await refuse(408, fmt::format("the body came too slowly: {} bytes within {} s",
                                                   in_window, limits.body_window / std::chrono::seconds(1)));
      }
      in_window = 0;
      window_end = Instant::min();
    } else if (failed) {
      co_return Got::nothing;
    }
  }
  co_return Got::request;
}

Task<HttpConnection::Got> HttpConnection::refuse_parse(boost::beast::error_code problem) {
  const HttpServerLimits& limits = shared_->limits;
  if (problem == http::error::end_of_stream || problem == http::error::partial_message) {
    co_return Got::nothing;
  }
  if (problem == http::error::header_limit) {
    co_return co_await refuse(
        431, fmt::format("the head of the request is larger than {} bytes", limits.head_bytes_max));
  }
  if (problem == http::error::body_limit) {
    co_return co_await refuse(413, fmt::format("the body is larger than {} bytes", limits.body_bytes_max));
  }
  if (problem == http::error::bad_version) {
    co_return co_await refuse(505, "this is not HTTP/1.0 or HTTP/1.1");
  }
  co_return co_await refuse(400, fmt::format("not a well-formed HTTP/1.1 request: {}", problem.message()));
}

// Answers without asking the handler; the connection ends after it.
Task<HttpConnection::Got> HttpConnection::refuse(int status, std::string_view detail) {
  HttpResponse response = problem_response(status, detail);
  keep_alive_ = false;
  (void)co_await send(response);
  co_return Got::refused;
}

Task<bool> HttpConnection::answer(HttpRequest request) {
  auto hang_up = std::make_shared<HangUp>();
  hang_up_ = hang_up;
  request.hang_up = hang_up;
  watch(hang_up);
  HttpResponse response = co_await handle(std::move(request));
  bool sent = false;
  if (response.stream && !has_no_body(response.status)) {
    sent = co_await send_stream(response);
    watching_.emit(asio::cancellation_type::terminal);
  } else {
    watching_.emit(asio::cancellation_type::terminal);
    sent = co_await send(response);
  }
  watch_timer_.cancel();
  hang_up->then({});
  hang_up_.reset();
  co_return sent;
}

Task<HttpResponse> HttpConnection::handle(HttpRequest request) {
  try {
    co_return co_await shared_->handler(std::move(request));
  } catch (const std::exception& e) {
    spdlog::error("http: a handler failed: {}", e.what());
  }
  co_return problem_response(500, "the server failed to handle this request; its log says more");
}

Task<bool> HttpConnection::send(HttpResponse& response) {
  bool keep_alive = keep_alive_ && !shared_->stopping;
  bool bodiless = has_no_body(response.status);
  std::string head = response_head(response, bodiless ? BodyFraming::none : BodyFraming::length, keep_alive);
  std::array<asio::const_buffer, 2> pieces{asio::buffer(head), asio::buffer(response.body)};
  size_t count = bodiless || head_only_ ? 1 : 2;
  SocketError problem = co_await wire_->write(std::span(pieces).first(count), shared_->limits.write_timeout);
  if (problem) wire_->close();
  co_return !problem && keep_alive;
}

Task<bool> HttpConnection::send_stream(HttpResponse& response) {
  bool chunked = !old_client_;
  bool keep_alive = keep_alive_ && chunked;
  std::string head =
      response_head(response, chunked ? BodyFraming::chunked : BodyFraming::until_close, keep_alive);
  std::array<asio::const_buffer, 1> first{asio::buffer(head)};
  if (co_await wire_->write(first, shared_->limits.write_timeout)) co_return false;
  wire_->expire_never();
  Stream stream(*this, chunked);
  try {
    co_await response.stream(stream);
  } catch (const std::exception& e) {
    spdlog::error("http: a streamed answer failed: {}", e.what());
    wire_->close();  // without the last chunk the client knows that the answer is not whole
    co_return false;
  }
  if (stream.failed()) wire_->close();
  if (stream.failed() || hang_up_->happened()) keep_alive = false;
  if (chunked && !head_only_ && !stream.failed()) {
    std::array<asio::const_buffer, 1> last{asio::buffer(std::string_view("0\r\n\r\n"))};
    if (co_await wire_->write(last, shared_->limits.write_timeout)) co_return false;
  }
  co_return keep_alive && !shared_->stopping;
}

// Notices that the client hangs up while its handler is at work.
void HttpConnection::watch(const std::shared_ptr<HangUp>& hang_up) {
  if (shared_->stopping) hang_up->set();
  auto noticed = [weak = weak_from_this(), hang_up](SocketError problem) {
    auto self = weak.lock();
    if (self && self->hang_up_ == hang_up && problem != asio::error::operation_aborted) {
      self->on_readable(hang_up);
    }
  };
  wire_->socket().async_wait(Wire::Socket::wait_read,
                             asio::bind_cancellation_slot(watching_.slot(), std::move(noticed)));
}

void HttpConnection::on_readable(const std::shared_ptr<HangUp>& hang_up) {
  if (wire_->peer_has_gone()) return hang_up->set();
  if (wire_->has_something_to_read()) return watch_by_time(hang_up);  // its next request: readable for good
  watch(hang_up);
}

void HttpConnection::watch_by_time(const std::shared_ptr<HangUp>& hang_up) {
  watch_timer_.expires_after(gone_check_every);
  watch_timer_.async_wait([weak = weak_from_this(), hang_up](SocketError problem) {
    auto self = weak.lock();
    if (!self || problem || self->hang_up_ != hang_up) return;
    if (self->wire_->peer_has_gone()) return hang_up->set();
    self->watch_by_time(hang_up);
  });
}

void HttpConnection::stop() {
  if (idle_) return wire_->close();
  if (hang_up_) hang_up_->set();
}

void HttpConnection::cut() {
  wire_->close();
  if (hang_up_) hang_up_->set();
}

}  // namespace pabal::runtime
