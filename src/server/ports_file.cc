#include "server/ports_file.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace pabal::server {

Result<void> write_ports_file(const std::string& path, const std::map<std::string, std::string>& addresses) {
  std::string text = nlohmann::json(addresses).dump() + "\n";
  std::string temporary = path + ".tmp";
  int fd = ::open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0) return std::unexpected(system_error(errno, temporary));
  ssize_t written = ::write(fd, text.data(), text.size());
  int problem = written == static_cast<ssize_t>(text.size()) ? 0 : (written < 0 ? errno : ENOSPC);
  ::close(fd);
  if (problem == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) problem = errno;
  if (problem == 0) return {};
  ::unlink(temporary.c_str());
  return std::unexpected(system_error(problem, path));
}

}  // namespace pabal::server
