#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <future>
#include <map>
#include <unistd.h>

#include "base/check.h"
#include "base/logging.h"
#include "context.h"
#include "direct_publisher.h"
#include "event_codec.h"
#include "http_front.h"
#include "pabal/pabal.h"
#include "pause.h"
#include "push_declarer.h"
#include "queue_consumer.h"
#include "relay/inbox.h"
#include "runtime/http_server.h"
#include "runtime/shards.h"
#include "service_peer.h"
#include "service_tx.h"

namespace pabal::sdk {

struct Service::Impl {
  struct Pull {
    std::string queue;
    QueueOptions options;
    EventHandler handler;
  };
  struct Push {
    std::string queue;
    PushOptions options;
    EventHandler handler;
  };
  struct PeerSpec {
    std::string address;
    Policy policy;
  };

  explicit Impl(Options o)
      : options(std::move(o)),
        http_workers(options.http_workers, options.http_waiting_max),
        front(options.name, http_workers, counters),
        clients([] { return std::make_unique<runtime::BlockingHttpClient>(); }) {}

  Result<void> open_database();
  Result<void> make_peers();
  Result<void> listen();
  void begin_pulling();
  void begin_pushes();
  bool stop();
  void close();
  template <class T>
  T run(runtime::Task<T> task) {
    return asio::co_spawn(shards->at(0).executor(), std::move(task), asio::use_future).get();
  }

  Options options;
  ServerAccess server;
  LiveCounters counters;
  Pause pause;
  WorkerPool http_workers;
  HttpFront front;
  Lender<runtime::BlockingHttpClient> clients;
  std::vector<std::string> statements;
  std::vector<Pull> pulls;
  std::vector<Push> pushes;
  std::map<std::string, PeerSpec, std::less<>> peer_specs;
  bool started = false;

