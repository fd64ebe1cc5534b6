#include "runtime/http_client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <deque>
#include <map>

#include "runtime/http_body.h"
#include "runtime/http_head.h"
#include "runtime/wire.h"

namespace pabal::runtime {

namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr size_t head_bytes_max = 64_KiB;
constexpr size_t read_bytes = 8_KiB;
constexpr Duration write_stall_max = std::chrono::seconds(30);
constexpr size_t informational_max = 8;  // 1xx answers before the real one

constexpr std::string_view not_http = "answered something that is not HTTP/1.1";

using Sink = std::function<bool(std::string_view)>;

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

// One exchange on one connection, and what is known of it when it fails.
struct Exchange {
  const HttpRequest& request;
  std::string host;
  Deadline deadline;
  const Sink* sink = nullptr;
  bool written = false;    // some of the request may have reached the server
  bool answering = false;  // some of the answer has come
  bool reusable = false;   // the connection may serve another request
};

Error failure(const Exchange& exchange, SocketError problem) {
  if (problem == asio::error::timed_out) {
    return {ErrorCode::timed_out, fmt::format("{} gave no answer in time", exchange.host)};
  }
  if (problem == asio::error::eof) {
    return {ErrorCode::peer_failed, fmt::format("{} closed the connection without an answer", exchange.host)};
  }
  return {ErrorCode::peer_failed,
          fmt::format("the connection to {} failed: {}", exchange.host, problem.message())};
}

// Reads one answer; a parser serves one message only.
class AnswerReader {
 public:
  AnswerReader(Wire& wire, boost::beast::flat_buffer& buffer, Exchange& exchange, size_t bytes_max)
      : wire_(wire), buffer_(buffer), exchange_(exchange) {
    parser_.header_limit(head_bytes_max);
    parser_.body_limit(bytes_max);
    if (exchange.request.method == "HEAD") parser_.skip(true);
  }

  Task<Result<HttpResponse>> read() {
    while (!parser_.is_done()) {
      boost::beast::error_code problem;
      if (buffer_.size() > 0) buffer_.consume(parser_.put(buffer_.data(), problem));
      if (problem && problem != http::error::need_more) co_return std::unexpected(refusal(problem));
      if (begin_body()) continue;
      if (parser_.is_done() || parser_.get().body().enough) break;
      wire_.expire_at(exchange_.deadline.at());
      size_t count = 0;
      SocketError failed = co_await wire_.read_some(buffer_.prepare(read_bytes), count);
      buffer_.commit(count);
      exchange_.answering |= count > 0;
      if (failed == asio::error::eof && parser_.is_header_done()) {
        parser_.put_eof(problem);
        if (!problem) break;
      }
      if (failed && count == 0) co_return std::unexpected(failure(exchange_, failed));
    }
    exchange_.reusable = parser_.is_done() && parser_.keep_alive() && buffer_.size() == 0;
    co_return take();
  }

 private:
  // Once the head is there: whether the body goes to the sink. True when it has just become known.
  bool begin_body() {
    if (head_seen_ || !parser_.is_header_done()) return false;
    head_seen_ = true;
    parser_.eager(true);  // from here on put() takes all there is
    unsigned status = parser_.get().result_int();
    if (exchange_.sink && status / 100 == 2) {
      parser_.get().body().sink = exchange_.sink;
      parser_.body_limit(boost::none);
    }
    return true;
  }

  [[nodiscard]] Error refusal(boost::beast::error_code problem) const {
    if (problem == http::error::body_limit || problem == http::error::header_limit) {
      return {ErrorCode::too_large, fmt::format("the answer of {} is larger than allowed", exchange_.host)};
    }
    return {ErrorCode::peer_failed, fmt::format("{} {}: {}", exchange_.host, not_http, problem.message())};
  }

  HttpResponse take() {
    auto message = parser_.release();
    HttpResponse response;
    response.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
      response.fields.add(std::string(field.name_string()), std::string(field.value()));
    }
    response.body = std::move(message.body().text);
    return response;
  }

  Wire& wire_;
  boost::beast::flat_buffer& buffer_;
  Exchange& exchange_;
  http::response_parser<HttpBody> parser_;
  bool head_seen_ = false;
};

struct Pooled {
  std::shared_ptr<Wire> wire;
  Instant since;
};

class Client final : public HttpClient {
 public:
  Client(Executor executor, HttpClientLimits limits) : executor_(std::move(executor)), limits_(limits) {}

  Task<Result<HttpResponse>> request(const Url& base, HttpRequest request, Deadline deadline) override {
    return send(base, std::move(request), deadline, {});
  }

  Task<Result<HttpResponse>> stream(const Url& base, HttpRequest request, Deadline deadline,
                                    Sink piece) override {
    return send(base, std::move(request), deadline, std::move(piece));
  }

 private:
  // On a pooled connection first; what fails there without a trace of an answer gets one fresh connection.
  Task<Result<HttpResponse>> send(Url base, HttpRequest request, Deadline deadline, Sink sink) {
    std::string pool_key = (base.tls ? "https://" : "http://") + base.authority();
    Exchange exchange{
        .request = request, .host = base.authority(), .deadline = deadline, .sink = sink ? &sink : nullptr};
    if (auto pooled = take_pooled(pool_key)) {
      auto answer = co_await run(pool_key, pooled, exchange);
      bool again = !answer && !exchange.answering && answer.error().code == ErrorCode::peer_failed &&
                   (is_idempotent(request.method) || !exchange.written);
      if (!again) co_return answer;
    }
    auto fresh = co_await connect(base, deadline);
    if (!fresh) co_return std::unexpected(fresh.error());
    co_return co_await run(pool_key, *fresh, exchange);
  }

