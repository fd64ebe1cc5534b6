#include "doors/kafka/door.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <unordered_set>

#include "base/logging.h"
#include "broker/groups.h"
#include "doors/http/access.h"
#include "runtime/listener_address.h"

namespace pabal::doors {
namespace {

using asio::ip::tcp;
using runtime::SocketError;
using runtime::Task;

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr Duration accept_pause = std::chrono::milliseconds(100);  // after a failure such as EMFILE
constexpr Duration stop_check_every = std::chrono::milliseconds(2);
constexpr Duration cut_time_max = std::chrono::milliseconds(500);

Result<std::shared_ptr<tcp::acceptor>> open_acceptor(const runtime::Executor& executor,
                                                     const std::string& address) {
  auto endpoint = runtime::parse_listener_address(address);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto acceptor = std::make_shared<tcp::acceptor>(executor);
  SocketError problem;
  acceptor->open(endpoint->protocol(), problem);
  if (!problem) acceptor->set_option(tcp::acceptor::reuse_address(true), problem);
  if (!problem) acceptor->bind(*endpoint, problem);
  if (!problem) acceptor->listen(tcp::acceptor::max_listen_connections, problem);
  if (problem == asio::error::address_in_use) {
    return error(ErrorCode::conflict,
                 "the address {} is in use by another program; --kafka takes another, or off", address);
  }
  if (problem) return error(ErrorCode::io_failed, "cannot listen on {}: {}", address, problem.message());
  return acceptor;
}

Result<void> advertise(KafkaShared& shared, const std::string& address) {
  auto parts = parse_host_port(address);
  int32_t port = 0;
  if (parts) std::from_chars(parts->port.data(), parts->port.data() + parts->port.size(), port);
  if (!parts || port <= 0) {
    return error(ErrorCode::invalid, "--kafka-advertised: read '{}'; right is HOST:PORT", address);
  }
  shared.advertised_host = parts->host;
  shared.advertised_port = port;
  return {};
}

}  // namespace

// The connections of one shard; belongs to its thread.
struct KafkaDoor::Lane {
  Lane(runtime::Shard& s, size_t sessions_bytes_max)
      : shard(s), sessions(std::make_shared<FetchSessions>(sessions_bytes_max)) {}
  runtime::Shard& shard;
  std::shared_ptr<FetchSessions> sessions;
  std::unordered_set<KafkaConnection*> open = {};
};

Result<std::unique_ptr<KafkaDoor>> KafkaDoor::listen(Options options, KafkaParts parts) {
  auto acceptor = open_acceptor(parts.shards.at(0).executor(), options.address);
  if (!acceptor) return std::unexpected(acceptor.error());
  auto shared = std::make_shared<KafkaShared>(parts, options.limits);
  shared->access = options.access;
  shared->tls = std::move(options.tls);
  SocketError ignored;
  std::string real = runtime::text_of((*acceptor)->local_endpoint(ignored));
  auto told = advertise(*shared, options.advertised.empty() ? real : options.advertised);
  if (!told) return std::unexpected(told.error());
  Lanes lanes;
  for (size_t i = 0; i < parts.shards.count(); ++i)
    lanes.push_back(
        std::make_shared<Lane>(parts.shards.at(i), fetch_sessions_bytes_max / parts.shards.count()));
  std::unique_ptr<KafkaDoor> door(new KafkaDoor(std::move(shared), std::move(*acceptor), std::move(lanes)));
  door->address_ = std::move(real);
  return door;
}

KafkaDoor::KafkaDoor(std::shared_ptr<KafkaShared> shared, std::shared_ptr<tcp::acceptor> acceptor,
                     Lanes lanes)
    : shared_(std::move(shared)), acceptor_(std::move(acceptor)), lanes_(std::move(lanes)) {
  asio::co_spawn(acceptor_->get_executor(), accept_all(shared_, acceptor_, lanes_), asio::detached);
}

KafkaDoor::~KafkaDoor() {
  begin_stop();
  for_each_connection(&KafkaConnection::cut);
}

Task<> KafkaDoor::serve(std::shared_ptr<KafkaShared> shared, std::shared_ptr<Lane> lane,
                        runtime::Wire::Socket socket) {
  SocketError ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto connection = std::make_shared<KafkaConnection>(shared, lane->shard, lane->sessions,
                                                      runtime::Wire::make(std::move(socket)));
  lane->open.insert(connection.get());
  try {
    co_await connection->run();
  } catch (const std::exception& e) {
    SPDLOG_ERROR("kafka: a connection failed: {}", e.what());
  }
  lane->open.erase(connection.get());
  shared->connections -= 1;
}

// Accepts for as long as the acceptor is open.
Task<> KafkaDoor::accept_all(std::shared_ptr<KafkaShared> shared, std::shared_ptr<tcp::acceptor> acceptor,
                             Lanes lanes) {
  asio::steady_timer pause(acceptor->get_executor());
  for (size_t next = 0; acceptor->is_open(); ++next) {
    const std::shared_ptr<Lane>& lane = lanes.at(next % lanes.size());
    auto [problem, socket] = co_await acceptor->async_accept(lane->shard.executor(), tuple_awaitable);
    if (problem == asio::error::operation_aborted || shared->stopping) co_return;
    if (problem) {
      SPDLOG_WARN("kafka: cannot accept a connection: {}", problem.message());
      pause.expires_after(accept_pause);
      (void)co_await pause.async_wait(tuple_awaitable);
      continue;
    }
    if (shared->connections >= shared->limits.connections_max) {
      SPDLOG_WARN("kafka: a connection was refused: {} are open", shared->limits.connections_max);
      continue;  // closes it
    }
    shared->connections += 1;
    asio::co_spawn(lane->shard.executor(), serve(shared, lane, std::move(socket)), asio::detached);
  }
}

void KafkaDoor::for_each_connection(void (KafkaConnection::*act)()) {
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    asio::post(lane->shard.executor(), [lane, act] {
      std::vector<std::shared_ptr<KafkaConnection>> open;  // acting on one may end it
      for (KafkaConnection* connection : lane->open) open.push_back(connection->shared_from_this());
      for (const auto& connection : open) (*connection.*act)();
    });
  }
}

void KafkaDoor::begin_stop() {
  shared_->stopping = true;
  asio::post(acceptor_->get_executor(), [acceptor = acceptor_] {
    SocketError ignored;
    acceptor->close(ignored);
  });
}

Task<> KafkaDoor::stop(Deadline deadline) {
  begin_stop();
  co_await shared_->parts.broker.groups().end_waits();
  for_each_connection(&KafkaConnection::stop);
  co_await wait_until_empty(deadline);
  for_each_connection(&KafkaConnection::cut);
  co_await wait_until_empty(Deadline::after(system_clock(), cut_time_max));
}

Task<> KafkaDoor::wait_until_empty(Deadline deadline) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (shared_->connections > 0 && !deadline.passed(system_clock())) {
    timer.expires_after(stop_check_every);
    (void)co_await timer.async_wait(tuple_awaitable);
  }
}

}  // namespace pabal::doors
