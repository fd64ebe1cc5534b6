#include "server/version.h"

#include <fmt/format.h>

#include "cli/verb.h"

namespace pabal::cli {

void add_version(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("version", "Print the version of this program");
  verb->footer("Example:\n  pabal version");
  verb->callback([&run] {
    run = [] {
      fmt::print("pabal {}\n", server::version);
      return exit_done;
    };
  });
}

}  // namespace pabal::cli
