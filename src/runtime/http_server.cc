#include "runtime/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <unordered_set>

#include "base/check.h"
#include "base/logging.h"
#include "runtime/http_connection.h"
#include "runtime/listener_address.h"

namespace pabal::runtime {

namespace {

using asio::ip::tcp;

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr size_t refusals_max = 256;  // connections at a time that are told "too many"
constexpr Duration accept_pause = std::chrono::milliseconds(100);  // after a failure such as EMFILE
constexpr Duration stop_check_every = std::chrono::milliseconds(2);
constexpr Duration cut_time_max = std::chrono::milliseconds(500);

// The connections of one shard; belongs to its thread.
struct Lane {
  explicit Lane(Executor e) : executor(std::move(e)) {}
  Executor executor;
  std::unordered_set<HttpConnection*> open = {};
};

using Lanes = std::vector<std::shared_ptr<Lane>>;

Task<> serve(std::shared_ptr<HttpServerShared> shared, std::shared_ptr<Lane> lane, Wire::Socket socket,
             bool refused) {
  SocketError ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto connection = std::make_shared<HttpConnection>(shared, Wire::make(std::move(socket)), refused);
  lane->open.insert(connection.get());
  try {
    co_await connection->run();
  } catch (const std::exception& e) {
    spdlog::error("http: a connection failed: {}", e.what());
  }
  lane->open.erase(connection.get());
  (refused ? shared->refusals : shared->connections) -= 1;
}

// Accepts for as long as the acceptor is open.
Task<> accept_all(std::shared_ptr<HttpServerShared> shared, std::shared_ptr<tcp::acceptor> acceptor,
                  Lanes lanes) {
  asio::steady_timer pause(acceptor->get_executor());
  for (size_t next = 0; acceptor->is_open(); ++next) {
    const std::shared_ptr<Lane>& lane = lanes.at(next % lanes.size());
    auto [problem, socket] = co_await acceptor->async_accept(lane->executor, tuple_awaitable);
    if (problem == asio::error::operation_aborted || shared->stopping) co_return;
    if (problem) {
      spdlog::warn("http: cannot accept a connection: {}", problem.message());
      pause.expires_after(accept_pause);
      (void)co_await pause.async_wait(tuple_awaitable);
      continue;
    }
    bool refused = shared->connections >= shared->limits.connections_max;
    if (refused && shared->refusals >= refusals_max) continue;  // closes it
    (refused ? shared->refusals : shared->connections) += 1;
    asio::co_spawn(lane->executor, serve(shared, lane, std::move(socket), refused), asio::detached);
  }
}

void for_each_connection(const Lanes& lanes, void (HttpConnection::*act)()) {
  for (const std::shared_ptr<Lane>& lane : lanes) {
    asio::post(lane->executor, [lane, act] {
      std::vector<std::shared_ptr<HttpConnection>> open;  // acting on one may end it
      for (HttpConnection* connection : lane->open) open.push_back(connection->shared_from_this());
      for (const auto& connection : open) (*connection.*act)();
    });
  }
}

class Server final : public HttpServer {
 public:
  Server(std::shared_ptr<HttpServerShared> shared, std::shared_ptr<tcp::acceptor> acceptor, Lanes lanes)
      : shared_(std::move(shared)), acceptor_(std::move(acceptor)), lanes_(std::move(lanes)) {
    SocketError ignored;
    address_ = text_of(acceptor_->local_endpoint(ignored));
    asio::co_spawn(acceptor_->get_executor(), accept_all(shared_, acceptor_, lanes_), asio::detached);
  }

  ~Server() override {
    begin_stop();
    for_each_connection(lanes_, &HttpConnection::cut);
  }

  [[nodiscard]] std::string address() const override { return address_; }
  [[nodiscard]] size_t connections() const override { return shared_->connections; }

  Task<> stop(Deadline deadline) override {
    begin_stop();
    for_each_connection(lanes_, &HttpConnection::stop);
    co_await wait_until_empty(deadline);
    for_each_connection(lanes_, &HttpConnection::cut);
    co_await wait_until_empty(Deadline::after(system_clock(), cut_time_max));
  }

 private:
  void begin_stop() {
    shared_->stopping = true;
    asio::post(acceptor_->get_executor(), [acceptor = acceptor_] {
      SocketError ignored;
      acceptor->close(ignored);
    });
  }

  Task<> wait_until_empty(Deadline deadline) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (shared_->connections + shared_->refusals > 0 && !deadline.passed(system_clock())) {
      timer.expires_after(stop_check_every);
      (void)co_await timer.async_wait(tuple_awaitable);
    }
  }

  std::shared_ptr<HttpServerShared> shared_;
  std::shared_ptr<tcp::acceptor> acceptor_;
  Lanes lanes_;
  std::string address_;
};

Result<std::shared_ptr<tcp::acceptor>> open_acceptor(const Executor& executor, const std::string& address) {
  Result<tcp::endpoint> endpoint = parse_listener_address(address);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto acceptor = std::make_shared<tcp::acceptor>(executor);
  SocketError problem;
  acceptor->open(endpoint->protocol(), problem);
  if (!problem) acceptor->set_option(tcp::acceptor::reuse_address(true), problem);
  if (!problem) acceptor->bind(*endpoint, problem);
  if (!problem) acceptor->listen(tcp::acceptor::max_listen_connections, problem);
  if (problem == asio::error::address_in_use) {
    return error(ErrorCode::conflict, "the address {} is in use by another program", address);
  }
  if (problem) return error(ErrorCode::io_failed, "cannot listen on {}: {}", address, problem.message());
  return acceptor;
}

}  // namespace

Result<void> HttpServer::can_listen(const std::string& address) {
  asio::io_context context;
  auto acceptor = open_acceptor(context.get_executor(), address);
  return acceptor ? Result<void>() : std::unexpected(acceptor.error());
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(Options options, std::vector<Executor> shards,
                                                       HttpHandler handler) {
  check(!shards.empty(), "an HTTP server needs a shard to run on");
  auto shared = std::make_shared<HttpServerShared>();
  shared->limits = options.limits;
  shared->handler = std::move(handler);
  shared->tls = std::move(options.tls);
  auto acceptor = open_acceptor(shards.front(), options.address);
  if (!acceptor) return std::unexpected(acceptor.error());
  Lanes lanes;
  for (Executor& executor : shards) lanes.push_back(std::make_shared<Lane>(std::move(executor)));
  return std::make_unique<Server>(std::move(shared), std::move(*acceptor), std::move(lanes));
}

}  // namespace pabal::runtime
