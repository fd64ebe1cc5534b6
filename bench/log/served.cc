#include "served.h"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

namespace pabal::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr Duration patience = std::chrono::minutes(10);

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The number after "name:" in a file of /proc.
uint64_t field(const std::string& text, const std::string& name) {
  size_t at = text.find(name + ":");
  check(at != std::string::npos, "/proc does not tell {}", name);
  return std::stoull(text.substr(at + name.size() + 1));
}

int milliseconds(Duration d) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

}  // namespace

Served::Served(const ServedOptions& options) : ports_file_(options.data_dir + ".ports") {
  std::array<int, 2> pipe{};
  check(::pipe2(pipe.data(), O_CLOEXEC) == 0, "no pipe");
  Instant before = system_clock().now();
  pid_ = ::fork();
  check(pid_ >= 0, "no process");
  if (pid_ == 0) run_program(options, pipe[1]);
  ::close(pipe[1]);
  out_ = pipe[0];
  wait_until_ready();
  ready_after_ = system_clock().now() - before;
  std::string address = json::parse(text_of(ports_file_)).at("http");
  auto url = runtime::Url::parse("http://" + address);
  check(url.has_value(), "no address in {}", ports_file_);
  url_ = *url;
}

Served::~Served() {
  kill();
  ::close(out_);
  std::error_code ignored;
  fs::remove(ports_file_, ignored);
}

// In the new process.
void Served::run_program(const ServedOptions& options, int out) const {
  ::dup2(out, STDOUT_FILENO);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it does not outlive the benchmark, whatever ends that
  if (options.open_files_max > 0) {
    rlimit limit{options.open_files_max, options.open_files_max};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(1);
  }
  ::execl(options.pabal.c_str(), "pabal", "serve", "--data", options.data_dir.c_str(), "--http",
          "127.0.0.1:0", "--kafka", "off", "--ports-file", ports_file_.c_str(), "--log-level", "error",
          nullptr);
  ::_exit(127);
}

void Served::wait_until_ready() {
  std::string said;
  std::array<char, 512> piece{};
  while (!said.contains("is ready")) {
    pollfd wait{out_, POLLIN, 0};
    check(::poll(&wait, 1, milliseconds(patience)) == 1, "the server is not ready in ten minutes");
    ssize_t n = ::read(out_, piece.data(), piece.size());
    check(n > 0, "the server ended: {}", said);
    said.append(piece.data(), static_cast<size_t>(n));
  }
}

std::string Served::proc(const std::string& name) const { return fmt::format("/proc/{}/{}", pid_, name); }

double Served::resident_mb() const {
  return static_cast<double>(field(text_of(proc("status")), "VmRSS")) * 1024 / 1e6;
}

uint64_t Served::voluntary_switches() const {
  uint64_t sum = 0;
  for (const auto& thread : fs::directory_iterator(proc("task"))) {
    sum += field(text_of(thread.path() / "status"), "voluntary_ctxt_switches");
  }
  return sum;
}

size_t Served::threads() const { return field(text_of(proc("status")), "Threads"); }

size_t Served::open_files() const {
  return static_cast<size_t>(std::distance(fs::directory_iterator(proc("fd")), fs::directory_iterator()));
}

void Served::leave_alone(Duration time) const {
  pollfd wait{out_, POLLIN, 0};
  check(::poll(&wait, 1, milliseconds(time)) == 0, "the server says something, or ended");
}

json Served::call(const std::string& method, const std::string& target, const json& body) {
  runtime::HttpRequest request{.method = method, .target = target};
  if (!body.is_null()) {
    request.body = body.dump();
    request.fields.add("Content-Type", "application/json");
  }
  auto response = client_.request(url_, std::move(request), Deadline::after(system_clock(), patience));
  check(response.has_value(), "{} {}: {}", method, target, response ? "" : response.error().message);
  check(response->status / 100 == 2, "{} {}: {} {}", method, target, response->status, response->body);
  return json::parse(response->body, nullptr, false);
}

Served::Stopped Served::stop() {
  Instant before = system_clock().now();
  check(::kill(pid_, SIGTERM) == 0, "the server has ended before");
  int status = 0;
  check(::waitpid(std::exchange(pid_, -1), &status, 0) > 0, "the server is not a child");
  return {system_clock().now() - before, WIFEXITED(status) && WEXITSTATUS(status) == 0};
}

void Served::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

}  // namespace pabal::bench
