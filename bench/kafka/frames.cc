#include "frames.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "log/big_endian.h"

namespace pabal::bench {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void send_at_once(int descriptor) {
  int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool Socket::read_exactly(uint8_t* into, size_t bytes) const {
  while (bytes > 0) {
    ssize_t got = ::recv(descriptor_, into, bytes, MSG_WAITALL);
    if (got <= 0) return false;
    into += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

std::optional<SharedBytes> Socket::read_frame() const {
  Bytes size(kafka::frame_size_bytes);
  if (!read_exactly(size.data(), size.size())) return std::nullopt;
  Bytes frame(static_cast<size_t>(log::load<int32_t>(size, 0)));
  if (!read_exactly(frame.data(), frame.size())) return std::nullopt;
  return SharedBytes(std::move(frame));
}

bool Socket::write(std::span<const SharedBytes> pieces) const {
  for (const SharedBytes& piece : pieces) {
    int more = &piece == &pieces.back() ? 0 : MSG_MORE;
    for (size_t sent = 0; sent < piece.size();) {
      ssize_t count =
          ::send(descriptor_, piece.view().data() + sent, piece.size() - sent, MSG_NOSIGNAL | more);
      if (count <= 0) return false;
      sent += static_cast<size_t>(count);
    }
  }
  return true;
}

std::optional<Socket> connect_to(int port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return std::nullopt;
  send_at_once(socket.get());
  return socket;
}

Socket listen_on(int port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback(port);
  check(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
            ::listen(socket.get(), SOMAXCONN) == 0,
        "cannot listen on port {}", port);
  return socket;
}

std::optional<Socket> accept_from(const Socket& listener) {
  int descriptor = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  send_at_once(descriptor);
  return Socket(descriptor);
}

}  // namespace pabal::bench
