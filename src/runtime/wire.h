#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "runtime/asio.h"

namespace pabal::runtime {

using SocketError = boost::system::error_code;

// One TCP connection, in the clear or under TLS, whose waits have a deadline. Belongs to its executor's
// thread; one coroutine at a time reads or writes it, or, under set_full_duplex(), one reads and another
// writes. A wait that passes the deadline ends with asio::error::timed_out and leaves the connection usable.
//
// The deadline costs no timer per wait: one timer runs, and when it fires it looks whether the deadline has
// moved meanwhile.
class Wire : public std::enable_shared_from_this<Wire> {
 public:
  using Socket = asio::ip::tcp::socket;

  static std::shared_ptr<Wire> make(Socket socket);
  Wire(Socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {}  // NOLINT: see make()
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  Socket& socket() { return socket_; }
  [[nodiscard]] bool has_tls() const { return tls_.has_value(); }

  // Waits that follow end at `at`; Instant::max() is never.
  void expire_at(Instant at);
  void expire_after(Duration d) { expire_at(system_clock().now() + d); }
  void expire_never() { expire_at(Instant::max()); }
  // From now on a write has a deadline of its own. The one that passes first ends both waits.
  void set_full_duplex() { full_duplex_ = true; }

  Task<SocketError> connect(asio::ip::tcp::endpoint to);
  Task<SocketError> accept_tls(std::shared_ptr<asio::ssl::context> context);
  // Checks the peer's certificate against `host`.
  Task<SocketError> connect_tls(asio::ssl::context& context, const std::string& host);

  // The common name in the certificate that the client has shown and that was checked; empty without one.
  [[nodiscard]] std::string client_certificate_name();

  // At least one byte, or an error; asio::error::eof at the end.
  Task<SocketError> read_some(asio::mutable_buffer into, size_t& count);
  // All bytes of `pieces`; the deadline starts anew, `stall` from now, whenever the peer took some.
  Task<SocketError> write(std::span<const asio::const_buffer> pieces, Duration stall);

  [[nodiscard]] uint64_t bytes_written() const { return bytes_written_; }

  // What the socket itself knows, without reading: the peer has closed or reset the connection.
  [[nodiscard]] bool peer_has_gone();
  // Bytes wait to be read, or the peer has gone: an idle connection in that state is of no use.
  [[nodiscard]] bool has_something_to_read();

  // Ends every wait at once, with an error, and every one that follows.
  void close();
  // What has come is still read, then asio::error::eof; writing goes on.
  void stop_reading();
  // Says goodbye so that the peer gets what was sent last: closes the sending side, then throws away what
  // comes until the peer closes, at most for `within` and not for much.
  Task<> finish(Duration within);

 private:
  void arm(Instant at);
  void on_timer();
  void expire_write_at(Instant at);
  [[nodiscard]] Instant first_deadline() const { return std::min(deadline_, write_deadline_); }
  template <class Start>
  Task<SocketError> wait(Start start, size_t& count);

  Socket socket_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
  asio::steady_timer timer_;
  Instant deadline_ = Instant::max();
  Instant write_deadline_ = Instant::max();  // full duplex only
  Instant armed_ = Instant::max();
  bool full_duplex_ = false;
  bool timed_out_ = false;
  uint64_t bytes_written_ = 0;
};

}  // namespace pabal::runtime