  std::shared_ptr<Wire> take_pooled(const std::string& pool_key) {
    auto it = pools_.find(pool_key);
    if (it == pools_.end()) return nullptr;
    std::deque<Pooled>& pool = it->second;
    Instant oldest = system_clock().now() - limits_.idle_timeout;
    while (!pool.empty() && pool.front().since < oldest) pool.pop_front();
    while (!pool.empty()) {
      std::shared_ptr<Wire> wire = std::move(pool.back().wire);
      pool.pop_back();
      if (!wire->has_something_to_read()) return wire;
    }
    return nullptr;
  }

  void give_back(const std::string& pool_key, std::shared_ptr<Wire> wire) {
    std::deque<Pooled>& pool = pools_[pool_key];
    wire->expire_never();
    pool.push_back({std::move(wire), system_clock().now()});
    if (pool.size() > limits_.idle_connections_per_host_max) pool.pop_front();
  }

  Task<Result<HttpResponse>> run(const std::string& pool_key, std::shared_ptr<Wire> wire,
                                 Exchange& exchange) {
    std::string head = request_head(exchange.request, exchange.host);
    std::array<asio::const_buffer, 2> pieces{asio::buffer(head), asio::buffer(exchange.request.body)};
    uint64_t written_before = wire->bytes_written();
    Duration left = std::min(exchange.deadline.left(system_clock()), write_stall_max);
    SocketError write_problem = co_await wire->write(pieces, left);
    exchange.written = wire->bytes_written() > written_before;
    if (write_problem == asio::error::timed_out) {
      co_return std::unexpected(failure(exchange, write_problem));
    }
    // After any other failure to write, the server may have said why before it closed.
    boost::beast::flat_buffer buffer;
    for (size_t n = 0; n < informational_max; ++n) {
      AnswerReader reader(*wire, buffer, exchange, limits_.response_bytes_max);
      auto answer = co_await reader.read();
      if (!answer) co_return answer;
      if (answer->status < 200) continue;
      if (exchange.reusable && !write_problem) give_back(pool_key, std::move(wire));
      co_return answer;
    }
    co_return error(ErrorCode::peer_failed, "{} sends interim answers without end", exchange.host);
  }

  Task<Result<std::shared_ptr<Wire>>> connect(const Url& base, Deadline deadline) {
    auto failed = [&](std::string_view why) {
      return error(ErrorCode::unreachable, "no connection to {}: {}", base.authority(), why);
    };
    auto endpoints = co_await resolve(base);
    if (!endpoints) co_return std::unexpected(endpoints.error());
    SocketError problem = asio::error::host_not_found;
    for (const tcp::endpoint& endpoint : *endpoints) {
      auto wire = Wire::make(tcp::socket(executor_));
      wire->expire_at(deadline.at());
      problem = co_await wire->connect(endpoint);
      if (problem == asio::error::timed_out) co_return failed("no answer in time");
      if (problem) continue;
      if (base.tls) problem = co_await wire->connect_tls(tls_context(), base.host);
      if (problem) co_return failed(problem.message());
      co_return wire;
    }
    co_return failed(problem.message());
  }

  // Numbers and localhost need no resolver, whose first use starts a thread.
  Task<Result<std::vector<tcp::endpoint>>> resolve(const Url& base) {
    auto port = static_cast<uint16_t>(std::stoi(base.port));
    if (base.host == "localhost") {
      co_return std::vector{tcp::endpoint(asio::ip::address_v4::loopback(), port),
                            tcp::endpoint(asio::ip::address_v6::loopback(), port)};
    }
    SocketError not_a_number;
    auto address = asio::ip::make_address(base.host, not_a_number);
    if (!not_a_number) co_return std::vector{tcp::endpoint(address, port)};
    tcp::resolver resolver(executor_);
    auto [problem, found] = co_await resolver.async_resolve(base.host, base.port, tuple_awaitable);
    if (problem) {
      co_return error(ErrorCode::unreachable, "no address for {}: {}", base.host, problem.message());
    }
    std::vector<tcp::endpoint> endpoints;
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    co_return endpoints;
  }

  asio::ssl::context& tls_context() {
    if (!tls_) {
      tls_.emplace(asio::ssl::context::tls_client);
      SocketError ignored;
      tls_->set_default_verify_paths(ignored);
      tls_->set_verify_mode(asio::ssl::verify_peer, ignored);
    }
    return *tls_;
  }

  Executor executor_;
  HttpClientLimits limits_;
  std::map<std::string, std::deque<Pooled>> pools_;
  std::optional<asio::ssl::context> tls_;
};

}  // namespace

bool is_garbled(const Error& failure) {
  return failure.code == ErrorCode::peer_failed && failure.message.find(not_http) != std::string::npos;
}

std::unique_ptr<HttpClient> HttpClient::make(Executor executor, HttpClientLimits limits) {
  return std::make_unique<Client>(std::move(executor), limits);
}

}  // namespace pabal::runtime
