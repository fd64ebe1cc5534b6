#pragma once

#include <optional>
#include <span>

#include "base/bytes.h"
#include "protocol/kafka/header.h"

// Kafka's frames over blocking sockets, for what speaks the protocol without librdkafka.
namespace pabal::bench {

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket();
  [[nodiscard]] int get() const { return descriptor_; }

  // What follows the size; nullopt when the peer has closed.
  [[nodiscard]] std::optional<SharedBytes> read_frame() const;
  // False when the peer has closed.
  [[nodiscard]] bool write(std::span<const SharedBytes> pieces) const;

 private:
  [[nodiscard]] bool read_exactly(uint8_t* into, size_t bytes) const;
  int descriptor_;
};

// To 127.0.0.1; nullopt when nobody listens.
[[nodiscard]] std::optional<Socket> connect_to(int port);
[[nodiscard]] Socket listen_on(int port);
[[nodiscard]] std::optional<Socket> accept_from(const Socket& listener);

}  // namespace pabal::bench
