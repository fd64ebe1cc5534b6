#include "shop/mail/smtp.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <netdb.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace shop {
namespace {

constexpr size_t answer_bytes_max = 65'536;

// One conversation with a mail server.
class Conversation {
 public:
  ~Conversation() {
    if (socket_ >= 0) close(socket_);
  }

  Result<void> connect(const std::string& host, const std::string& port) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (int problem = getaddrinfo(host.c_str(), port.c_str(), &wanted, &found); problem != 0) {
      return error(ErrorCode::peer_failed, "{}: {}", host, gai_strerror(problem));
    }
    for (addrinfo* at = found; at != nullptr && socket_ < 0; at = at->ai_next) try_address(*at);
    freeaddrinfo(found);
    if (socket_ < 0) return error(ErrorCode::peer_failed, "{}:{}: {}", host, port, std::strerror(errno));
    return expect(220);
  }

  // Sends one line and wants one kind of answer.
  Result<void> say(std::string_view line, int wanted) {
    auto sent = write_all(std::string(line) + "\r\n");
    return sent ? expect(wanted) : sent;
  }

  Result<void> write_all(std::string_view text) {
    while (!text.empty()) {
      ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0)
        return error(ErrorCode::peer_failed, "the mail server takes nothing: {}", std::strerror(errno));
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return {};
  }

 private:
  void try_address(const addrinfo& address) {
    socket_ = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
    timeval limit{.tv_sec = SmtpSender::answer_seconds_max, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (socket_ >= 0 && ::connect(socket_, address.ai_addr, address.ai_addrlen) != 0) {
      close(socket_);
      socket_ = -1;
    }
  }

  // An answer is lines "250-…", the last one "250 …".
  Result<void> expect(int wanted) {
    for (;;) {
      auto line = read_line();
      if (!line) return std::unexpected(line.error());
      int code = 0;
      std::from_chars(line->data(), line->data() + std::min<size_t>(line->size(), 3), code);
      if (line->size() > 3 && (*line)[3] == '-' && code >= 200) continue;
      if (code == wanted) return {};
      ErrorCode kind = code >= 500 && code < 600   ? ErrorCode::invalid
                       : code >= 400 && code < 500 ? ErrorCode::unavailable
                                                   : ErrorCode::peer_failed;
      return error(kind, "the mail server answered \"{:.200}\", wanted {}", *line, wanted);
    }
  }

  Result<std::string> read_line() {
    for (;;) {
      if (size_t end = received_.find('\n'); end != std::string::npos) {
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        return line;
      }
      char piece[1024];
      ssize_t got = recv(socket_, piece, sizeof piece, 0);
      if (got == 0) return error(ErrorCode::peer_failed, "the mail server closed the connection");
      if (got < 0)
        return error(ErrorCode::timed_out, "no answer from the mail server: {}", std::strerror(errno));
      received_.append(piece, static_cast<size_t>(got));
      if (received_.size() > answer_bytes_max)
        return error(ErrorCode::peer_failed, "the mail server does not end");
    }
  }

  int socket_ = -1;
  std::string received_;
};

// A line that begins with a dot gets another one; a lone dot ends the mail.
std::string dot_stuffed(const std::string& text) {
  std::string result;
  bool line_begins = true;
  for (char c : text) {
    if (line_begins && c == '.') result += '.';
    result += c;
    line_begins = c == '\n';
  }
  return result + ".";
}

}  // namespace

Result<SmtpSender> SmtpSender::from_url(std::string_view url) {
  constexpr std::string_view scheme = "smtp://";
  std::string_view place = url.starts_with(scheme) ? url.substr(scheme.size()) : "";
  if (place.ends_with('/')) place.remove_suffix(1);
  size_t colon = place.rfind(':');
  std::string host(place.substr(0, colon));
  std::string port(colon == std::string_view::npos ? "25" : place.substr(colon + 1));
  bool digits = !port.empty() && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  if (host.empty() || host.find_first_of("/@ ") != std::string::npos || !digits) {
    return error(ErrorCode::invalid, "SMTP_URL is \"{}\"; expected smtp://host:port (no TLS, no log-in)",
                 url);
  }
  return SmtpSender(std::move(host), std::move(port));
}

Result<void> SmtpSender::send(const Mail& mail) const {
  if (auto fit = check_address(mail.to); !fit) return fit;
  Conversation server;
  if (auto greeted = server.connect(host_, port_); !greeted) return greeted;
  struct Step {
    std::string line;
    int answer;
  };
  for (const Step& step : {Step{"EHLO shop.example", 250}, Step{"MAIL FROM:<orders@shop.example>", 250},
                           Step{"RCPT TO:<" + mail.to + ">", 250}, Step{"DATA", 354},
                           Step{dot_stuffed(to_rfc5322(mail, "\r\n")), 250}}) {
    if (auto said = server.say(step.line, step.answer); !said) return said;
  }
  (void)server.say("QUIT", 221);  // the mail is theirs already
  return {};
}

}  // namespace shop
