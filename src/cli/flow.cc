#include <fmt/format.h>

#include "cli/client_verb.h"
#include "cli/flow_text.h"

namespace pabal::cli {
namespace {

int flow(Client& client) {
  auto answer = client.api.get("/v1/flow");
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  for (const auto& line : flow_text(*answer, client.screen)) client.screen.line(line);
  client.screen.line(
      client.screen.dim(fmt::format("\nrates of the last {} s", count_at(*answer, "window_s"))));
  return exit_done;
}

}  // namespace

void add_flow(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("flow", "Draw who publishes what, who consumes it, who calls whom");
  verb->footer("Example:\n  pabal flow");
  on_server(verb, run, flow);
}

}  // namespace pabal::cli
