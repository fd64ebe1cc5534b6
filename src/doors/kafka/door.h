#pragma once

#include <memory>
#include <string>

#include "doors/kafka/connection.h"
#include "runtime/certificates.h"

namespace pabal::doors {

// The listener that speaks Kafka's protocol, over all shards: each connection lives on one of them. Owns its
// sockets. Made and stopped on the main thread's behalf, like the HTTP server.
class KafkaDoor {
 public:
  struct Options {
    std::string address = "127.0.0.1:9092";  // port 0 picks a free one
    std::string advertised = {};             // "host:port" that clients are told; empty: the address
    KafkaLimits limits = {};
    KafkaAccess access = {};
    std::shared_ptr<runtime::Certificates> tls = {};  // none: in the clear
  };

  // Binds and listens; an address in use is `conflict` with the address in the message.
  static Result<std::unique_ptr<KafkaDoor>> listen(Options options, KafkaParts parts);
  ~KafkaDoor();

  [[nodiscard]] const std::string& address() const { return address_; }  // with the real port
  [[nodiscard]] size_t connections() const { return shared_->connections; }
  // Stops accepting, ends waits, lets running requests finish until `deadline`, then cuts.
  runtime::Task<> stop(Deadline deadline);

 private:
  struct Lane;
  using Lanes = std::vector<std::shared_ptr<Lane>>;

  KafkaDoor(std::shared_ptr<KafkaShared> shared, std::shared_ptr<asio::ip::tcp::acceptor> acceptor,
            Lanes lanes);
  void begin_stop();
  void for_each_connection(void (KafkaConnection::*act)());
  runtime::Task<> wait_until_empty(Deadline deadline);
  static runtime::Task<> accept_all(std::shared_ptr<KafkaShared> shared,
                                    std::shared_ptr<asio::ip::tcp::acceptor> acceptor, Lanes lanes);
  static runtime::Task<> serve(std::shared_ptr<KafkaShared> shared, std::shared_ptr<Lane> lane,
                               runtime::Wire::Socket socket);

  std::shared_ptr<KafkaShared> shared_;
  std::shared_ptr<asio::ip::tcp::acceptor> acceptor_;
  Lanes lanes_;
  std::string address_;
};

}  // namespace pabal::doors
