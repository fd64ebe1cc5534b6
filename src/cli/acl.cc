#include <fmt/format.h>
#include <memory>
#include <string>

#include "cli/client_verb.h"
#include "cli/table.h"

namespace pabal::cli {
namespace {

struct AclOptions {
  std::string user;
  std::string operation;
  std::string type;
  std::string resource;
  std::string host = "*";
  bool prefix = false;
  bool yes = false;

  [[nodiscard]] std::string principal() const { return "User:" + user; }
  [[nodiscard]] std::string filter() const {
    std::string query;
    auto add = [&](std::string_view name, const std::string& value) {
      if (!value.empty()) query += fmt::format("{}{}={}", query.empty() ? "?" : "&", name, segment(value));
    };
    if (!user.empty()) add("principal", principal());
    add("operation", operation);
    add("resource_type", type);
    add("resource", resource);
    if (prefix) add("pattern", "prefixed");
    return query;
  }
};

void print_rules(const Client& client, const Json& rules) {
  Table table({{"USER"}, {"MAY"}, {"OPERATION"}, {"RESOURCE"}, {"FROM"}});
  for (const auto& rule : rules) {
    std::string principal = text_at(rule, "principal");
    std::string name = text_at(rule, "resource");
    if (text_at(rule, "pattern") == "prefixed") name += "…";
    table.add({printable(principal.starts_with("User:") ? principal.substr(5) : principal),
               text_at(rule, "permission") == "deny" ? client.screen.red("not") : "yes",
               printable(text_at(rule, "operation")),
               fmt::format("{} {}", printable(text_at(rule, "resource_type")), printable(name)),
               printable(text_at(rule, "host"))});
  }
  table.print(client.screen);
}

int list(Client& client, const AclOptions& options) {
  auto answer = client.api.get("/v1/acls" + options.filter());
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  const Json& rules = member_of(*answer, "acls");
  if (!rules.empty()) return print_rules(client, rules), exit_done;
  client.screen.line(
      "There are no such rules; this makes one: pabal acl allow shipping read topic order.events");
  return exit_done;
}

int add(Client& client, const AclOptions& options, const char* permission) {
  Json rule = {
      {"principal", options.principal()}, {"operation", options.operation}, {"resource_type", options.type},
      {"resource", options.resource},     {"host", options.host},           {"permission", permission}};
  rule["pattern"] = options.prefix ? "prefixed" : "literal";
  auto answer = client.api.call("POST", "/v1/acls", {{"acls", Json::array({std::move(rule)})}});
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  print_rules(client, member_of(*answer, "acls"));
  return exit_done;
}

int remove(Client& client, const AclOptions& options) {
  auto known = client.api.get("/v1/acls" + options.filter());
  if (!known) return client.fail(known.error());
  size_t count = member_of(*known, "acls").size();
  if (count == 0) return client.screen.problem("pabal: there is no such rule"), exit_no;
  if (!client.json) print_rules(client, member_of(*known, "acls"));
  if (!confirmed(client, fmt::format("Delete {} {}?", count, count == 1 ? "rule" : "rules"), options.yes)) {
    return exit_no;
  }
  auto answer = client.api.call("DELETE", "/v1/acls" + options.filter());
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  client.screen.line(fmt::format("deleted: {}", member_of(*answer, "deleted").size()));
  return exit_done;
}

void add_parts(CLI::App* verb, AclOptions& options, bool required) {
  auto part = [&](const char* name, std::string& to, const char* text) {
    auto* option = verb->add_option(name, to, text);
    if (required) option->required();
    return option;
  };
  part("USER", options.user, "a user's name; * for everybody");
  part(
      "OPERATION", options.operation,
      "all, read, write, create, delete, alter, describe, describe_configs, alter_configs, idempotent_write, "
      "cluster_action");
  part("TYPE", options.type, "topic, group (also a queue), cluster, transactional_id or user");
  verb->add_option("NAME", options.resource, "the resource's name; * for every one; of the cluster none");
  verb->add_flag("--prefix", options.prefix, "every resource whose name begins so");
}

}  // namespace

void add_acl(CLI::App& app, Run& run) {
  CLI::App* acl = app.add_subcommand("acl", "Rules of access: who may do what");
  acl->require_subcommand(1);
  acl->footer("Example:\n  pabal acl allow shipping read topic order. --prefix");
  auto options = std::make_shared<AclOptions>();
  CLI::App* all = acl->add_subcommand("list", "The rules, or those that fit");
  add_parts(all, *options, false);
  all->footer("Example:\n  pabal acl list shipping");
  on_server(all, run, [options](Client& client) { return list(client, *options); });
  CLI::App* allow = acl->add_subcommand("allow", "Allow a user to do something");
  add_parts(allow, *options, true);
  allow->add_option("--host", options->host, "only from this IP address");
  allow->footer("Example:\n  pabal acl allow shipping read topic order. --prefix");
  on_server(allow, run, [options](Client& client) { return add(client, *options, "allow"); });
  CLI::App* deny =
      acl->add_subcommand("deny", "Forbid a user to do something; counts more than what is allowed");
  add_parts(deny, *options, true);
  deny->add_option("--host", options->host, "only from this IP address");
  deny->footer("Example:\n  pabal acl deny shipping write topic order.events");
  on_server(deny, run, [options](Client& client) { return add(client, *options, "deny"); });
  CLI::App* gone = acl->add_subcommand("delete", "Delete the rules that fit");
  add_parts(gone, *options, false);
  gone->get_option("USER")->required();
  gone->add_flag("--yes", options->yes, "do not ask");
  gone->footer("Example:\n  pabal acl delete shipping read topic order. --prefix --yes");
  on_server(gone, run, [options](Client& client) { return remove(client, *options); });
}

}  // namespace pabal::cli
