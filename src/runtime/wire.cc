#include "runtime/wire.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

namespace pabal::runtime {

namespace {

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);

constexpr size_t finish_bytes_max = size_t{32} << 20;

// The last of a name's common names, which is the most specific; empty for none, or one with a zero in it.
std::string common_name(const X509_NAME* name) {
  int found = -1;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) found = at;
  if (found < 0) return "";
  unsigned char* bytes = nullptr;
  int count = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, found)));
  if (count < 0) return "";
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
  OPENSSL_free(bytes);
  return text.find('\0') == std::string::npos ? text : "";
}

}  // namespace

std::shared_ptr<Wire> Wire::make(Socket socket) { return std::make_shared<Wire>(std::move(socket)); }

void Wire::expire_at(Instant at) {
  deadline_ = at;
  timed_out_ = false;
  if (at < armed_) arm(at);
}

void Wire::expire_write_at(Instant at) {
  if (!full_duplex_) return expire_at(at);
  write_deadline_ = at;
  if (at < armed_) arm(at);
}

void Wire::arm(Instant at) {
  armed_ = at;
  timer_.expires_at(std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(at.time_since_epoch())));
  timer_.async_wait([weak = weak_from_this()](SocketError problem) {
    auto self = weak.lock();
    if (self && problem != asio::error::operation_aborted) self->on_timer();
  });
}

void Wire::on_timer() {
  armed_ = Instant::max();
  Instant due = first_deadline();
  if (due == Instant::max()) return;
  if (system_clock().now() < due) return arm(due);
  timed_out_ = true;
  SocketError ignored;
  socket_.cancel(ignored);
}

// Runs one wait of the socket; `start` gets the completion token.
template <class Start>
Task<SocketError> Wire::wait(Start start, size_t& count) {
  count = 0;
  if (timed_out_) co_return asio::error::timed_out;
  auto [problem, n] = co_await start();
  count = n;
  if (problem == asio::error::operation_aborted && timed_out_) co_return asio::error::timed_out;
  co_return problem;
}

Task<SocketError> Wire::connect(asio::ip::tcp::endpoint to) {
  if (timed_out_) co_return asio::error::timed_out;
  auto [problem] = co_await socket_.async_connect(to, tuple_awaitable);
  if (problem == asio::error::operation_aborted && timed_out_) co_return asio::error::timed_out;
  if (!problem) {
    SocketError ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  }
  co_return problem;
}

Task<SocketError> Wire::accept_tls(std::shared_ptr<asio::ssl::context> context) {
  tls_.emplace(socket_, *context);
  auto [problem] = co_await tls_->async_handshake(asio::ssl::stream_base::server, tuple_awaitable);
  co_return problem == asio::error::operation_aborted&& timed_out_ ? SocketError(asio::error::timed_out)
                                                                   : problem;
}

std::string Wire::client_certificate_name() {
  if (!tls_) return "";
  SSL* ssl = tls_->native_handle();
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return "";
  return common_name(X509_get_subject_name(certificate));
}

Task<SocketError> Wire::connect_tls(asio::ssl::context& context, const std::string& host) {
  tls_.emplace(socket_, context);
  SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
  tls_->set_verify_callback(asio::ssl::host_name_verification(host));
  auto [problem] = co_await tls_->async_handshake(asio::ssl::stream_base::client, tuple_awaitable);
  co_return problem == asio::error::operation_aborted&& timed_out_ ? SocketError(asio::error::timed_out)
                                                                   : problem;
}

Task<SocketError> Wire::read_some(asio::mutable_buffer into, size_t& count) {
  if (tls_) {
    co_return co_await wait([&] { return tls_->async_read_some(into, tuple_awaitable); }, count);
  }
  co_return co_await wait([&] { return socket_.async_read_some(into, tuple_awaitable); }, count);
}

// Each call of the system takes up to pieces_max of what is left.
Task<SocketError> Wire::write(std::span<const asio::const_buffer> pieces, Duration stall) {
  constexpr size_t pieces_max = 32;
  std::array<asio::const_buffer, pieces_max> window{};
  SocketError problem;
  size_t count = 0;  // sent of what `pieces` begins with
  while (!problem) {
    for (; !pieces.empty() && count >= pieces.front().size(); pieces = pieces.subspan(1)) {
      count -= pieces.front().size();
    }
    if (pieces.empty()) break;
    size_t used = std::min(pieces.size(), pieces_max);
    std::ranges::copy(pieces.first(used), window.begin());
    window[0] += count;
    size_t sent_of_first = count;
    expire_write_at(system_clock().now() + stall);
    if (tls_) {
      problem = co_await wait([&] { return tls_->async_write_some(window[0], tuple_awaitable); }, count);
    } else {
      std::span<const asio::const_buffer> now(window.data(), used);
      problem = co_await wait([&] { return socket_.async_write_some(now, tuple_awaitable); }, count);
    }
    bytes_written_ += count;
    count += sent_of_first;
  }
  if (full_duplex_) write_deadline_ = Instant::max();
  co_return problem;
}

bool Wire::peer_has_gone() {
  pollfd poll_for{.fd = socket_.native_handle(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&poll_for, 1, 0) != 0;
}

bool Wire::has_something_to_read() {
  char byte = 0;
  ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

void Wire::close() {
  SocketError ignored;
  socket_.shutdown(Socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void Wire::stop_reading() {
  SocketError ignored;
  socket_.shutdown(Socket::shutdown_receive, ignored);
}

Task<> Wire::finish(Duration within) {
  if (!socket_.is_open()) co_return;
  expire_after(within);
  if (tls_) (void)co_await tls_->async_shutdown(tuple_awaitable);
  SocketError problem;
  socket_.shutdown(Socket::shutdown_send, problem);
  std::array<char, 4096> thrown_away{};
  size_t total = 0;
  while (!problem && !timed_out_ && total < finish_bytes_max) {
    auto [read_problem, count] = co_await socket_.async_read_some(asio::buffer(thrown_away), tuple_awaitable);
    problem = read_problem;
    total += count;
  }
  close();
}

}  // namespace pabal::runtime
