#include <filesystem>
#include <fmt/format.h>
#include <memory>

#include "cli/client_verb.h"

namespace pabal::cli {
namespace {

constexpr Duration backup_time_max = std::chrono::hours(24);

int back_up(Client& client, const std::string& directory) {
  std::error_code problem;
  std::filesystem::path absolute = std::filesystem::absolute(directory, problem);
  if (problem) return client.fail({ErrorCode::invalid, fmt::format("{}: {}", directory, problem.message())});
  Json body = {{"directory", absolute.lexically_normal().string()}};
  auto answer = client.api.call("POST", "/v1/backup", body, backup_time_max);
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  client.screen.line(fmt::format(
      "{} logs, {} bytes are in {} ({:.1f} s); `pabal serve --data {}` starts on them",
      count_at(*answer, "logs"), count_at(*answer, "bytes"), printable(text_at(*answer, "directory")),
      number_at(*answer, "seconds"), printable(text_at(*answer, "directory"))));
  for (const auto& damage : member_of(*answer, "damaged")) {
    if (damage.is_string()) {
      client.screen.line(client.screen.amber("! damaged on the server, and in the backup: ") +
                         printable(damage.get<std::string>()));
    }
  }
  return exit_done;
}

}  // namespace

void add_backup(CLI::App& app, Run& run) {
  CLI::App* verb =
      app.add_subcommand("backup", "Copy a running server's data into a directory of its machine");
  auto directory = std::make_shared<std::string>();
  verb->add_option("DIR", *directory, "a new or empty directory, on the server's machine")->required();
  verb->footer(
      "Example:\n  pabal backup /backups/monday\n  pabal check --data /backups/monday\n\n"
      "What was acknowledged before it began is in it. A backup that was cut off is refused by `serve`.");
  on_server(verb, run, [directory](Client& client) { return back_up(client, *directory); });
}

}  // namespace pabal::cli
