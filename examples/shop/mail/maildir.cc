#include "shop/mail/maildir.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <unistd.h>

namespace shop {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

bool may_name_a_file(std::string_view id) {
  return !id.empty() && id.size() <= 200 && !id.starts_with('.') && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::unexpected<pabal::Error> system_failure(const std::string& what) {
  return std::unexpected(pabal::system_error(errno, what));
}

Result<void> write_durably(const std::string& path, std::string_view text) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (file.number() < 0) return system_failure(path);
  while (!text.empty()) {
    ssize_t wrote = write(file.number(), text.data(), text.size());
    if (wrote < 0) return system_failure(path);
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  if (fsync(file.number()) != 0) return system_failure(path);
  return {};
}

}  // namespace

Result<Maildir> Maildir::open(const std::string& path) {
  for (auto part : {"tmp", "new", "cur"}) {
    std::error_code problem;
    std::filesystem::create_directories(path + "/" + part, problem);
    if (problem) return error(ErrorCode::io_failed, "{}/{}: {}", path, part, problem.message());
  }
  return Maildir(path);
}

Result<void> Maildir::deliver(const Mail& mail) const {
  if (!may_name_a_file(mail.event_id)) {
    return error(ErrorCode::invalid, "the event id \"{}\" cannot name a file", mail.event_id);
  }
  std::string draft = path_ + "/tmp/" + mail.event_id;
  if (auto written = write_durably(draft, to_rfc5322(mail, "\n")); !written) return written;
  std::string place = path_ + "/new/" + mail.event_id;
  if (std::rename(draft.c_str(), place.c_str()) != 0) return system_failure(place);
  Descriptor directory(path_ + "/new", O_RDONLY | O_DIRECTORY);
  if (directory.number() < 0 || fsync(directory.number()) != 0) return system_failure(path_ + "/new");
  return {};
}

Result<std::vector<std::string>> Maildir::order_ids() const {
  constexpr std::string_view field = "X-Order-Id: ";
  std::vector<std::string> ids;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(path_ + "/new", problem)) {
    std::ifstream mail(entry.path());
    for (std::string line; std::getline(mail, line) && !line.empty();) {
      if (line.starts_with(field)) ids.push_back(line.substr(field.size()));
    }
  }
  if (problem) return error(ErrorCode::io_failed, "{}/new: {}", path_, problem.message());
  return ids;
}

}  // namespace shop
