#pragma once

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <optional>
#include <string>

#include "runtime/http_body.h"
#include "runtime/http_server.h"
#include "runtime/wire.h"

namespace pabal::runtime {

// What all connections of one server share. Safe from any thread.
struct HttpServerShared {
  HttpServerLimits limits;
  HttpHandler handler;
  std::shared_ptr<Certificates> tls;  // none: in the clear
  std::atomic<bool> stopping = false;
  std::atomic<size_t> connections = 0;   // those that are served
  std::atomic<size_t> refusals = 0;      // those that are being told that there are too many
  std::atomic<size_t> bodies_bytes = 0;  // of requests being read or answered
};

// One client's connection: reads requests one after the other, has each answered, writes the answers in
// order. Requests that come while one is being answered wait in the socket. Belongs to its shard.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `refused`: the client gets 503 to whatever it asks, and is let go.
  HttpConnection(std::shared_ptr<HttpServerShared> shared, std::shared_ptr<Wire> wire, bool refused);
  ~HttpConnection() { hold_body(0); }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Until the connection ends.
  Task<> run();
  // Answers what is being asked, then ends; waits of handlers are told.
  void stop();
  // Ends now.
  void cut();

 private:
  using Parser = boost::beast::http::request_parser<HttpBody>;
  class Stream;
  // What came of reading a request.
  enum class Got { request, nothing, refused };

  Task<bool> begin();
  Task<bool> first_byte();
  Task<Got> read_request(HttpRequest& out);
  Task<Got> read_head(Parser& parser);
  Task<Got> read_body(Parser& parser);
  Task<SocketError> fill();
  // Accounts for the request's body; false when all of them together are too large.
  bool hold_body(size_t bytes);
  Task<Got> refuse(int status, std::string_view detail);
  Task<Got> refuse_parse(boost::beast::error_code problem);
  Task<bool> answer(HttpRequest request);
  Task<HttpResponse> handle(HttpRequest request);
  Task<bool> send(HttpResponse& response);
  Task<bool> send_stream(HttpResponse& response);
  void watch(const std::shared_ptr<HangUp>& hang_up);
  void on_readable(const std::shared_ptr<HangUp>& hang_up);
  void watch_by_time(const std::shared_ptr<HangUp>& hang_up);

  std::shared_ptr<HttpServerShared> shared_;
  std::shared_ptr<Wire> wire_;
  bool refused_;
  std::string peer_;
  boost::beast::flat_buffer buffer_;
  std::shared_ptr<HangUp> hang_up_;  // of the request being answered
  asio::cancellation_signal watching_;
  asio::steady_timer watch_timer_;
  size_t body_held_ = 0;
  bool idle_ = false;        // waits for the first byte of a request
  bool keep_alive_ = false;  // the client's wish
  bool head_only_ = false;   // the request was HEAD
  bool old_client_ = false;  // HTTP/1.0: knows no chunks
};

}  // namespace pabal::runtime
