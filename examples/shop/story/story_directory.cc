#include "shop/story/story_directory.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netdb.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace shop {
namespace {

namespace fs = std::filesystem;
constexpr auto marker = "pabal-story";  // the file that says: this directory may be made anew

Result<void> make_fresh(const std::string& directory) {
  std::error_code problem;
  bool ours = fs::exists(directory + "/" + marker, problem);
  if (!ours && !fs::is_empty(directory, problem)) {
    return error(ErrorCode::conflict,
                 "{} is not empty, and was not made by a story; name another one with --data", directory);
  }
  for (const auto& entry : fs::directory_iterator(directory, problem)) fs::remove_all(entry.path(), problem);
  std::ofstream note(directory + "/" + marker);
  note << "This directory is emptied by the next story.\n";
  note.flush();
  if (problem || !note) return error(ErrorCode::io_failed, "{}: cannot be made anew", directory);
  return {};
}

}  // namespace

Result<StoryDirectory> StoryDirectory::claim(const std::string& path) {
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem) return error(ErrorCode::io_failed, "{}: {}", path, problem.message());
  std::string directory = fs::canonical(path, problem);
  int lock = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) return std::unexpected(pabal::system_error(errno, path));
  StoryDirectory claimed(directory, lock);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return error(ErrorCode::conflict, "{}: another story is being played there; end it, or use --data", path);
  }
  if (auto fresh = make_fresh(directory); !fresh) return std::unexpected(fresh.error());
  return claimed;
}

StoryDirectory::~StoryDirectory() {
  if (lock_ >= 0) close(lock_);
}

StoryDirectory::StoryDirectory(StoryDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

Result<void> check_address_is_free(const std::string& address) {
  size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  if (port.empty() || getaddrinfo(host.c_str(), port.c_str(), &wanted, &found) != 0) {
    return error(ErrorCode::invalid, "\"{}\" is no address; expected one like 127.0.0.1:8080", address);
  }
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  int bound = bind(fd, found->ai_addr, found->ai_addrlen);
  int problem = errno;
  freeaddrinfo(found);
  close(fd);
  if (bound == 0) return {};
  return error(ErrorCode::conflict,
               "{}: {}; another program is there, or choose another address (--http, --order)", address,
               std::strerror(problem));
}

}  // namespace shop
