// pabal: the server and all client verbs in one program.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/format.h>

#include "cli/verb.h"
#include "cli/wrong_use.h"
#include "server/version.h"

namespace {

using pabal::cli::Run;

// Every verb, in the order in which help lists them.
constexpr void (*verbs[])(CLI::App&, Run&) = {
    // clang-format off
    pabal::cli::add_serve,
    pabal::cli::add_topic,
    pabal::cli::add_queue,
    pabal::cli::add_group,
    pabal::cli::add_publish,
    pabal::cli::add_tail,
    pabal::cli::add_flow,
    pabal::cli::add_trace,
    pabal::cli::add_outbox,
    pabal::cli::add_user,
    pabal::cli::add_acl,
    pabal::cli::add_backup,
    pabal::cli::add_check,
    pabal::cli::add_version,
    // clang-format on
};

int run_program(int argc, char** argv) {
  CLI::App app("Pabal: one server that stands between microservices.", "pabal");
  app.set_version_flag("--version", std::string("pabal ") + std::string(pabal::server::version));
  app.require_subcommand(1);
  app.footer("Example:\n  pabal serve --data ./pabal-data\n\n`pabal VERB --help` says more about a verb.");
  Run run;
  for (auto* add : verbs) add(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // --help and --version are printed to standard output.
    if (e.get_exit_code() == 0) return app.exit(e);
    fmt::print(stderr, "{}\n", pabal::cli::wrong_use(app, e));
    return pabal::cli::exit_wrong_use;
  }
  return run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "pabal: {}\n", e.what());
    return pabal::cli::exit_no;
  }
}
