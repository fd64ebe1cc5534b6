#pragma once

#include <string>
#include <vector>

#include "shop/mail/message.h"

namespace shop {

// A directory of mails as mail programs know it: written to tmp/, then renamed into new/. A mail's file is
// named by its event, so delivering the same one again replaces it with the same. Any thread.
class Maildir {
 public:
  static Result<Maildir> open(const std::string& path);

  // Durable and whole in new/ when this returns.
  [[nodiscard]] Result<void> deliver(const Mail& mail) const;
  // The orders that the mails in new/ are about, one for each mail.
  [[nodiscard]] Result<std::vector<std::string>> order_ids() const;

 private:
  explicit Maildir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace shop
