#pragma once

#include <memory>
#include <string>

#include "shop/mail/message.h"

namespace shop {

// Hands mails to a mail server over SMTP (RFC 5321), one connection per mail. Knows no TLS and no log-in: it
// is for a relay on the same machine, such as a catch-all for trying. Blocks; any thread.
class SmtpSender {
 public:
  static constexpr int answer_seconds_max = 10;

  // "smtp://host:port", the port 25 when it is missing.
  static Result<SmtpSender> from_url(std::string_view url);

  // The server has taken the mail when this succeeds. A refusal for good (5xx) is `invalid`, one for now
  // (4xx) `unavailable`.
  [[nodiscard]] Result<void> send(const Mail& mail) const;

 private:
  SmtpSender(std::string host, std::string port) : host_(std::move(host)), port_(std::move(port)) {}
  std::string host_;
  std::string port_;
};

}  // namespace shop
