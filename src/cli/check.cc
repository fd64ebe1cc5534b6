#include <fmt/format.h>
#include <memory>

#include "cli/verb.h"
#include "server/config_file.h"

namespace pabal::cli {
namespace {

int check_file(const std::string& path) {
  server::Settings settings;
  auto read = server::read_config_file(settings, path);
  if (read) read = server::check_settings(settings);
  if (!read) {
    fmt::print(stderr, "pabal check: {}\n", read.error().message);
    return exit_no;
  }
  fmt::print("{} is right\n", path);
  return exit_done;
}

}  // namespace

void add_check(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("check", "Check a configuration file without starting");
  auto path = std::make_shared<std::string>();
  verb->add_option("FILE", *path, "the YAML file")->required();
  verb->footer("Example:\n  pabal check pabal.yaml");
  verb->callback([&run, path] { run = [path] { return check_file(*path); }; });
}

}  // namespace pabal::cli
