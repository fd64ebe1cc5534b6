#include "cli/queue_messages.h"

#include <fmt/format.h>
#include <memory>

#include "base/units.h"
#include "cli/client_verb.h"
#include "cli/record_text.h"
#include "cli/table.h"
#include "flows/words.h"

namespace pabal::cli {
namespace {

constexpr Duration progress_look = std::chrono::milliseconds(200);

struct MessageOptions {
  std::string queue;
  std::string state = "ready";
  std::string key;
  std::string id;
  int limit = 20;
  // receive
  int max = 1;
  std::string wait = "0s";
  std::string visibility;
  bool ack = false;
  // redrive
  std::vector<std::string> ids;
  bool all = false;
  double rate = 0;
  bool no_wait = false;

  [[nodiscard]] std::string path() const { return "/v1/queues/" + segment(queue); }
};

std::string since_text(const std::string& time) {
  auto at = parse_time(time);
  if (!at) return "–";
  return flows::lasting(time_between(*at, system_clock().wall_now()));
}

int messages(Client& client, const MessageOptions& options) {
  std::string path =
      fmt::format("{}/messages?state={}&limit={}", options.path(), options.state, options.limit);
  if (!options.key.empty()) path += "&key=" + segment(options.key);
  if (!options.id.empty()) path += "&id=" + segment(options.id);
  auto answer = client.api.get(std::move(path));
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  bool dead = options.state == "dead";
  Table table({{"ID"},
               {"KEY"},
               {"TYPE"},
               {"TRIES", true},
               {dead ? "DIED" : "AGE", true},
               {dead ? "REASON" : "BODY"}});
  for (const auto& message : member_of(*answer, "messages")) {
    table.add({printable(text_at(message, "id")), printable(text_at(message, "key", "–")),
               printable(text_at(member_of(message, "headers"), "ce_type")),
               std::to_string(count_at(message, "deliveries")),
               since_text(text_at(message, dead ? "died_at" : "enqueued_at")),
               dead ? printable(text_at(message, "reason")) : body_text(message, "body")});
  }
  if (table.empty()) {
    client.screen.line(fmt::format("{} has no {} messages", printable(options.queue), options.state));
  } else {
    table.print(client.screen);
  }
  return exit_done;
}

int receive(Client& client, const MessageOptions& options) {
  auto wait = parse_duration(options.wait);
  if (!wait) return client.screen.problem("pabal: --wait: " + wait.error().message), exit_wrong_use;
  Json body = {{"max", options.max}, {"wait", options.wait}};
  if (!options.visibility.empty()) body["visibility"] = options.visibility;
  auto answer = client.api.call("POST", options.path() + "/receive", body, *wait + std::chrono::seconds(30),
                                {{"Pabal-Service", "cli"}});
  if (!answer) return client.fail(answer.error());
  const Json& received = member_of(*answer, "messages");
  if (client.json) client.print_json(*answer);
  Json leases = Json::array();
  for (const auto& message : received) {
    leases.push_back(text_at(message, "lease"));
    if (client.json) continue;
    client.screen.line(fmt::format("{}  key {}  delivery {}  {}",
                                   client.screen.bold(printable(text_at(message, "id"))),
                                   printable(text_at(message, "key", "–")), count_at(message, "delivery"),
                                   client.screen.dim("lease " + printable(text_at(message, "lease")))));
    client.screen.line("  " + body_text(message, "body"));
  }
  if (leases.empty()) {
    if (!client.json) client.screen.line(fmt::format("{} has nothing ready", printable(options.queue)));
    return exit_no;
  }
  if (!options.ack) {
    if (!client.json)
      client.screen.line(client.screen.dim("not acked: they are ready again when the lease ends"));
    return exit_done;
  }
  auto acked = client.api.call("POST", options.path() + "/ack", {{"leases", leases}});
  if (!acked) return client.fail(acked.error());
  if (!client.json)
    client.screen.line(fmt::format("{} acked", flows::counted(static_cast<int64_t>(leases.size()))));
  return exit_done;
}

void print_progress(const Client& client, const Json& progress) {
  std::string text = fmt::format("{} of {} moved", flows::counted(count_at(progress, "moved")),
                                 flows::counted(count_at(progress, "total"), "dead letter", "dead letters"));
  if (client.screen.terminal) {
    client.screen.out("\r" + text + " ");
  } else if (text_at(progress, "state") != "running") {
    client.screen.line(text);
  }
}

int follow_redrive(Client& client, const MessageOptions& options, Json progress) {
  std::string path = fmt::format("{}/redrives/{}", options.path(), segment(text_at(progress, "redrive_id")));
  while (text_at(progress, "state", "running") == "running") {
    auto next = client.api.get(path);
    if (!next) return client.fail(next.error());
    progress = std::move(*next);
    if (!client.json) print_progress(client, progress);
    wait_for(progress_look);
  }
  if (client.json) {
    client.print_json(progress);
  } else if (client.screen.terminal) {
    client.screen.line("");
  }
  return text_at(progress, "state") == "done" ? exit_done : exit_no;
}

int redrive(Client& client, const MessageOptions& options) {
  if (options.all == !options.ids.empty()) {
    client.screen.problem("pabal: say which dead letters: --all, or --id ID for each");
    return exit_wrong_use;
  }
  Json body = Json::object();
  if (options.all) body["all"] = true;
  if (!options.ids.empty()) body["ids"] = options.ids;
  if (options.rate > 0) body["rate"] = options.rate;
  auto answer = client.api.call("POST", options.path() + "/redrive", body);
  if (!answer) return client.fail(answer.error());
  if (!options.no_wait) return follow_redrive(client, options, std::move(*answer));
  if (client.json) return client.print_json(*answer), exit_done;
  client.screen.line(fmt::format("redrive {} has begun", printable(text_at(*answer, "redrive_id"))));
  return exit_done;
}

}  // namespace

void add_queue_messages(CLI::App& queue, Run& run) {
  auto options = std::make_shared<MessageOptions>();
  auto named = [&](const char* name, const char* text, const char* example) {
    CLI::App* verb = queue.add_subcommand(name, text);
    verb->add_option("QUEUE", options->queue, "the queue's name")->required();
    verb->footer(fmt::format("Example:\n  {}", example));
    return verb;
  };
  CLI::App* look = named("messages", "Look at messages without taking them",
                         "pabal queue messages notification.mail --state dead");
  look->add_option("--state", options->state, "ready, leased, delayed or dead")
      ->check(CLI::IsMember({"ready", "leased", "delayed", "dead"}))
      ->capture_default_str();
  look->add_option("--key", options->key, "only this key");
  look->add_option("--id", options->id, "only this message");
  look->add_option("--limit", options->limit, "how many")->check(CLI::Range(1, 1'000))->capture_default_str();
  on_server(look, run, [options](Client& client) { return messages(client, *options); });

  CLI::App* take =
      named("receive", "Take messages, as a consumer does", "pabal queue receive notification.mail --ack");
  take->add_option("--max", options->max, "how many")->check(CLI::Range(1, 1'000))->capture_default_str();
  take->add_option("--wait", options->wait, "how long to wait for one, like 20s")->capture_default_str();
  take->add_option("--visibility", options->visibility, "how long the lease lasts, like 30s");
  take->add_flag("--ack", options->ack, "they are done");
  on_server(take, run, [options](Client& client) { return receive(client, *options); });

  CLI::App* again =
      named("redrive", "Put dead letters back into the queue", "pabal queue redrive notification.mail --all");
  again->add_flag("--all", options->all, "every dead letter");
  again->add_option("--id", options->ids, "this one; may be given again");
  again->add_option("--rate", options->rate, "messages per second")->check(CLI::PositiveNumber);
  again->add_flag("--no-wait", options->no_wait, "do not wait until it is done");
  on_server(again, run, [options](Client& client) { return redrive(client, *options); });
}

}  // namespace pabal::cli
