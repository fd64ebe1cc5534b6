#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "broker/broker.h"
#include "broker/security.h"
#include "doors/http/door.h"
#include "doors/http/metrics.h"
#include "doors/kafka/door.h"
#include "engine/engine.h"
#include "flows/observatory.h"
#include "flows/overview.h"
#include "flows/push.h"
#include "flows/trace.h"
#include "runtime/http_server.h"
#include "runtime/shards.h"
#include "server/observed.h"
#include "server/settings.h"

namespace pabal::server {

// From the request to stop to the end of the process.
constexpr Duration stop_time_max = std::chrono::seconds(5);

// All the rooms, put together. Owns them and starts and stops them in order. For the main thread, which is
// none of the shards'.
class Server {
 public:
  // Ready to serve when it returns: data recovered, listening, ports file written. Errors say what is wrong
  // and what would be right: a port or data directory in use, data of an unknown version, an address open to
  // all.
  static Result<std::unique_ptr<Server>> start(Settings settings);
  // Stops at once when stop() was not called; what was acknowledged is safe either way.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "127.0.0.1:8080", with the real port.
  [[nodiscard]] std::string http_address() const { return http_->address(); }
  // Empty when the Kafka door is closed.
  [[nodiscard]] std::string kafka_address() const { return kafka_ ? kafka_->address() : ""; }
  [[nodiscard]] bool tls() const { return !settings_.tls_certificate.empty(); }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  // What went wrong while starting but lets it serve: the storage takes no writes. Empty when all is well.
  [[nodiscard]] std::string trouble() const { return engine_->health().reason; }

  // Reads the files of certificates again, those that have changed or all: connections from then on get what
  // they hold. What does not fit is refused with a line in the log, and the old stays in use. Blocks on the
  // disk.
  enum class ReadAgain : uint8_t { changed, all };
  void read_certificates_again(ReadAgain which);

  // Refuses new calls, finishes those that work, ends those that wait, then closes everything: within
  // stop_time_max, whatever clients do.
  void stop();

 private:
  explicit Server(Settings settings) : settings_(std::move(settings)) {}
  Result<void> check_doors();
  Result<void> read_tokens();
  Result<void> read_certificates();
  Result<void> open_storage();
  Result<void> open_broker();
  Result<void> open_door();
  Result<void> open_kafka_door();
  Result<void> announce();
  runtime::Task<> drain(Deadline deadline);
  void append_metrics(std::string& out) const;

  Settings settings_;
  bool stopped_ = false;
  bool announced_ = false;  // the ports file is there
  // Destroyed from the last to the first: the shards end last, for all the others run on them.
  std::unique_ptr<runtime::Shards> shards_;
  doors::Tokens tokens_;
  std::shared_ptr<runtime::Certificates> http_certificates_;   // none: in the clear
  std::shared_ptr<runtime::Certificates> kafka_certificates_;  // none: in the clear
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<flows::Observatory> observatory_;
  std::unique_ptr<doors::MeteredObserver> metered_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<broker::Security> security_;
  std::unique_ptr<flows::Overview> overview_;
  std::unique_ptr<flows::Trace> trace_;
  std::unique_ptr<flows::Push> push_;
  std::unique_ptr<Observed> observed_;
  std::unique_ptr<doors::HttpDoor> door_;
  std::unique_ptr<runtime::HttpServer> http_;
  std::unique_ptr<doors::KafkaDoor> kafka_;
};

}  // namespace pabal::server
