#include "shop/story/run_program.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace shop {

using pabal::error;
using pabal::ErrorCode;
using pabal::Result;

namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == 0) {
      read_end = ends[0];
      write_end = ends[1];
    }
  }
  ~Pipe() {
    if (read_end >= 0) close(read_end);
    close_write_end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_write_end() {
    if (write_end >= 0) close(write_end);
    write_end = -1;
  }
};

// Reads both to their ends at once, so that neither fills up.
void drain(const Pipe& out, std::string& out_text, const Pipe& err, std::string& err_text) {
  std::array<pollfd, 2> waited = {{{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}}};
  std::array<std::string*, 2> texts = {&out_text, &err_text};
  for (int open = 2; open > 0;) {
    if (poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) return;
    for (size_t i = 0; i < 2; ++i) {
      if (waited[i].fd < 0 || waited[i].revents == 0) continue;
      char piece[16'384];
      ssize_t got = read(waited[i].fd, piece, sizeof piece);
      if (got > 0) {
        texts[i]->append(piece, static_cast<size_t>(got));
      } else {
        waited[i].fd = -1;
        --open;
      }
    }
  }
}

}  // namespace

Result<std::string> run_program(const std::vector<std::string>& arguments) {
  Pipe out;
  Pipe err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out.write_end, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write_end, STDERR_FILENO);
  std::vector<std::string> copy = arguments;
  std::vector<char*> argv;
  for (std::string& argument : copy) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  int problem = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) return std::unexpected(pabal::system_error(problem, arguments[0]));
  out.close_write_end();
  err.close_write_end();
  std::string text;
  std::string complaint;
  drain(out, text, err, complaint);
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  constexpr size_t shown_max = 2'000;
  if (complaint.size() > shown_max) complaint.erase(0, complaint.size() - shown_max);
  return error(ErrorCode::peer_failed, "{} failed: {}", arguments[0], complaint);
}

}  // namespace shop
