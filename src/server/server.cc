#include "server/server.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <thread>
#include <unistd.h>

#include "base/logging.h"
#include "doors/http/group_json.h"
#include "doors/http/queue_json.h"
#include "engine/embedded.h"
#include "runtime/timers.h"
#include "server/ports_file.h"
#include "server/version.h"

namespace pabal::server {
namespace {

// Shares of stop_time_max: what works has this long to end, then what waits is told to.
constexpr Duration working_time_max = std::chrono::seconds(2);
constexpr Duration draining_time_max = std::chrono::milliseconds(3'500);
constexpr Duration drain_check_every = std::chrono::milliseconds(2);

size_t shard_count(const Settings& settings) {
  if (settings.shards > 0) return static_cast<size_t>(settings.shards);
  return std::max(1U, std::thread::hardware_concurrency());
}

// Runs a coroutine on a shard while this thread, which is none, waits.
template <class T>
T wait_for(runtime::Shards& shards, runtime::Task<T> task) {
  return asio::co_spawn(shards.at(0).executor(), std::move(task), asio::use_future).get();
}

void warn_of_the_clear(const std::string& kafka_address) {
  auto listen = doors::parse_host_port(kafka_address);
  if (listen && doors::is_loopback(listen->host)) return;
  spdlog::warn(
      "kafka: {} has no TLS: everybody on the way can read what its clients say. --kafka-tls-cert and "
      "--kafka-tls-key turn it on; until then a password in the clear (PLAIN) is taken from this machine "
      "only",
      kafka_address);
}

// For the power-loss tests, which have to notice: a server that acknowledges what it never flushed. A release
// does not know it.
engine::PlantedBug planted_bug() {
#ifdef PABAL_TEST_HOOKS
  if (std::getenv("PABAL_TEST_SKIP_FLUSH") != nullptr) {
    spdlog::warn(
        "server: PABAL_TEST_SKIP_FLUSH is set: nothing is flushed, a power loss will lose acknowledged data");
    return engine::PlantedBug::skip_flush;
  }
#endif
  return engine::PlantedBug::none;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(Settings settings) {
  if (auto ok = check_settings(settings); !ok) return std::unexpected(ok.error());
  std::unique_ptr<Server> server(new Server(std::move(settings)));
  for (auto step : {&Server::check_doors, &Server::open_storage, &Server::open_broker, &Server::open_door,
                    &Server::open_kafka_door, &Server::announce}) {
    auto done = (server.get()->*step)();
    if (!done) return std::unexpected(done.error());
  }
  return server;
}

Server::~Server() { stop(); }

// Who gives a wrong address or file hears it before anything is made on the disk.
Result<void> Server::check_doors() {
  if (auto read = read_tokens(); !read) return read;
  if (auto read = read_certificates(); !read) return read;
  if (auto done = runtime::HttpServer::can_listen(settings_.http_address); !done) return done;
  std::string kafka = kafka_listener(settings_);
  return kafka.empty() ? Result<void>() : runtime::HttpServer::can_listen(kafka);
}

Result<void> Server::read_tokens() {
  if (settings_.token_file.empty()) return {};
  auto read = doors::Tokens::read_file(settings_.token_file);
  if (!read) return std::unexpected(read.error());
  tokens_ = std::move(*read);
  return {};
}

Result<void> Server::read_certificates() {
  auto open = [](runtime::TlsFiles files, std::shared_ptr<runtime::Certificates>& into) -> Result<void> {
    if (files.certificate_chain.empty()) return {};
    auto opened = runtime::Certificates::open(std::move(files));
    if (!opened) return std::unexpected(opened.error());
    into = std::move(*opened);
    return {};
  };
  if (auto done = open({settings_.tls_certificate, settings_.tls_key}, http_certificates_); !done)
    return done;
  if (kafka_listener(settings_).empty()) return {};
  return open({settings_.kafka_tls_certificate, settings_.kafka_tls_key, settings_.kafka_client_authorities},
              kafka_certificates_);
}

void Server::read_certificates_again(ReadAgain which) {
  for (auto [door, certificates] :
       {std::pair{"http", http_certificates_.get()}, {"kafka", kafka_certificates_.get()}}) {
    if (certificates == nullptr) continue;
    if (which == ReadAgain::changed && !certificates->changed()) continue;
    if (auto done = certificates->read_again()) {
      spdlog::info("{}: new connections get the certificate {}", door, certificates->describe());
    } else {
      spdlog::error("{}: {}; new connections get the certificate of before: {}", door, done.error().message,
                    certificates->describe());
    }
  }
}

Result<void> Server::open_storage() {
  shards_ = runtime::start_shards(shard_count(settings_));
  engine::EmbeddedOptions options;
  options.data_dir = settings_.data_dir;
  options.shards = shards_.get();
  options.bug = planted_bug();
  if (settings_.disk_reserve_bytes != 0) options.limits.disk_reserve_bytes = settings_.disk_reserve_bytes;
  auto opened = engine::open_embedded(std::move(options));
  if (!opened) return std::unexpected(opened.error());
  engine_ = std::move(*opened);
  return {};
}

Result<void> Server::open_broker() {
  flows::ObservatoryOptions seen;
  seen.trace.retention = settings_.trace_retention;
  seen.trace.bytes_max = settings_.trace_bytes;
  seen.search_headers = settings_.search_headers;
  observatory_ = std::make_unique<flows::Observatory>(*shards_, std::move(seen));
  metered_ = std::make_unique<doors::MeteredObserver>(*observatory_);
  broker::BrokerOptions options{.auto_create_topics = settings_.auto_create_topics};
  auto opened = wait_for(*shards_, broker::Broker::open(*shards_, *engine_, *metered_, options));
  if (!opened) return std::unexpected(opened.error());
  broker_ = std::move(*opened);
  auto security = wait_for(*shards_, broker::Security::open(*shards_, *engine_));
  if (!security) return std::unexpected(security.error());
  security_ = std::move(*security);
  overview_ = std::make_unique<flows::Overview>(
      *broker_, *engine_, *observatory_, std::string(version),
      [](const broker::QueueInfo& queue) { return nlohmann::json(doors::queue_json(queue)); },
      [](const flows::GroupLook& group) { return nlohmann::json(doors::group_json(group)); });
  trace_ = std::make_unique<flows::Trace>(*broker_, *observatory_);
  observed_ = std::make_unique<Observed>(*observatory_, *overview_, *trace_);
  push_ = std::make_unique<flows::Push>(*shards_, *broker_, *observatory_);
  wait_for(*shards_, push_->start());
  return {};
}

Result<void> Server::open_door() {
  door_ = std::make_unique<doors::HttpDoor>(doors::HttpDoor::Parts{
      .shards = *shards_,
      .broker = *broker_,
      .engine = *engine_,
      .seeing = *observed_,
      .access = doors::Access(settings_.http_address, settings_.allowed_hosts, tokens_, security_.get()),
      .check_push = flows::check_push,
      .more_metrics = [this](std::string& out) { append_metrics(out); },
      .version = std::string(version),
      .security = security_.get()});
  runtime::HttpServer::Options options{.address = settings_.http_address, .tls = http_certificates_};
  auto listening = runtime::HttpServer::listen(
      std::move(options), shards_->executors(),
      [this](runtime::HttpRequest request) { return door_->handle(std::move(request)); });
  if (!listening) return std::unexpected(listening.error());
  http_ = std::move(*listening);
  return {};
}

Result<void> Server::open_kafka_door() {
  std::string address = kafka_listener(settings_);
  if (address.empty()) return {};
  auto listening = doors::KafkaDoor::listen({.address = address,
                                             .advertised = settings_.kafka_advertised,
                                             .access = {.required = kafka_authenticates(settings_),
                                                        .tokens = &tokens_,
                                                        .security = security_.get(),
                                                        .session_lifetime = settings_.kafka_session_lifetime},
                                             .tls = kafka_certificates_},
                                            {.shards = *shards_,
                                             .broker = *broker_,
                                             .engine = *engine_,
                                             .observatory = *observatory_,
                                             .auto_create_topics = settings_.auto_create_topics,
                                             .data_directory = settings_.data_dir});
  if (!listening) return std::unexpected(listening.error());
  kafka_ = std::move(*listening);
  if (settings_.kafka_tls_certificate.empty()) warn_of_the_clear(kafka_->address());
  return {};
}

Result<void> Server::announce() {
  if (settings_.ports_file.empty()) return {};
  std::map<std::string, std::string> addresses{{"http", http_->address()}};
  if (kafka_) {
    addresses.emplace("kafka", kafka_->address());
  }
  auto written = write_ports_file(settings_.ports_file, addresses);
  announced_ = written.has_value();
  return written;
}

void Server::append_metrics(std::string& out) const {
  metered_->append_to(out);
  doors::append_metric_head(out, "pabal_http_connections", "gauge", "Open connections of the HTTP door.");
  out += fmt::format("pabal_http_connections {}\n", http_ ? http_->connections() : 0);
  doors::append_metric_head(out, "pabal_kafka_connections", "gauge", "Open connections of the Kafka door.");
  out += fmt::format("pabal_kafka_connections {}\n", kafka_ ? kafka_->connections() : 0);
  doors::append_metric_head(out, "pabal_observations_dropped_total", "counter",
                            "What was not remembered for traces because too much came.");
  out += fmt::format("pabal_observations_dropped_total {}\n", observatory_->dropped());
}

void Server::stop() {
  if (std::exchange(stopped_, true) || !shards_) return;
  if (broker_) wait_for(*shards_, drain(Deadline::after(shards_->clock(), draining_time_max)));
  if (engine_) wait_for(*shards_, engine_->stop());
  if (announced_) ::unlink(settings_.ports_file.c_str());
}

runtime::Task<> Server::drain(Deadline deadline) {
  const Clock& clock = shards_->clock();
  Deadline working = Deadline::after(clock, working_time_max);
  if (push_) co_await push_->stop(working);
  if (door_) {
    door_->draining().begin();
    while (door_->draining().working() > 0 && !working.passed(clock)) {
      co_await runtime::sleep_for(shards_->at(0).timers(), drain_check_every);
    }
  }
  if (kafka_) co_await kafka_->stop(working);
  if (security_) co_await security_->stop();
  co_await broker_->stop();  // long polls and streams end with this
  if (http_) co_await http_->stop(deadline);
}

}  // namespace pabal::server
