#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runtime/file_system.h"

namespace pabal::runtime {
namespace {

std::unexpected<Error> failed(int number, std::string_view what, const std::string& path) {
  Error e = system_error(number, fmt::format("{} {}", what, path));
  if (number == ENOENT) e.code = ErrorCode::not_found;
  return std::unexpected(std::move(e));
}

// A file descriptor that is closed when this dies.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Calls `f` again for as long as a signal interrupts it.
template <class F>
auto retried(F f) {
  for (;;) {
    auto result = f();
    if (result >= 0 || errno != EINTR) return result;
  }
}

Result<Descriptor> open_descriptor(const std::string& path, int flags) {
  Descriptor d(retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); }));
  if (!d.valid()) return failed(errno, "open", path);
  return d;
}

// Since Linux 5.8 syncfs() reports, once for each open descriptor, that something could not be written.
bool syncfs_reports_errors() {
  static const bool reports = [] {
    struct utsname name{};
    int major = 0;
    int minor = 0;
    if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
    return major > 5 || (major == 5 && minor >= 8);
  }();
  return reports;
}

class SystemVolume final : public Volume {
 public:
  SystemVolume(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<void> flush() override {
    if (!syncfs_reports_errors())
      return error(ErrorCode::unsupported, "syncfs() reports errors from Linux 5.8 on");
    if (::syncfs(fd_.get()) != 0) return failed(errno, "flush the file system of", path_);
    return {};
  }

 private:
  Descriptor fd_;  // open all the time: it is told of errors since it was opened
  std::string path_;
};

class SystemFile final : public File {
  static constexpr size_t pieces_max = 256;  // of one call; the system takes up to 1,024

 public:
  SystemFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t position, std::span<uint8_t> out) override {
    size_t done = 0;
    while (done < out.size()) {
      ssize_t n = retried([&] {
        return ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(position + done));
      });
      if (n < 0) return failed(errno, "read", path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Result<void> write_at(uint64_t position, BytesView bytes) override {
    while (!bytes.empty()) {
      ssize_t n = retried(
          [&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(position)); });
      if (n < 0) return failed(errno, "write", path_);
      position += static_cast<uint64_t>(n);
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  Result<void> write_at(uint64_t position, std::span<const BytesView> pieces) override {
    size_t skip = 0;  // of the first piece: a write may be short
    while (!pieces.empty()) {
      std::array<iovec, pieces_max> vectors;
      size_t count = 0;
      for (; count < std::min(pieces.size(), vectors.size()); ++count) {
        BytesView piece = pieces[count].subspan(count == 0 ? skip : 0);
        vectors[count] = {const_cast<uint8_t*>(piece.data()), piece.size()};  // only read
      }
      ssize_t n = retried([&] {
        return ::pwritev(fd_.get(), vectors.data(), static_cast<int>(count), static_cast<off_t>(position));
      });
      if (n < 0) return failed(errno, "write", path_);
      position += static_cast<uint64_t>(n);
      skip += static_cast<size_t>(n);
      while (!pieces.empty() && skip >= pieces.front().size()) {
        skip -= pieces.front().size();
        pieces = pieces.subspan(1);
      }
    }
    return {};
  }

  Result<void> flush() override {
    if (::fdatasync(fd_.get()) != 0) return failed(errno, "flush", path_);
    return {};
  }

  Result<uint64_t> size() override {
    struct stat info{};
    if (::fstat(fd_.get(), &info) != 0) return failed(errno, "stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

  Result<void> resize(uint64_t bytes) override {
    if (retried([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(bytes)); }) != 0) {
      return failed(errno, "resize", path_);
    }
    return {};
  }

  Result<void> reserve(uint64_t bytes) override {
    int number = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(bytes));
    if (number != 0) return failed(number, "reserve space for", path_);
    return {};
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class SystemFileLock final : public FileLock {
 public:
  explicit SystemFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;
};

std::string holder_of(int fd) {
  std::string text(32, '\0');
  ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  while (!text.empty() && std::isdigit(static_cast<unsigned char>(text.back())) == 0) text.pop_back();
  return text.empty() ? "another process" : "process " + text;
}

class SystemFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = mode == OpenMode::read ? O_RDONLY : mode == OpenMode::write ? O_RDWR : O_RDWR | O_CREAT;
    auto fd = open_descriptor(path, flags);
    if (!fd) return std::unexpected(fd.error());
    return std::make_unique<SystemFile>(std::move(*fd), path);
  }

  Result<bool> exists(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed(errno, "stat", path);
  }

  Result<std::string> resolve(const std::string& path) override {
    std::error_code problem;
    std::filesystem::path absolute = std::filesystem::absolute(path, problem);
    if (!problem) absolute = std::filesystem::weakly_canonical(absolute, problem);
    if (problem) return failed(problem.value(), "resolve", path);
    std::string resolved = absolute.string();
    while (resolved.size() > 1 && resolved.back() == '/') resolved.pop_back();
    return resolved;
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::error_code problem;
    std::vector<std::string> names;
    std::filesystem::directory_iterator it(directory, problem);
    for (; !problem && it != std::filesystem::directory_iterator(); it.increment(problem)) {
      names.push_back(it->path().filename().string());
    }
    if (problem) return failed(problem.value(), "list", directory);
    std::ranges::sort(names);
    return names;
  }

  Result<void> make_directories(const std::string& path) override {
    if (::mkdir(path.c_str(), 0777) == 0) return {};  // mostly only the last is missing
    std::error_code problem;
    std::filesystem::create_directories(path, problem);
    if (problem) return failed(problem.value(), "make directory", path);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return failed(errno, "remove", path);
    return {};
  }

  Result<void> remove_all(const std::string& path) override {
    std::error_code problem;
    std::filesystem::remove_all(path, problem);
    if (problem) return failed(problem.value(), "remove", path);
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed(errno, "rename to " + to, from);
    return {};
  }

  Result<void> flush_directory(const std::string& path) override {
    auto fd = open_descriptor(path, O_RDONLY | O_DIRECTORY);
    if (!fd) return std::unexpected(fd.error());
    if (::fsync(fd->get()) != 0) return failed(errno, "flush directory", path);
    return {};
  }

  Result<std::unique_ptr<Volume>> open_volume(const std::string& path) override {
    auto fd = open_descriptor(path, O_RDONLY);
    if (!fd) return std::unexpected(fd.error());
    return std::make_unique<SystemVolume>(std::move(*fd), path);
  }

  Result<Space> space(const std::string& path) override {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) return failed(errno, "read the free space of", path);
    return Space{uint64_t{info.f_blocks} * info.f_frsize, uint64_t{info.f_bavail} * info.f_frsize};
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    auto fd = open_descriptor(path, O_RDWR | O_CREAT);
    if (!fd) return std::unexpected(fd.error());
    if (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return failed(errno, "lock", path);
      return error(ErrorCode::conflict, "{} is held by {}", path, holder_of(fd->get()));
    }
    std::string holder = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd->get(), 0) != 0 || ::pwrite(fd->get(), holder.data(), holder.size(), 0) < 0) {
      return failed(errno, "write", path);
    }
    return std::make_unique<SystemFileLock>(std::move(*fd));
  }
};

}  // namespace

FileSystem& system_file_system() {
  static SystemFileSystem files;
  return files;
}

}  // namespace pabal::runtime
