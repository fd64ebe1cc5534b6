#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "runtime/http.h"

namespace pabal::runtime {

// "http://host:port/path" or "https://…"; `target` is never empty.
struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string target = "/";

  static Result<Url> parse(std::string_view text);
  [[nodiscard]] std::string authority() const;  // "host:port"
};

struct HttpClientLimits {
  size_t response_bytes_max = 64_MiB;
  size_t idle_connections_per_host_max = 64;
  Duration idle_timeout =
      std::chrono::seconds(20);  // below a server's, so that a pooled connection is rarely stale
};

// True for a peer_failed whose peer did answer, only not with HTTP: it is there, and wrong.
[[nodiscard]] bool is_garbled(const Error& failure);

// Sends requests over pooled keep-alive connections. Belongs to one executor (one thread). A request that
// fails on a *reused* connection before any byte of the answer is sent once more on a fresh one, if its
// method is idempotent or the connection was closed before it was written. Redirects are not followed.
class HttpClient {
 public:
  static std::unique_ptr<HttpClient> make(Executor executor, HttpClientLimits limits = {});
  virtual ~HttpClient() = default;

  // Errors: unreachable (refused, unknown host: nothing was sent), peer_failed (reset, garbage), timed_out,
  // too_large.
  virtual Task<Result<HttpResponse>> request(const Url& base, HttpRequest request, Deadline deadline) = 0;
  // For streamed answers (SSE): calls `piece` with each part of the body as it comes until it returns false,
  // the body ends or the deadline passes. The returned response has the head and, unless 2xx, the body.
  virtual Task<Result<HttpResponse>> stream(const Url& base, HttpRequest request, Deadline deadline,
                                            std::function<bool(std::string_view)> piece) = 0;
};

// The same for threads that may block: each call runs to its end on the calling thread. One thread at a time.
class BlockingHttpClient {
 public:
  explicit BlockingHttpClient(HttpClientLimits limits = {});
  ~BlockingHttpClient();
  BlockingHttpClient(const BlockingHttpClient&) = delete;
  BlockingHttpClient& operator=(const BlockingHttpClient&) = delete;

  Result<HttpResponse> request(const Url& base, HttpRequest request, Deadline deadline);
  Result<HttpResponse> stream(const Url& base, HttpRequest request, Deadline deadline,
                              std::function<bool(std::string_view)> piece);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pabal::runtime
