#include <fmt/format.h>
#include <memory>

#include "cli/client_verb.h"
#include "engine/examine.h"
#include "flows/words.h"
#include "runtime/file_system.h"
#include "server/config_file.h"

namespace pabal::cli {
namespace {

int check_file(const Client& client, const std::string& path) {
  server::Settings settings;
  auto read = server::read_config_file(settings, path);
  if (read) read = server::check_settings(settings);
  if (client.json) {
    client.print_json({{"file", path},
                       {"ok", read.has_value()},
                       {"problem", read ? Json(nullptr) : Json(read.error().message)}});
    return read ? exit_done : exit_no;
  }
  if (!read) {
    client.screen.problem("pabal check: " + read.error().message);
    return exit_no;
  }
  client.screen.line(path + " is right");
  return exit_done;
}

Json finding_json(const engine::Finding& finding) {
  bool damage = finding.kind == engine::Finding::Kind::damage;
  return {{"kind", damage ? "damage" : "note"},
          {"file", finding.file},
          {"byte", finding.byte},
          {"text", finding.text}};
}

void print_examination(const Client& client, const engine::Examination& found) {
  for (const engine::Finding& finding : found.findings) {
    bool damage = finding.kind == engine::Finding::Kind::damage;
    client.screen.line(fmt::format("{} {}, byte {}: {}",
                                   damage ? client.screen.red("✗ damage:") : client.screen.amber("! note:"),
                                   printable(finding.file), finding.byte, printable(finding.text)));
  }
  client.screen.line(fmt::format(
      "{} logs, {} segments, {} batches, {} records, {} bytes; {} journal blocks to replay", found.logs,
      found.segments, found.batches, found.records, found.bytes, found.journal_blocks));
  client.screen.line(found.sound() ? "Nothing that was durable is damaged."
                                   : client.screen.red("What was durable is damaged."));
}

// Reads a stopped server's data from end to end.
int check_data(const Client& client, const std::string& directory) {
  auto found = engine::examine(runtime::system_file_system(), directory);
  if (!found) return client.fail(found.error());
  if (!client.json) {
    print_examination(client, *found);
    return found->sound() ? exit_done : exit_no;
  }
  Json findings = Json::array();
  for (const engine::Finding& finding : found->findings) findings.push_back(finding_json(finding));
  client.print_json({{"ok", found->sound()},
                     {"findings", std::move(findings)},
                     {"logs", found->logs},
                     {"segments", found->segments},
                     {"batches", found->batches},
                     {"records", found->records},
                     {"bytes", found->bytes},
                     {"journal_blocks", found->journal_blocks}});
  return found->sound() ? exit_done : exit_no;
}

void print_needs(const Client& client, const Json& overview) {
  const Json& needs = member_of(overview, "needs_you");
  if (needs.empty()) client.screen.line("Nothing needs you.");
  for (const auto& need : needs) {
    std::string title = printable(text_at(need, "title"));
    bool red = text_at(need, "severity") == "red";
    client.screen.line(fmt::format("{} {}",
                                   red ? client.screen.red("✗ " + title) : client.screen.amber("! " + title),
                                   client.screen.dim("— ") + printable(text_at(need, "text"))));
  }
}

bool is_well(const Json& overview) {
  const Json& needs = member_of(overview, "needs_you");
  return text_at(member_of(overview, "storage"), "state") == "ok" &&
         std::ranges::none_of(needs, [](const Json& need) { return text_at(need, "severity") == "red"; });
}

// Is it there, does it store, does anything need a person?
int check_server(Client& client) {
  auto overview = client.api.get("/v1/overview");
  if (!overview) return client.fail(overview.error());
  int status = is_well(*overview) ? exit_done : exit_no;
  if (client.json) {
    Json answer = {{"ok", status == exit_done}};
    for (auto name : {"version", "uptime_s", "storage", "needs_you"})
      answer[name] = member_of(*overview, name);
    return client.print_json(answer), status;
  }
  const Json& storage = member_of(*overview, "storage");
  Duration up = seconds_of(number_at(*overview, "uptime_s"));
  client.screen.line(
      fmt::format("pabal {} at {}, up for {}; storage is {}", text_at(*overview, "version"),
                  client.api.server(), flows::lasting(up),
                  text_at(storage, "state") == "ok" ? "ok" : client.screen.red(text_at(storage, "state"))));
  print_needs(client, *overview);
  return status;
}

}  // namespace

void add_check(CLI::App& app, Run& run) {
  CLI::App* verb =
      app.add_subcommand("check", "Check a running server, a configuration file, or a stopped server's data");
  auto directory = std::make_shared<std::string>();
  auto path = std::make_shared<std::string>();
  CLI::Option* file =
      verb->add_option("FILE", *path, "a YAML file to check; without it the server is asked how it is");
  verb->add_option("--data", *directory, "read this data directory, which no server uses, from end to end")
      ->excludes(file);
  verb->footer("Examples:\n  pabal check\n  pabal check pabal.yaml\n  pabal check --data ./pabal-data");
  on_server(verb, run, [path, directory](Client& client) {
    if (!directory->empty()) return check_data(client, *directory);
    return path->empty() ? check_server(client) : check_file(client, *path);
  });
}

}  // namespace pabal::cli
