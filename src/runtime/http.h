#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "runtime/asio.h"

namespace pabal::runtime {

// HTTP/1.1 messages as the doors, push, relays and the SDK see them; the bytes on the wire are Boost.Beast's.

// Header fields in the order they came; names compare without case.
class HttpFields {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  // Replaces every field of that name.
  void set(std::string_view name, std::string value);
  // The first one, or nullptr.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  [[nodiscard]] std::string_view get(std::string_view name, std::string_view otherwise = {}) const;
  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }
  [[nodiscard]] size_t size() const { return fields_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Tells the handler of one request that nobody waits for its answer any longer: the client has gone, or the
// server is stopping. A long poll ends itself then; what has begun to change something carries on. Belongs to
// the connection's shard.
class HangUp {
 public:
  [[nodiscard]] bool happened() const { return happened_; }
  // Runs `callback` once when it happens, at once when it has. The last callback given counts; an empty one
  // takes it away. Give an empty one before what the callback refers to dies.
  void then(std::move_only_function<void()> callback);
  void set();  // for the server

 private:
  bool happened_ = false;
  std::move_only_function<void()> callback_;
};

struct HttpRequest {
  std::string method = "GET";  // upper case
  std::string target = "/";    // as sent: path and query, percent-encoded
  HttpFields fields = {};
  std::string body = {};
  std::string peer = {};                 // "127.0.0.1:51234", set by the server
  std::shared_ptr<HangUp> hang_up = {};  // set by the server, for handlers that wait

  [[nodiscard]] std::string_view path() const;   // up to '?', still encoded
  [[nodiscard]] std::string_view query() const;  // after '?', or empty
};

// Writes the pieces of a streamed answer (Server-Sent Events). write() returns when the socket took the
// bytes, so a slow reader slows its writer and nobody else; after an error or a close nothing more can be
// written.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  virtual Task<Result<void>> write(std::string_view piece) = 0;
  // True as soon as the client is known to have gone or the server is stopping.
  [[nodiscard]] virtual bool closed() const = 0;
};

struct HttpResponse {
  int status = 200;
  HttpFields fields = {};
  std::string body = {};
  // When set, the head is sent with chunked encoding, then this writes the body until it returns.
  std::move_only_function<Task<>(HttpStream&)> stream = {};
};

// Answers one request. Runs on the connection's shard; may suspend; must not block.
using HttpHandler = std::function<Task<HttpResponse>(HttpRequest)>;

// "%2F" and friends; nullopt for a malformed escape. '+' is left alone.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string percent_encode(std::string_view text);  // all but unreserved characters
// The decoded value of `name` in a query string, the first one.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace pabal::runtime
