// Records on their way out of the process: Engine::read and sendmsg, beside sendfile of as many bytes of a
// file. Both go into the same kind of socket pair, which a thread of its own empties with large reads; so
// both pay for the socket, and only the way there differs. All of it lies in memory: in the engine's tail, or
// in the page cache.
#include <algorithm>
#include <array>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

#include "base/check.h"
#include "figures.h"
#include "log/record_batch.h"
#include "measures.h"
#include "store.h"

namespace pabal::bench {
namespace {

constexpr size_t batch_bytes = 16_KiB;
constexpr size_t record_bytes = 1_KiB;
constexpr size_t read_bytes = 1_MiB;       // of one fetch
constexpr uint64_t recent_bytes = 48_MiB;  // below what the engine keeps in memory
constexpr uint64_t stored_bytes = 512_MiB;
constexpr int turns = 5;

// A connection to itself over the loopback, and a thread that takes what is sent.
class Drain {
 public:
  Drain() {
    int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    check(::bind(listener, generic, bytes) == 0 && ::listen(listener, 1) == 0 &&
              ::getsockname(listener, generic, &bytes) == 0,
          "cannot listen");
    ends_[0] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(::connect(ends_[0], generic, bytes) == 0, "cannot connect");
    ends_[1] = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    check(ends_[1] >= 0, "cannot accept");
    ::close(listener);
    taker_ = std::jthread([this] { take_all(); });
  }
  ~Drain() {
    taker_.join();
    for (int end : ends_) ::close(end);
  }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  [[nodiscard]] int in() const { return ends_[0]; }
  // No more comes; how much came, when all has been taken.
  uint64_t finish() {
    ::shutdown(ends_[0], SHUT_WR);
    taker_.join();
    taker_ = std::jthread([] {});
    return taken_;
  }

 private:
  void take_all() {
    Bytes buffer(256_KiB);
    for (ssize_t n = 0; (n = ::recv(ends_[1], buffer.data(), buffer.size(), 0)) > 0;) {
      taken_ += static_cast<uint64_t>(n);
    }
  }

