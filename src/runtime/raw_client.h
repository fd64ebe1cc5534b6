#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace pabal::runtime {

// A blocking TCP connection for tests: sends and reads exactly what it is told to.
class RawClient {
 public:
  explicit RawClient(const std::string& address);  // "127.0.0.1:port"
  RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  RawClient(const RawClient&) = delete;
  ~RawClient() { close(); }

  // False when the peer has closed.
  bool send(std::string_view bytes);
  void send_one_by_one(std::string_view bytes);
  // What has come until `marker` has, or the peer closes, or `time` is over.
  std::string read_until(std::string_view marker, Duration time = std::chrono::seconds(30));
  // What comes until the peer closes.
  std::string read_all(Duration time = std::chrono::seconds(30));
  // One whole answer with a Content-Length.
  std::string read_answer();
  void finish_sending();
  void close();
  // With a reset instead of a goodbye.
  void reset();

 private:
  int socket_ = -1;
  std::string ahead_;  // read, and not yet asked for
};

}  // namespace pabal::runtime
