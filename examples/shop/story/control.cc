#include "shop/story/control.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace shop {
namespace {

constexpr size_t message_bytes_max = 65'536;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

// A socket's address has little room: the directory is named by its descriptor, however long its path is.
sockaddr_un address_in(const Descriptor& directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = fmt::format("/proc/self/fd/{}/control", directory.number());
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

std::string read_message(int socket) {
  std::string message;
  char piece[4096];
  for (ssize_t got; message.size() < message_bytes_max && (got = read(socket, piece, sizeof piece)) > 0;) {
    message.append(piece, static_cast<size_t>(got));
  }
  return message;
}

void write_message(int socket, std::string_view message) {
  while (!message.empty()) {
    ssize_t sent = send(socket, message.data(), message.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    message.remove_prefix(static_cast<size_t>(sent));
  }
  shutdown(socket, SHUT_WR);
}

class RealControlServer : public ControlServer {
 public:
  RealControlServer(Descriptor directory, Descriptor listener, Handler handler)
      : directory_(std::move(directory)),
        listener_(std::move(listener)),
        handler_(std::move(handler)),
        end_(eventfd(0, EFD_CLOEXEC)),
        thread_([this] { run(); }) {}

  ~RealControlServer() override {
    eventfd_write(end_.number(), 1);
    thread_.join();
  }

 private:
  void run() {
    for (;;) {
      pollfd waited[2] = {{end_.number(), POLLIN, 0}, {listener_.number(), POLLIN, 0}};
      if (poll(waited, 2, -1) < 0 || waited[0].revents != 0) return;
      Descriptor client(accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
      if (client.number() >= 0) answer(client);
    }
  }

  void answer(const Descriptor& client) {
    timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(client.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    auto words = nlohmann::json::parse(read_message(client.number()), nullptr, false);
    std::vector<std::string> command;
    for (const auto& word : words.is_array() ? words : nlohmann::json::array()) {
      if (word.is_string()) command.push_back(word.get<std::string>());
    }
    Answer said = handler_(command);
    write_message(client.number(), nlohmann::json{{"status", said.status}, {"text", said.text}}.dump());
  }

  Descriptor directory_;
  Descriptor listener_;
  Handler handler_;
  Descriptor end_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::listen(const std::string& path, Handler handler) {
  Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() < 0) return std::unexpected(pabal::system_error(errno, path));
  Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = address_in(directory);
  unlink(address.sun_path);
  mode_t before = umask(0177);
  bool bound = bind(listener.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  umask(before);
  if (!bound || ::listen(listener.number(), 4) != 0)
    return std::unexpected(pabal::system_error(errno, path + "/control"));
  return std::make_unique<RealControlServer>(std::move(directory), std::move(listener), std::move(handler));
}

Result<ControlServer::Answer> send_command(const std::string& path, const std::vector<std::string>& words) {
  Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Descriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = address_in(directory);
  if (directory.number() < 0 ||
      connect(client.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return error(ErrorCode::unavailable, "no story is running; start it with ./dev run");
  }
  write_message(client.number(), nlohmann::json(words).dump());
  auto answer = nlohmann::json::parse(read_message(client.number()), nullptr, false);
  if (!answer.is_object()) return error(ErrorCode::peer_failed, "the story went away");
  return ControlServer::Answer{answer.value("status", 1), answer.value("text", "")};
}

}  // namespace shop
