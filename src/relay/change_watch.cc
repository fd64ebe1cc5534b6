#include "relay/change_watch.h"

#include <array>
#include <filesystem>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace pabal::relay {

namespace {

timespec to_timespec(Duration d) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(d);
  return {.tv_sec = seconds.count(), .tv_nsec = (d - seconds).count()};
}

}  // namespace

Result<std::unique_ptr<ChangeWatch>> ChangeWatch::open(const std::string& database_file) {
  std::filesystem::path path = std::filesystem::absolute(database_file);
  int notify = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  int stop_event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  auto watch =
      std::unique_ptr<ChangeWatch>(new ChangeWatch(notify, stop_event, path.filename().string() + "-wal"));
  if (notify < 0 || stop_event < 0) return std::unexpected(system_error(errno, "watching " + database_file));
  // The directory, because the file comes and goes with the connections to the database.
  if (::inotify_add_watch(notify, path.parent_path().c_str(), IN_MODIFY | IN_CREATE) < 0) {
    return std::unexpected(system_error(errno, "watching " + path.parent_path().string()));
  }
  return watch;
}

ChangeWatch::~ChangeWatch() {
  if (notify_ >= 0) ::close(notify_);
  if (stop_event_ >= 0) ::close(stop_event_);
}

bool ChangeWatch::wait_for_change(Duration most) {
  Deadline deadline = Deadline::after(system_clock(), most);
  while (!stopped_ && !deadline.passed(system_clock())) {
    std::array<pollfd, 2> polled{{{.fd = notify_, .events = POLLIN, .revents = 0},
                                  {.fd = stop_event_, .events = POLLIN, .revents = 0}}};
    timespec left = to_timespec(deadline.left(system_clock()));
    if (::ppoll(polled.data(), polled.size(), &left, nullptr) > 0 && read_changes()) return true;
  }
  return false;
}

// Empties the inotify queue; whether anything in it was about our file.
bool ChangeWatch::read_changes() {
  alignas(inotify_event) std::array<char, 16384> buffer{};
  bool ours = false;
  ssize_t count = 0;
  while ((count = ::read(notify_, buffer.data(), buffer.size())) > 0) {
    for (ssize_t at = 0; at < count;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      ours |= (event->mask & IN_Q_OVERFLOW) != 0 || (event->len > 0 && wal_name_ == event->name);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  return ours;
}

void ChangeWatch::pause(Duration time) {
  Deadline deadline = Deadline::after(system_clock(), time);
  while (!stopped_ && !deadline.passed(system_clock())) {
    pollfd polled{.fd = stop_event_, .events = POLLIN, .revents = 0};
    timespec left = to_timespec(deadline.left(system_clock()));
    ::ppoll(&polled, 1, &left, nullptr);
  }
}

void ChangeWatch::stop() {
  stopped_ = true;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(stop_event_, &one, sizeof one);
}

}  // namespace pabal::relay