  std::array<int, 2> ends_{};
  uint64_t taken_ = 0;
  std::jthread taker_;
};

void send_batches(int socket, const std::vector<SharedBytes>& batches) {
  std::vector<iovec> parts;
  for (const SharedBytes& batch : batches) {
    parts.push_back({const_cast<uint8_t*>(batch.view().data()), batch.size()});
  }
  for (std::span<iovec> rest = parts; !rest.empty();) {
    msghdr message{};
    message.msg_iov = rest.data();
    message.msg_iovlen = std::min<size_t>(rest.size(), 1024);
    ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    check(sent > 0, "cannot send");
    for (auto left = static_cast<size_t>(sent); left > 0;) {
      size_t taken = std::min(left, rest[0].iov_len);
      rest[0].iov_base = static_cast<uint8_t*>(rest[0].iov_base) + taken;
      rest[0].iov_len -= taken;
      left -= taken;
      if (rest[0].iov_len == 0) rest = rest.subspan(1);
    }
  }
}

// Reads log 0 from `from` to its end; into the socket, or nowhere when that is -1. Returns the bytes.
runtime::Task<uint64_t> read_all(engine::Engine& engine, Offset from, int socket) {
  uint64_t bytes = 0;
  for (;;) {
    auto read = co_await engine.read(log_number(0), from, read_bytes);
    check(read.has_value(), "{}", read ? "" : read.error().message);
    if (read->batches.empty()) co_return bytes;
    for (const SharedBytes& batch : read->batches) bytes += batch.size();
    from = log::BatchView::parse(read->batches.back().view())->next_offset();
    if (socket >= 0) send_batches(socket, read->batches);
  }
}

double sendfile_mb_per_s(const std::string& path, uint64_t bytes) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  check(fd >= 0, "cannot open {}", path);
  Drain drain;
  Instant before = system_clock().now();
  for (off_t at = 0; static_cast<uint64_t>(at) < bytes;) {
    check(::sendfile(drain.in(), fd, &at, std::min<uint64_t>(read_bytes, bytes - static_cast<uint64_t>(at))) >
              0,
          "cannot send {}", path);
  }
  check(drain.finish() == bytes, "bytes are missing");
  double seconds = seconds_since(before);
  ::close(fd);
  return static_cast<double>(bytes) / 1e6 / seconds;
}

double sent_mb_per_s(Store& store, Offset from) {
  Drain drain;
  Instant before = system_clock().now();
  uint64_t bytes = store.spawn(0, read_all(store.engine(), from, drain.in())).get();
  check(drain.finish() == bytes, "bytes are missing");
  return static_cast<double>(bytes) / 1e6 / seconds_since(before);
}

double read_mb_per_s(Store& store, Offset from) {
  Instant before = system_clock().now();
  uint64_t bytes = store.spawn(0, read_all(store.engine(), from, -1)).get();
  return static_cast<double>(bytes) / 1e6 / seconds_since(before);
}

runtime::Task<> fill_part(Store& store, uint64_t bytes) {
  engine::Commit commit;
  commit.appends.push_back({log_number(0), batch_of(batch_bytes / record_bytes, record_bytes)});
  for (uint64_t at = 0; at < bytes; at += commit.appends[0].batch.size()) co_await store.commit(commit);
}

void fill(Store& store, uint64_t bytes) {
  constexpr int writers = 16;
  store.make_logs(1);
  std::vector<std::future<void>> parts;
  for (size_t i = 0; i < writers; ++i) parts.push_back(store.spawn(i, fill_part(store, bytes / writers)));
  for (auto& part : parts) part.get();
}

void make_file(const std::string& path, uint64_t bytes) {
  auto file = runtime::system_file_system().open(path, runtime::OpenMode::create);
  check(file.has_value(), "cannot open {}", path);
  Bytes piece(1_MiB, 5);
  for (uint64_t at = 0; at < bytes; at += piece.size()) {
    check((*file)->write_at(at, piece).has_value(), "cannot write {}", path);
  }
  check((*file)->flush().has_value(), "cannot flush {}", path);
}

struct Rates {
  std::vector<double> sent;
  std::vector<double> sendfile;
  std::vector<double> alone;

  [[nodiscard]] double ratio() const { return median(sent) / median(sendfile); }
  [[nodiscard]] nlohmann::json json(uint64_t bytes) const {
    return {{"bytes", bytes},
            {"read_and_send_mb_per_s", sent},
            {"sendfile_mb_per_s", sendfile},
            {"read_alone_mb_per_s", alone}};
  }
};

Rates measure(Store& store, uint64_t bytes, const std::string& file) {
  Rates rates;
  Offset first = store.engine().range(log_number(0))->first;
  for (int turn = 0; turn < turns; ++turn) {
    rates.sent.push_back(sent_mb_per_s(store, first));
    rates.sendfile.push_back(sendfile_mb_per_s(file, bytes));
    rates.alone.push_back(read_mb_per_s(store, first));
  }
  return rates;
}

}  // namespace

void measure_reading(const Options& options, Report& report) {
  Scratch scratch(options.directory + "/reading");
  std::string file = scratch.path() + "/file";
  make_file(file, stored_bytes);
  {
    Store store(scratch.path() + "/recent");
    fill(store, recent_bytes);
    Rates recent = measure(store, recent_bytes, file);
    report.result("read_recent", recent.ratio());
    report.raw("read_recent", recent.json(recent_bytes));
  }
  {
    Store store(scratch.path() + "/stored");
    fill(store, stored_bytes);
  }
  Store store(scratch.path() + "/stored");  // opened again: nothing is in the tail
  Rates segments = measure(store, stored_bytes, file);
  report.result("read_segments", segments.ratio());
  report.raw("read_segments", segments.json(stored_bytes));
}

}  // namespace pabal::bench