  std::unique_ptr<relay::Database> database;
  std::unique_ptr<DirectPublisher> publisher;
  std::unique_ptr<runtime::Shards> shards;
  std::shared_ptr<SpanReporter> spans;
  std::map<std::string, std::unique_ptr<ServicePeer>, std::less<>> peers;
  std::map<std::string, std::unique_ptr<WorkerPool>, std::less<>> pools;
  std::vector<std::shared_ptr<QueueConsumer>> consumers;
  std::vector<std::shared_ptr<PushDeclarer>> declarers;
  std::unique_ptr<runtime::HttpServer> listener;
};

Service::Service(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {
  check(!impl_->options.name.empty(), "a service needs a name");
}

Service::~Service() { stop(); }

void Service::tables(std::vector<std::string> statements) {
  for (std::string& statement : statements) impl_->statements.push_back(std::move(statement));
}

void Service::http(std::string method, std::string path, RequestHandler handler) {
  check(!impl_->started, "http() comes before start()");
  impl_->front.add_route(std::move(method), std::move(path), std::move(handler));
}

void Service::on(std::string queue, QueueOptions options, EventHandler handler) {
  check(!impl_->started, "on() comes before start()");
  impl_->pulls.push_back({std::move(queue), std::move(options), std::move(handler)});
}

void Service::on_push(std::string queue, PushOptions options, EventHandler handler) {
  check(!impl_->started, "on_push() comes before start()");
  if (options.path.empty()) options.path = "/events/" + queue;
  impl_->pushes.push_back({std::move(queue), std::move(options), std::move(handler)});
}

void Service::peer(std::string name, std::string address, Policy policy) {
  check(!impl_->started, "peer() comes before start()");
  impl_->peer_specs.insert_or_assign(std::move(name), Impl::PeerSpec{std::move(address), policy});
}

void Service::pool(std::string name, PoolOptions options) {
  check(!impl_->started, "pool() comes before start()");
  impl_->pools.insert_or_assign(std::move(name),
                                std::make_unique<WorkerPool>(options.threads, options.waiting_max));
}

Result<void> Service::start() {
  check(!impl_->started, "the service {} has been started", impl_->options.name);
  auto url = runtime::Url::parse(impl_->options.server);
  if (!url) return std::unexpected(url.error());
  impl_->server = {.url = *url, .service = impl_->options.name, .token = impl_->options.token};
  if (auto opened = impl_->open_database(); !opened) return opened;
  impl_->started = true;
  impl_->shards = runtime::start_shards(1);
  impl_->spans = std::make_shared<SpanReporter>(impl_->shards->at(0).executor(), impl_->server);
  impl_->spans->start();
  impl_->publisher =
      std::make_unique<DirectPublisher>(DirectPublisher::Options{.server = impl_->server,
                                                                 .timeout = impl_->options.publish_timeout,
                                                                 .database_file = impl_->options.database},
                                        impl_->database.get(), impl_->pause, impl_->counters);
  if (auto begun = impl_->publisher->start(); !begun) return begun;
  if (auto made = impl_->make_peers(); !made) return made;
  for (auto& [name, pool] : impl_->pools) pool->start();
  if (auto listening = impl_->listen(); !listening) return listening;
  impl_->begin_pulling();
  impl_->begin_pushes();
  return {};
}

Result<void> Service::Impl::open_database() {
  if (options.database.empty()) {
    if (pulls.empty() && pushes.empty()) return {};
    return error(ErrorCode::invalid, "{} handles events, so it needs a database to note them in",
                 options.name);
  }
  auto opened = relay::Database::open(options.database);
  if (!opened) return std::unexpected(opened.error());
  database = std::move(*opened);
  return database->write([&](relay::Transaction& tx) -> Result<void> {
    if (auto done = relay::Outbox().create(tx); !done) return done;
    if (auto done = relay::Inbox().create(tx); !done) return done;
    if (auto pruned = relay::Inbox().prune(tx, system_clock().wall_now()); !pruned) {
      return std::unexpected(pruned.error());
    }
    for (const std::string& statement : statements) {
      if (auto done = tx.run(statement); !done) return std::unexpected(done.error());
    }
    return {};
  });
}

Result<void> Service::Impl::make_peers() {
  for (const auto& [name, spec] : peer_specs) {
    auto address = runtime::Url::parse(spec.address);
    if (!address) return std::unexpected(address.error());
    ServicePeer::Options peer{.caller = options.name,
                              .peer = name,
                              .address = *address,
                              .policy = spec.policy,
                              .network_delay = options.network_delay};
    peers.emplace(name, std::make_unique<ServicePeer>(std::move(peer), pause, clients, *spans));
  }
  return {};
}

Result<void> Service::Impl::listen() {
  if (options.listen.empty()) {
    if (pushes.empty()) return {};
    return error(ErrorCode::invalid, "{} is pushed to, so it needs an address to listen on", options.name);
  }
  for (Push& push : pushes) {
    auto handle = [this, &push](const runtime::HttpRequest& request) -> HandledEvent {
      auto event = event_from_push(request, push.queue);
      if (!event) return {Handled::dead, event.error().message};
      return run_event(*database, options.name, push.handler, *event, counters);
    };
    front.add_push(push.options.path, {.secret = push.options.secret, .handle = std::move(handle)});
  }
  http_workers.start();
  auto listening = runtime::HttpServer::listen(
      {.address = options.listen}, shards->executors(),
      [this](runtime::HttpRequest request) { return front.answer(std::move(request)); });
  if (!listening) return std::unexpected(listening.error());
  listener = std::move(*listening);
  return {};
}

void Service::Impl::begin_pulling() {
  for (Pull& pull : pulls) {
    auto handle = [this, &pull](const Event& event) {
      return run_event(*database, options.name, pull.handler, event, counters);
    };
    consumers.push_back(std::make_shared<QueueConsumer>(shards->at(0).executor(), server, pull.queue,
                                                        pull.options, std::move(handle)));
    consumers.back()->start();
  }
}

void Service::Impl::begin_pushes() {
  for (const Push& push : pushes) {
    std::string url = "http://" + listener->address() + push.options.path;
    declarers.push_back(std::make_shared<PushDeclarer>(shards->at(0).executor(), server, push.queue,
                                                       push_settings(push.options, url)));
    declarers.back()->start();
  }
}

// False when something was still at work at the deadline.
bool Service::Impl::stop() {
  if (!shards) return true;
  Deadline deadline = Deadline::after(system_clock(), options.stop_timeout);
  bool finished = true;
  asio::dispatch(shards->at(0).executor(), std::packaged_task<void()>([&] {
                   for (auto& declarer : declarers) declarer->stop();
                 }));
  std::vector<std::future<bool>> stopping;
  for (auto& consumer : consumers) {
    stopping.push_back(asio::co_spawn(shards->at(0).executor(), consumer->stop(deadline), asio::use_future));
  }
  if (listener) run(listener->stop(deadline));
  for (auto& one : stopping) finished = one.get() && finished;
  for (auto& [name, pool] : pools) finished = pool->finish(deadline) && finished;
  finished = http_workers.finish(deadline) && finished;
  run(spans->stop(deadline));
  publisher->stop();
  pause.stop();
  return finished;
}

// Everything that lives on the shard goes before it, the threads that post to it first.
void Service::Impl::close() {
  for (auto& consumer : consumers) consumer->join();
  http_workers.join();
  for (auto& [name, pool] : pools) pool->join();
  listener.reset();
  consumers.clear();
  declarers.clear();
  peers.clear();
  spans.reset();
  shards.reset();
}

void Service::stop() {
  if (!impl_->shards) return;
  impl_->stop();
  impl_->close();
}

int Service::run() {
  if (!start_logging(impl_->options.log_level)) {
    fmt::print(stderr, "{}: '{}' is no log level; right are trace, debug, info, warn, error, off\n", name(),
               impl_->options.log_level);
    return 1;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before the threads start, which inherit it
  if (auto started = start(); !started) {
    spdlog::error("{}: {}", name(), started.error().message);
    return 1;
  }
  spdlog::info("{}: ready{}", name(), impl_->listener ? " at http://" + address() : "");
  int received = 0;
  sigwait(&signals, &received);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // a second one ends the program at once
  if (!impl_->stop()) {
    spdlog::error("{}: not everything was finished and acknowledged within {} s; it comes again", name(),
                  impl_->options.stop_timeout / std::chrono::seconds(1));
    ::_exit(1);  // a handler that does not return cannot be joined
  }
  impl_->close();
  return 0;
}

std::string Service::address() const { return impl_->listener ? impl_->listener->address() : std::string(); }

Result<void> Service::transact_erased(bool writing, const std::function<Result<void>(Tx&)>& work) {
  check(impl_->database != nullptr, "{} has no database, or has not been started", impl_->options.name);
  ServiceTx tx(*impl_->database, impl_->options.name, writing);
  if (auto done = work(tx); !done) return done;
  return tx.commit();
}

Result<std::string> Service::publish(Event event, OnFailure on_failure) {
  check(impl_->publisher != nullptr, "publish() comes after start()");
  return impl_->publisher->publish(std::move(event), on_failure);
}

Result<int64_t> Service::retry_refused() {
  check(impl_->publisher != nullptr, "retry_refused() comes after start()");
  return impl_->publisher->retry_refused();
}

Peer& Service::call(std::string_view name) {
  auto it = impl_->peers.find(name);
  check(it != impl_->peers.end(), "{} does not know the peer '{}': declare it with peer()",
        impl_->options.name, name);
  return *it->second;
}

Result<void> Service::run_async(std::string_view pool, std::function<void()> work) {
  auto it = impl_->pools.find(pool);
  check(it != impl_->pools.end(), "{} has no pool '{}': declare it with pool()", impl_->options.name, pool);
  auto with_context = [context = current_context(), work = std::move(work)] {
    ContextScope scope(context);
    work();
  };
  if (it->second->submit_async(std::move(with_context))) return {};
  return error(ErrorCode::over_limit, "the line of the pool '{}' is full", pool);
}

Counters Service::counters() const { return impl_->counters.read(); }
const std::string& Service::name() const { return impl_->options.name; }

relay::Database& Service::database() {
  check(impl_->database != nullptr, "{} has no database, or has not been started", impl_->options.name);
  return *impl_->database;
}

}  // namespace pabal::sdk
