#include <array>
#include <charconv>
#include <fmt/format.h>
#include <memory>

#include "base/units.h"
#include "cli/client_verb.h"
#include "cli/table.h"
#include "flows/words.h"

namespace pabal::cli {
namespace {

// What `create` and `set` may say; an empty one is left out.
struct TopicOptions {
  std::string name;
  int partitions = 0;
  std::string retention_time;
  std::string retention_size;
  std::string cleanup;
  std::string durability;
  std::string timestamps;
  std::string tombstones_kept;
  std::string max_message_size;
  int partition = 0;
  std::string before;
  bool rekey = false;
  bool yes = false;

  [[nodiscard]] Json json() const {
    Json body = Json::object();
    if (partitions > 0) body["partitions"] = partitions;
    if (!retention_time.empty()) body["retention"]["time"] = retention_time;
    if (!retention_size.empty()) body["retention"]["size"] = retention_size;
    if (!cleanup.empty()) body["cleanup"] = cleanup;
    if (!durability.empty()) body["durability"] = durability;
    if (!timestamps.empty()) body["timestamps"] = timestamps;
    if (!tombstones_kept.empty()) body["tombstones_kept"] = tombstones_kept;
    if (!max_message_size.empty()) body["max_message_size"] = max_message_size;
    if (rekey) body["rekey"] = true;
    return body;
  }
  [[nodiscard]] std::string path() const { return "/v1/topics/" + segment(name); }
};

int64_t records_of(const Json& topic) {
  int64_t records = 0;
  for (const auto& p : member_of(topic, "partitions"))
    records += count_at(p, "next_offset") - count_at(p, "first_offset");
  return records;
}

uint64_t bytes_of(const Json& topic) {
  int64_t bytes = 0;
  for (const auto& p : member_of(topic, "partitions")) bytes += count_at(p, "bytes");
  return static_cast<uint64_t>(bytes);
}

std::string size_text(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string retention_text(const Json& topic) {
  const Json& retention = member_of(topic, "retention");
  std::string time = text_at(retention, "time");
  std::string size = text_at(retention, "size");
  if (time.empty() && size.empty()) return "for ever";
  return time + (time.empty() || size.empty() ? "" : ", ") + size;
}

int list(Client& client) {
  auto answer = client.api.get("/v1/topics");
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  Table table(
      {{"TOPIC"}, {"PARTITIONS", true}, {"RECORDS", true}, {"SIZE", true}, {"RETENTION"}, {"DURABILITY"}});
  for (const auto& topic : member_of(*answer, "topics")) {
    const Json& internal = member_of(topic, "internal");
    if (internal.is_boolean() && internal.get<bool>()) continue;
    table.add({printable(text_at(topic, "name")), std::to_string(member_of(topic, "partitions").size()),
               flows::counted(records_of(topic)), size_text(bytes_of(topic)), retention_text(topic),
               text_at(topic, "durability")});
  }
  if (table.empty()) {
    client.screen.line("There are no topics yet; the first publish makes one: pabal publish greetings hello");
  } else {
    table.print(client.screen);
  }
  return exit_done;
}

int show(Client& client, const TopicOptions& options) {
  auto answer = client.api.get(options.path());
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  print_facts(client.screen, {{"topic", client.screen.bold(printable(text_at(*answer, "name")))},
                              {"id", text_at(*answer, "id")},
                              {"records", flows::counted(records_of(*answer))},
                              {"size", size_text(bytes_of(*answer))},
                              {"kept", retention_text(*answer)},
                              {"cleanup", text_at(*answer, "cleanup")},
                              {"durability", text_at(*answer, "durability")},
                              {"timestamps", text_at(*answer, "timestamps")},
                              {"largest message", text_at(*answer, "max_message_size")}});
  Table table({{"PARTITION", true}, {"FIRST", true}, {"NEXT", true}, {"SIZE", true}, {"LOST", true}});
  for (const auto& p : member_of(*answer, "partitions")) {
    table.add({std::to_string(count_at(p, "partition")), flows::counted(count_at(p, "first_offset")),
               flows::counted(count_at(p, "next_offset")),
               size_text(static_cast<uint64_t>(count_at(p, "bytes"))), flows::counted(count_at(p, "lost"))});
  }
  client.screen.line("");
  table.print(client.screen);
  return exit_done;
}

int put(Client& client, const TopicOptions& options, bool must_exist) {
  auto known = client.api.get(options.path());
  if (!known && known.error().code != ErrorCode::not_found) return client.fail(known.error());
  if (known && !must_exist) {
    client.screen.problem(
        fmt::format("pabal: topic {} exists already; `pabal topic set` changes it", options.name));
    return exit_no;
  }
  if (!known && must_exist) return client.fail(known.error());
  auto answer = client.api.call("PUT", options.path(), options.json());
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  client.screen.line(
      fmt::format("topic {} {}", printable(options.name), must_exist ? "is changed" : "is made"));
  return exit_done;
}

int remove(Client& client, const TopicOptions& options) {
  auto known = client.api.get(options.path());
  if (!known) return client.fail(known.error());
  std::string question = fmt::format("Delete topic {} with {}?", printable(options.name),
                                     flows::counted(records_of(*known), "record", "records"));
  if (!confirmed(client, question, options.yes)) return exit_no;
  auto answer = client.api.call("DELETE", options.path());
  if (!answer) return client.fail(answer.error());
  if (!client.json) client.screen.line(fmt::format("topic {} is deleted", printable(options.name)));
  return exit_done;
}

int delete_records(Client& client, const TopicOptions& options) {
  bool all = options.before == "next";
  int64_t before = -1;
  auto [end, problem] =
      std::from_chars(options.before.data(), options.before.data() + options.before.size(), before);
  if (!all &&
      (problem != std::errc() || end != options.before.data() + options.before.size() || before < 0)) {
    client.screen.problem(fmt::format("pabal: --before: read '{}'; right is an offset, or next for all",
                                      printable(options.before)));
    return exit_wrong_use;
  }
  std::string question =
      fmt::format("Delete the records of {} below {} in partition {}, for every reader?",
                  printable(options.name), all ? "its end" : options.before, options.partition);
  if (!confirmed(client, question, options.yes)) return exit_no;
  Json deletion = {{"partition", options.partition}};
  deletion["before_offset"] = all ? Json("next") : Json(before);
  Json body = {{"partitions", Json::array({std::move(deletion)})}};
  auto answer = client.api.call("POST", options.path() + "/delete_records", body);
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  for (const auto& p : member_of(*answer, "partitions")) {
    client.screen.line(fmt::format("partition {} of {} begins at offset {}", count_at(p, "partition"),
                                   printable(options.name), count_at(p, "first_offset")));
  }
  return exit_done;
}

void add_settings(CLI::App* verb, TopicOptions& options) {
  verb->add_option("--partitions", options.partitions, "how many; may grow, never shrink")
      ->check(CLI::Range(1, 100'000));
  verb->add_option("--retention-time", options.retention_time, "how long records are kept, like 7d");
  verb->add_option("--retention-size", options.retention_size, "how many bytes are kept, like 10GiB");
  verb->add_option("--durability", options.durability,
                   "flushed, written or memory; when it is made, for good");
  verb->add_option("--cleanup", options.cleanup,
                   "delete; compact: of each key the latest record is kept; or compact,delete: both")
      ->check(CLI::IsMember({"delete", "compact", "compact,delete"}));
  verb->add_option("--tombstones-kept", options.tombstones_kept,
                   "how long a compacted topic keeps a record without a value, like 24h");
  verb->add_option("--max-message-size", options.max_message_size,
                   "the most bytes of one message, like 1MiB");
  verb->add_option("--timestamps", options.timestamps, "create or append")
      ->check(CLI::IsMember({"create", "append"}));
}

}  // namespace

void add_topic(CLI::App& app, Run& run) {
  CLI::App* topic = app.add_subcommand("topic", "Look at topics, make, change and delete them");
  topic->require_subcommand(1);
  topic->footer("Example:\n  pabal topic list");
  auto options = std::make_shared<TopicOptions>();
  auto named = [&](const char* name, const char* text, const char* example) {
    CLI::App* verb = topic->add_subcommand(name, text);
    verb->add_option("TOPIC", options->name, "the topic's name")->required();
    verb->footer(fmt::format("Example:\n  {}", example));
    return verb;
  };
  CLI::App* all = topic->add_subcommand("list", "All topics");
  all->footer("Example:\n  pabal topic list");
  on_server(all, run, list);
  on_server(named("show", "One topic: settings and partitions", "pabal topic show order.events"), run,
            [options](Client& client) { return show(client, *options); });
  CLI::App* create =
      named("create", "Make a topic", "pabal topic create order.events --partitions 4 --retention-time 30d");
  add_settings(create, *options);
  on_server(create, run, [options](Client& client) { return put(client, *options, false); });
  CLI::App* set = named("set", "Change a topic", "pabal topic set order.events --retention-size 10GiB");
  add_settings(set, *options);
  set->add_flag("--rekey", options->rekey, "accept that more partitions move keys");
  on_server(set, run, [options](Client& client) { return put(client, *options, true); });
  CLI::App* gone = named("delete", "Delete a topic and its records", "pabal topic delete order.events --yes");
  gone->add_flag("--yes", options->yes, "do not ask");
  on_server(gone, run, [options](Client& client) { return remove(client, *options); });
  CLI::App* cut = named("delete-records", "Delete the oldest records of a partition, for every reader",
                        "pabal topic delete-records order.events --partition 0 --before 17 --yes");
  cut->add_option("--partition", options->partition, "which one")->required()->check(CLI::Range(0, 100'000));
  cut->add_option("--before", options->before, "the first offset to keep; next deletes all")->required();
  cut->add_flag("--yes", options->yes, "do not ask");
  on_server(cut, run, [options](Client& client) { return delete_records(client, *options); });
}

}  // namespace pabal::cli
