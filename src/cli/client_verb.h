#pragma once

#include <functional>
#include <string>

#include "cli/api.h"
#include "cli/screen.h"
#include "cli/verb.h"

namespace pabal::cli {

// What a client verb works with.
struct Client {
  Api api;
  Screen screen;
  bool json = false;  // for programs: the server's own answer

  // Prints an error and gives the status to end with.
  [[nodiscard]] int fail(const Error& error) const;
  // Prints an answer as JSON: indented for people, on one line in a pipe.
  void print_json(const Json& answer) const;
};

// Gives a verb the options of every client verb (--server, --token, --json) and sets `run` to `work` when it
// is chosen.
void on_server(CLI::App* verb, Run& run, std::function<int(Client&)> work);

// Asks a person; false without one unless `yes` was given, with a sentence that says so.
[[nodiscard]] bool confirmed(const Client& client, const std::string& question, bool yes);

// A verb has its thread for itself, and may wait on it.
void wait_for(Duration d);

}  // namespace pabal::cli
