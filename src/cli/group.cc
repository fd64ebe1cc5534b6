#include <fmt/format.h>
#include <memory>

#include "base/units.h"
#include "cli/client_verb.h"
#include "cli/table.h"
#include "flows/words.h"

namespace pabal::cli {
namespace {

struct GroupOptions {
  std::string name;
  bool yes = false;
  // reset
  std::string topic;
  int partition = -1;
  std::string to;
  int64_t offset = -1;
  bool dry_run = false;

  [[nodiscard]] std::string path() const { return "/v1/groups/" + segment(name); }
  [[nodiscard]] Json json(bool dry) const {
    Json body = {{"dry_run", dry}};
    if (!topic.empty()) body["topic"] = topic;
    if (partition >= 0) body["partition"] = partition;
    if (!to.empty()) body["to"] = to;
    if (offset >= 0) body["offset"] = offset;
    return body;
  }
};

std::string number_or_dash(const Json& json, std::string_view name) {
  return member_of(json, name).is_number() ? flows::counted(count_at(json, name)) : "–";
}

std::string state_text(const Json& group) {
  std::string state = text_at(group, "state");
  for (char& c : state) c = c == '_' ? ' ' : c;
  return state;
}

// "3 min ago: analytics at 10.0.0.7 left"
std::string rebalance_text(const Json& group) {
  const Json& last = member_of(group, "last_rebalance");
  auto at = parse_time(text_at(last, "at"));
  if (!at) return "none";
  return fmt::format("{} ago: {}", flows::lasting(time_between(*at, system_clock().wall_now())),
                     printable(text_at(last, "reason")));
}

std::string joined(const Json& texts) {
  std::string all;
  for (const auto& text : texts) {
    if (text.is_string()) all += (all.empty() ? "" : ", ") + printable(text.get<std::string>());
  }
  return all;
}

int list(Client& client) {
  auto answer = client.api.get("/v1/groups");
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  Table table({{"GROUP"}, {"STATE"}, {"READS"}, {"MEMBERS", true}, {"LAG", true}, {"LAST REBALANCE"}});
  for (const auto& group : member_of(*answer, "groups")) {
    table.add({printable(text_at(group, "name")), state_text(group), joined(member_of(group, "topics")),
               flows::counted(count_at(group, "members")), number_or_dash(group, "lag"),
               rebalance_text(group)});
  }
  if (table.empty()) {
    client.screen.line("There are no consumer groups; a Kafka client with a group.id makes one.");
  } else {
    table.print(client.screen);
  }
  return exit_done;
}

std::string assigned_text(const Json& member) {
  std::string all;
  for (const auto& topic : member_of(member, "assigned")) {
    for (const auto& partition : member_of(topic, "partitions")) {
      if (!partition.is_number_integer()) continue;
      all += fmt::format("{}{}/{}", all.empty() ? "" : " ", printable(text_at(topic, "topic")),
                         partition.get<int64_t>());
    }
  }
  return all.empty() ? "nothing" : all;
}

void print_members(const Client& client, const Json& group) {
  const Json& members = member_of(group, "member_list");
  if (!members.is_array() || members.empty()) return;
  Table table({{"CLIENT"}, {"ADDRESS"}, {"INSTANCE"}, {"MEMBER"}, {"HAS"}});
  for (const auto& member : members) {
    table.add({printable(text_at(member, "client", "–")), printable(text_at(member, "address", "–")),
               printable(text_at(member, "instance", "–")), printable(text_at(member, "id")),
               assigned_text(member)});
  }
  client.screen.line("");
  table.print(client.screen);
}

void print_partitions(const Client& client, const Json& group) {
  const Json& partitions = member_of(group, "partitions");
  if (!partitions.is_array() || partitions.empty()) return;
  Table table(
      {{"TOPIC"}, {"PARTITION", true}, {"COMMITTED", true}, {"NEXT", true}, {"LAG", true}, {"READ BY"}});
  for (const auto& p : partitions) {
    int64_t removed = count_at(p, "removed_unread");
    std::string lag = number_or_dash(p, "lag");
    if (removed > 0) lag += client.screen.amber(fmt::format(" ({} removed unread)", flows::counted(removed)));
    table.add({printable(text_at(p, "topic")), std::to_string(count_at(p, "partition")),
               number_or_dash(p, "committed"), number_or_dash(p, "next_offset"), lag,
               printable(text_at(p, "client", "nobody"))});
  }
  client.screen.line("");
  table.print(client.screen);
}

int show(Client& client, const GroupOptions& options) {
  auto answer = client.api.get(options.path());
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  const Json& group = *answer;
  std::string protocol = printable(text_at(group, "protocol"));
  print_facts(client.screen, {{"group", client.screen.bold(printable(text_at(group, "name")))},
                              {"state", state_text(group)},
                              {"members", flows::counted(count_at(group, "members"))},
                              {"lag", number_or_dash(group, "lag")},
                              {"shared out", protocol.empty() ? "not now" : protocol},
                              {"generation", std::to_string(count_at(group, "generation"))},
                              {"last rebalance", rebalance_text(group)}});
  print_partitions(client, group);
  print_members(client, group);
  return exit_done;
}

int remove(Client& client, const GroupOptions& options) {
  auto known = client.api.get(options.path());
  if (!known) return client.fail(known.error());
  std::string question =
      fmt::format("Delete group {} and its offsets in {}?", printable(options.name),
                  flows::counted(static_cast<int64_t>(member_of(*known, "partitions").size()), "partition",
                                 "partitions"));
  if (!confirmed(client, question, options.yes)) return exit_no;
  auto answer = client.api.call("DELETE", options.path());
  if (!answer) return client.fail(answer.error());
  if (!client.json) client.screen.line(fmt::format("group {} is deleted", printable(options.name)));
  return exit_done;
}

void print_changes(const Client& client, const Json& answer) {
  Table table({{"TOPIC"}, {"PARTITION", true}, {"FROM", true}, {"TO", true}});
  for (const auto& p : member_of(answer, "partitions")) {
    table.add({printable(text_at(p, "topic")), std::to_string(count_at(p, "partition")),
               number_or_dash(p, "from"), number_or_dash(p, "to")});
  }
  table.print(client.screen);
}

// What would change is shown before anybody is asked.
int reset(Client& client, const GroupOptions& options) {
  if (options.to.empty() == (options.offset < 0)) {
    client.screen.problem(
        "pabal: where to? right is one of --to earliest, --to latest, --to TIME, --offset N");
    return exit_wrong_use;
  }
  auto planned = client.api.call("POST", options.path() + "/reset", options.json(true));
  if (!planned) return client.fail(planned.error());
  if (!client.json) print_changes(client, *planned);
  if (options.dry_run) {
    if (client.json) client.print_json(*planned);
    return exit_done;
  }
  auto count = static_cast<int64_t>(member_of(*planned, "partitions").size());
  std::string question =
      fmt::format("Set {} of group {}?", flows::counted(count, "offset", "offsets"), printable(options.name));
  if (!confirmed(client, question, options.yes)) return exit_no;
  auto answer = client.api.call("POST", options.path() + "/reset", options.json(false));
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  client.screen.line(fmt::format("group {} goes on from there", printable(options.name)));
  return exit_done;
}

}  // namespace

void add_group(CLI::App& app, Run& run) {
  CLI::App* group = app.add_subcommand("group", "Look at consumer groups, set their offsets and delete them");
  group->require_subcommand(1);
  group->footer("Example:\n  pabal group list");
  auto options = std::make_shared<GroupOptions>();
  auto named = [&](const char* name, const char* text, const char* example) {
    CLI::App* verb = group->add_subcommand(name, text);
    verb->add_option("GROUP", options->name, "the group's name")->required();
    verb->footer(fmt::format("Example:\n  {}", example));
    return verb;
  };
  CLI::App* all =
      group->add_subcommand("list", "All consumer groups: state, members, lag and last rebalance");
  all->footer("Example:\n  pabal group list");
  on_server(all, run, list);
  on_server(named("show", "One group: its members, and how far it is", "pabal group show analytics"), run,
            [options](Client& client) { return show(client, *options); });
  CLI::App* back = named("reset", "Set the offsets of a group without members",
                         "pabal group reset analytics --to earliest --dry-run");
  back->add_option("--topic", options->topic, "only this topic; else all that the group has offsets in");
  back->add_option("--partition", options->partition, "only this partition of the topic")
      ->check(CLI::Range(0, 99'999));
  back->add_option("--to", options->to, "earliest, latest, or a time like 2026-01-02T03:04:05Z");
  back->add_option("--offset", options->offset, "this offset")->check(CLI::Range(int64_t{0}, INT64_MAX));
  back->add_flag("--dry-run", options->dry_run, "only say what it would do");
  back->add_flag("--yes", options->yes, "do not ask");
  on_server(back, run, [options](Client& client) { return reset(client, *options); });
  CLI::App* gone = named("delete", "Delete a group without members, and its offsets",
                         "pabal group delete analytics --yes");
  gone->add_flag("--yes", options->yes, "do not ask");
  on_server(gone, run, [options](Client& client) { return remove(client, *options); });
}

}  // namespace pabal::cli
