#include "shop/story/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <future>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "base/check.h"
#include "base/logging.h"

namespace shop {
namespace {

using Clock = std::chrono::steady_clock;

// What execve needs, laid out before the fork: after it, in a program with threads, nothing may allocate.
class ExecImage {
 public:
  ExecImage(const Program& program, const std::vector<std::string>& once) : arguments_(program.arguments) {
    for (char** entry = environ; *entry != nullptr; ++entry) environment_.emplace_back(*entry);
    environment_.insert(environment_.end(), program.environment.begin(), program.environment.end());
    environment_.insert(environment_.end(), once.begin(), once.end());
    argv_ = pointers(arguments_);
    envp_ = pointers(environment_);
  }

  [[noreturn]] void run(int nothing, int log, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);  // it died before the line above
    setpgid(0, 0);                        // Ctrl-C is for the story to handle
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execve(argv_[0], argv_.data(), envp_.data());
    _exit(127);
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  }

  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
};

struct Child {
  Program program;
  Supervisor::State state = Supervisor::State::running;
  pid_t pid = 0;
  int pidfd = -1;
  int restarts = 0;
  int hasty_deaths = 0;
  Clock::time_point born = {};
};

Result<void> spawn(Child& child, const std::vector<std::string>& once = {}) {
  int log = open(child.program.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) return std::unexpected(pabal::system_error(errno, child.program.log_path));
  if (access(child.program.arguments[0].c_str(), X_OK) != 0) {
    close(log);
    return std::unexpected(pabal::system_error(errno, child.program.arguments[0]));
  }
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ExecImage image(child.program, once);
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid == 0) image.run(nothing, log, parent);
  close(log);
  close(nothing);
  if (pid < 0) return std::unexpected(pabal::system_error(errno, "fork"));
  child.pid = pid;
  child.pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  pabal::check(child.pidfd >= 0, "pidfd_open {}: {}", pid, std::strerror(errno));
  child.born = Clock::now();
  child.state = Supervisor::State::running;
  return {};
}

// Waits for the end of a child that has been sent a signal; false when it still runs at the end of the time.
bool await_death(Child& child, std::chrono::milliseconds patience) {
  pollfd waited{.fd = child.pidfd, .events = POLLIN, .revents = 0};
  if (poll(&waited, 1, static_cast<int>(patience.count())) <= 0) return false;
  waitpid(child.pid, nullptr, 0);
  close(child.pidfd);
  child.pid = 0;
  child.pidfd = -1;
  return true;
}

void signal(const Child& child, int number) {
  if (child.pid != 0) ::kill(child.pid, number);
}

void end(Child& child, int number, std::chrono::milliseconds patience) {
  if (child.pid == 0) return;
  signal(child, number);
  if (await_death(child, patience)) return;
  signal(child, SIGKILL);
  await_death(child, std::chrono::minutes(1));
}

// One thread forks, watches and reaps: the kernel's parent-death signal belongs to the thread that forked, so
// it has to live as long as the children. Calls are handed to it and waited for.
class RealSupervisor : public Supervisor {
 public:
  RealSupervisor() : wake_(eventfd(0, EFD_CLOEXEC)), thread_([this] { run(); }) {}

  ~RealSupervisor() override {
    stop_all(std::chrono::seconds(5));
    call([this] { ending_ = true; });
    thread_.join();
    close(wake_);
  }

  Result<void> start(Program program) override {
    return call([&]() -> Result<void> {
      if (find(program.name)) return error(ErrorCode::conflict, "{} is already there", program.name);
      Child child{.program = std::move(program)};
      if (auto started = spawn(child); !started) return started;
      children_.push_back(std::move(child));
      return {};
    });
  }

  Result<void> kill(const std::string& name) override {
    return stop_with(name, SIGKILL, std::chrono::seconds(10));
  }
  Result<void> stop(const std::string& name, std::chrono::milliseconds patience) override {
    return stop_with(name, SIGTERM, patience);
  }

  Result<void> resume(const std::string& name, std::vector<std::string> arguments) override {
    return with(name, [&](Child& child) -> Result<void> {
      if (child.state == State::running)
        return error(ErrorCode::conflict, "{} is running", child.program.name);
      if (!arguments.empty()) child.program.arguments = std::move(arguments);
      child.hasty_deaths = 0;
      return spawn(child);
    });
  }

