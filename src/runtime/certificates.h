#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "runtime/asio.h"

namespace pabal::runtime {

constexpr size_t pem_bytes_max = 1_MiB;  // of each file

struct TlsFiles {
  std::string certificate_chain;  // PEM
  std::string private_key;        // PEM
  // PEM: a client has to show a certificate that one of these authorities has signed. Empty: none is asked
  // for.
  std::string client_authorities = {};
};

// What a listener needs for TLS 1.2 and 1.3, from files that may be replaced while it listens: a connection
// keeps what it began with, the next one gets what was read last. What does not fit together is refused, and
// what there was stays. Read again on one thread at a time, which must not be a shard's, for it blocks on the
// disk; current() from any thread.
class Certificates {
 public:
  // An error (invalid) names the file and what is wrong with it.
  static Result<std::shared_ptr<Certificates>> open(TlsFiles files);
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // For one connection, which holds it until its handshake is done.
  [[nodiscard]] std::shared_ptr<asio::ssl::context> current() const;
  // Whether a file holds something else than when they were last read, successfully or not.
  [[nodiscard]] bool changed() const;
  // The errors of open(); after one, current() is what it was.
  Result<void> read_again();
  // The server's own certificate: "CN=localhost, serial 4F01, valid until 2026-11-21T08:00:00Z".
  [[nodiscard]] std::string describe() const;

 private:
  // What the files hold, or why they cannot be read.
  struct Contents;

  explicit Certificates(TlsFiles files) : files_(std::move(files)) {}
  [[nodiscard]] Contents read() const;
  [[nodiscard]] Result<asio::ssl::context> make_context(const Contents& contents) const;

  TlsFiles files_;
  size_t seen_ = 0;  // the hash of what was last read
  // Connections of every shard ask, once each; a message to all shards would leave them, for a while, with
  // different ones.
  mutable std::mutex mutex_;
  std::shared_ptr<asio::ssl::context> current_;  // under mutex_
};

}  // namespace pabal::runtime
