#include <memory>

#include "cli/client_verb.h"
#include "cli/trace_text.h"

namespace pabal::cli {
namespace {

int trace(Client& client, const std::string& id) {
  auto answer = client.api.get("/v1/trace/" + segment(id));
  if (!answer) return client.fail(answer.error());
  const Json& found = member_of(*answer, "found");
  int status = found.is_boolean() && found.get<bool>() ? exit_done : exit_no;
  if (client.json) return client.print_json(*answer), status;
  for (const auto& line : trace_text(*answer, client.screen)) client.screen.line(line);
  return status;
}

}  // namespace

void add_trace(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("trace", "Show the whole path of one flow");
  verb->footer("Example:\n  pabal trace O-4711");
  auto id = std::make_shared<std::string>();
  verb->add_option("ID", *id, "an order number, a key, a correlation id or a record id")->required();
  on_server(verb, run, [id](Client& client) { return trace(client, *id); });
}

}  // namespace pabal::cli
