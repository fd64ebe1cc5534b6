#include "runtime/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace pabal::runtime {

RawClient::RawClient(const std::string& address) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int failed = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to);
  check(failed == 0, "cannot connect to {}", address);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void RawClient::send_one_by_one(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) send(bytes.substr(i, 1));
}

std::string RawClient::read_until(std::string_view marker, Duration time) {
  Deadline deadline = Deadline::after(system_clock(), time);
  std::string got = std::exchange(ahead_, {});
  while (true) {
    size_t at = marker.empty() ? std::string::npos : got.find(marker);
    if (at != std::string::npos) {
      ahead_ = got.substr(at + marker.size());
      got.resize(at + marker.size());
      return got;
    }
    pollfd poll_for{.fd = socket_, .events = POLLIN, .revents = 0};
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left(system_clock()));
    if (::poll(&poll_for, 1, static_cast<int>(left.count())) <= 0) return got;
    char buffer[16384];
    ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
    if (count <= 0) return got;
    got.append(buffer, static_cast<size_t>(count));
  }
}

std::string RawClient::read_all(Duration time) { return read_until({}, time); }

std::string RawClient::read_answer() {
  std::string head = read_until("\r\n\r\n");
  size_t at = head.find("Content-Length: ");
  if (at == std::string::npos) return head;
  size_t length = std::stoul(head.substr(at + 16));
  std::string body = std::exchange(ahead_, {});
  while (body.size() < length) {
    char buffer[16384];
    ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
    if (count <= 0) break;
    body.append(buffer, static_cast<size_t>(count));
  }
  ahead_ = body.substr(std::min(length, body.size()));
  body.resize(std::min(length, body.size()));
  return head + body;
}

void RawClient::finish_sending() { ::shutdown(socket_, SHUT_WR); }

void RawClient::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void RawClient::reset() {
  linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

}  // namespace pabal::runtime
