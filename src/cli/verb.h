#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace pabal::cli {

// Exit statuses of every verb.
constexpr int exit_done = 0;
constexpr int exit_no = 1;         // the answer is no, or it failed
constexpr int exit_wrong_use = 2;  // the command line is not right

// What the command line asked for; main() runs it once after the whole line was read. Returns an exit status.
using Run = std::function<int()>;

// One function for each verb, in a file of its name: adds the subcommand with its options, its help and an
// example, and, when it is chosen, sets `run`.
void add_serve(CLI::App& app, Run& run);
void add_acl(CLI::App& app, Run& run);
void add_backup(CLI::App& app, Run& run);
void add_check(CLI::App& app, Run& run);
void add_outbox(CLI::App& app, Run& run);
void add_flow(CLI::App& app, Run& run);
void add_group(CLI::App& app, Run& run);
void add_publish(CLI::App& app, Run& run);
void add_queue(CLI::App& app, Run& run);
void add_tail(CLI::App& app, Run& run);
void add_topic(CLI::App& app, Run& run);
void add_trace(CLI::App& app, Run& run);
void add_user(CLI::App& app, Run& run);
void add_version(CLI::App& app, Run& run);

}  // namespace pabal::cli
