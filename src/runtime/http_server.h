#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "runtime/certificates.h"
#include "runtime/http.h"

namespace pabal::runtime {

// Defaults are HTTP.md's "Defaults and limits".
struct HttpServerLimits {
  size_t connections_max = 20'000;
  size_t head_bytes_max = 32_KiB;
  size_t body_bytes_max = 16_MiB;
  size_t bodies_bytes_max = 1_GiB;  // of all requests being read or answered together; beyond it 503
  Duration head_timeout =
      std::chrono::seconds(10);  // from the first byte of a request to the end of its head
  Duration idle_timeout = std::chrono::seconds(60);  // between requests
  Duration body_window =
      std::chrono::seconds(30);           // a body that brings less than body_window_bytes_min in each
  size_t body_window_bytes_min = 64_KiB;  // such window, and is not complete, is given up (408)
  Duration write_timeout = std::chrono::seconds(30);  // a peer that takes nothing for so long is dropped
};

// An HTTP/1.1 listener over several executors (one per shard): each accepted connection lives on one of them,
// and its handler runs there. Owns its sockets. start() and stop() on the thread that made it.
class HttpServer {
 public:
  struct Options {
    std::string address = "127.0.0.1:0";  // "host:port", "[::1]:port"; port 0 picks a free one
    HttpServerLimits limits = {};
    std::shared_ptr<Certificates> tls = {};  // none: in the clear
    // A request whose handler asks for more body than limits.body_bytes_max never reaches the handler (413).
  };

  // Whether listen() would find its address free now.
  static Result<void> can_listen(const std::string& address);
  // Binds and listens; an address in use is `conflict` with the address in the message.
  static Result<std::unique_ptr<HttpServer>> listen(Options options, std::vector<Executor> shards,
                                                    HttpHandler handler);
  virtual ~HttpServer() = default;

  [[nodiscard]] virtual std::string address() const = 0;  // with the real port
  [[nodiscard]] virtual size_t connections() const = 0;
  // Stops accepting, tells streams they are closed, lets running requests finish until `deadline`, then cuts.
  virtual Task<> stop(Deadline deadline) = 0;
};

}  // namespace pabal::runtime