  Result<void> crash(const std::string& name, std::vector<std::string> once) override {
    return with(name, [&](Child& child) -> Result<void> {
      if (child.pid == 0) return error(ErrorCode::conflict, "{} is not running", child.program.name);
      end(child, SIGKILL, std::chrono::seconds(10));
      ++child.restarts;
      return spawn(child, once);
    });
  }

  void stop_all(std::chrono::milliseconds patience) override {
    call([&] {
      for (Child& child : children_) child.state = State::held;
      for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
        bool last = std::next(child) == children_.rend();
        if (!last) signal(*child, SIGTERM);
      }
      for (auto child = children_.rbegin(); child != children_.rend(); ++child)
        end(*child, SIGTERM, patience);
      children_.clear();
    });
  }

  std::vector<Status> status() const override {
    return const_cast<RealSupervisor*>(this)->call([this] {
      std::vector<Status> result;
      for (const Child& c : children_) result.push_back({c.program.name, c.state, c.pid, c.restarts});
      return result;
    });
  }

  Result<Status> status_of(const std::string& name) const override {
    for (Status& status : status()) {
      if (status.name == name) return status;
    }
    return error(ErrorCode::not_found, "there is no process \"{}\"", name);
  }

 private:
  template <class F>
  auto call(F work) -> decltype(work()) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    {
      std::lock_guard lock(mutex_);
      calls_.emplace_back([&task] { task(); });
    }
    uint64_t one = 1;
    pabal::check(write(wake_, &one, sizeof one) == sizeof one, "eventfd: {}", std::strerror(errno));
    return result.get();
  }

  template <class F>
  Result<void> with(const std::string& name, F work) {
    return call([&]() -> Result<void> {
      Child* child = find(name);
      if (child == nullptr) return unknown(name);
      return work(*child);
    });
  }

  Result<void> stop_with(const std::string& name, int signal, std::chrono::milliseconds patience) {
    return with(name, [=](Child& child) -> Result<void> {
      if (child.state == State::held)
        return error(ErrorCode::conflict, "{} is stopped already", child.program.name);
      child.state = State::held;
      end(child, signal, patience);
      return {};
    });
  }

  std::unexpected<pabal::Error> unknown(const std::string& name) const {
    std::string names;
    for (const Child& child : children_) names += (names.empty() ? "" : ", ") + child.program.name;
    return error(ErrorCode::not_found, "there is no process \"{}\"; right is one of {}", name, names);
  }

  Child* find(const std::string& name) {
    auto found = std::ranges::find(children_, name, [](const Child& c) { return c.program.name; });
    return found == children_.end() ? nullptr : &*found;
  }

  void run() {
    while (!ending_) {
      std::vector<pollfd> waited = {{.fd = wake_, .events = POLLIN, .revents = 0}};
      for (const Child& child : children_) {
        if (child.pidfd >= 0) waited.push_back({.fd = child.pidfd, .events = POLLIN, .revents = 0});
      }
      poll(waited.data(), waited.size(), -1);
      for (Child& child : children_) bury(child);
      if (waited[0].revents != 0) run_calls();
    }
  }

  // Reaps a child that has died by itself, and starts it again.
  void bury(Child& child) {
    if (child.pid == 0 || !await_death(child, std::chrono::milliseconds(0))) return;
    child.hasty_deaths = Clock::now() - child.born < haste ? child.hasty_deaths + 1 : 0;
    if (child.hasty_deaths >= hasty_deaths_max) {
      child.state = State::broken;
      spdlog::error("{} dies as soon as it starts; its output is in {}", child.program.name,
                    child.program.log_path);
    } else if (auto started = spawn(child); started) {
      ++child.restarts;
    } else {
      child.state = State::broken;
      spdlog::error("{}: {}", child.program.name, started.error().message);
    }
  }

  void run_calls() {
    uint64_t count = 0;
    if (read(wake_, &count, sizeof count) < 0) return;
    std::deque<std::function<void()>> calls;
    {
      std::lock_guard lock(mutex_);
      calls.swap(calls_);
    }
    for (auto& call : calls) call();
  }

  int wake_;
  std::mutex mutex_;                         // guards calls_, which any thread may add to
  std::deque<std::function<void()>> calls_;  // the rest belongs to the thread
  std::deque<Child> children_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Supervisor> Supervisor::make() { return std::make_unique<RealSupervisor>(); }

}  // namespace shop
