#include <fmt/format.h>
#include <memory>

#include "cli/client_verb.h"
#include "cli/queue_messages.h"
#include "cli/queue_settings.h"
#include "cli/table.h"
#include "flows/words.h"

namespace pabal::cli {
namespace {

struct QueueOptions {
  std::string name;
  QueueSettingsOptions settings;
  bool yes = false;

  [[nodiscard]] std::string path() const { return "/v1/queues/" + segment(name); }
};

std::string age_text(const Json& queue) {
  const Json& age = member_of(queue, "oldest_ready_age_s");
  if (!age.is_number()) return "–";
  return flows::lasting(seconds_of(age.get<double>()));
}

std::string state_text(const Json& queue) {
  const Json& paused = member_of(queue, "paused");
  if (paused.is_boolean() && paused.get<bool>()) return "paused";
  std::string stalled = printable(text_at(queue, "stalled"));
  if (!stalled.empty()) return "stalled: " + stalled;
  bool pushes = member_of(queue, "push").is_object();
  if (count_at(queue, "ready") > 0 && count_at(queue, "consumers") == 0 && !pushes) return "no consumer";
  return "";
}

int list(Client& client) {
  auto answer = client.api.get("/v1/queues");
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  Table table({{"QUEUE"},
               {"READS"},
               {"WAITING", true},
               {"OLDEST", true},
               {"OUT", true},
               {"DELAYED", true},
               {"DEAD", true},
               {"DONE/S", true},
               {"CONSUMERS", true},
               {""}});
  for (const auto& queue : member_of(*answer, "queues")) {
    int64_t dead = count_at(queue, "dead");
    std::string dead_text = flows::counted(dead);
    table.add({printable(text_at(queue, "name")), printable(text_at(queue, "topic")),
               flows::counted(count_at(queue, "ready") + count_at(queue, "unscanned")), age_text(queue),
               flows::counted(count_at(queue, "leased")), flows::counted(count_at(queue, "delayed")),
               dead > 0 ? client.screen.red(dead_text) : dead_text,
               fmt::format("{:.1f}", number_at(queue, "acked_per_second")),
               std::to_string(count_at(queue, "consumers")), client.screen.amber(state_text(queue))});
  }
  if (table.empty()) {
    client.screen.line("There are no queues yet: pabal queue create mail --topic order.events");
  } else {
    table.print(client.screen);
  }
  return exit_done;
}

std::string push_text(const Json& queue) {
  const Json& push = member_of(queue, "push");
  if (!push.is_object()) return "no, messages are pulled";
  return fmt::format("{} ({} at a time, {} each{})", printable(text_at(push, "url")),
                     count_at(push, "concurrency"), text_at(push, "timeout"),
                     text_at(push, "secret").empty() ? "" : ", signed");
}

void print_consumers(const Client& client, const Json& queue) {
  const Json& consumers = member_of(queue, "consumer_list");
  if (!consumers.is_array() || consumers.empty()) return;
  Table table({{"CONSUMER"}, {"VIA"}, {"OUT", true}, {"LAST SEEN"}});
  for (const auto& consumer : consumers) {
    table.add({printable(text_at(consumer, "service")), text_at(consumer, "via"),
               flows::counted(count_at(consumer, "leased")), text_at(consumer, "last_seen")});
  }
  client.screen.line("");
  table.print(client.screen);
}

int show(Client& client, const QueueOptions& options) {
  auto answer = client.api.get(options.path());
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  const Json& q = *answer;
  const Json& backoff = member_of(q, "backoff");
  std::string state = state_text(q);
  print_facts(
      client.screen,
      {{"queue", client.screen.bold(printable(text_at(q, "name")))},
       {"reads", printable(text_at(q, "topic"))},
       {"state", state.empty() ? "ok" : client.screen.amber(state)},
       {"waiting", fmt::format("{} ready, {} out, {} delayed, {} not looked at; oldest {}",
                               flows::counted(count_at(q, "ready")), flows::counted(count_at(q, "leased")),
                               flows::counted(count_at(q, "delayed")),
                               flows::counted(count_at(q, "unscanned")), age_text(q))},
       {"dead", flows::counted(count_at(q, "dead"), "dead letter", "dead letters")},
       {"rates", fmt::format("{:.1f} delivered/s, {:.1f} done/s, {:.1f} tried again/s",
                             number_at(q, "delivered_per_second"), number_at(q, "acked_per_second"),
                             number_at(q, "retried_per_second"))},
       {"filter", member_of(q, "filter").empty() ? "none" : printable(member_of(q, "filter").dump())},
       {"lease", text_at(q, "visibility")},
       {"tries", fmt::format("{}, {} × {} up to {}, then {}", count_at(q, "max_deliveries"),
                             text_at(backoff, "first"), number_at(backoff, "factor"), text_at(backoff, "max"),
                             printable(text_at(q, "dead_letter")))},
       {"order", text_at(q, "order")},
       {"limits", fmt::format("{} messages, {}, {}; then {}", flows::counted(count_at(q, "max_depth")),
                              text_at(q, "max_bytes"), text_at(q, "max_age"), text_at(q, "overflow"))},
       {"pushed", push_text(q)}});
  print_consumers(client, q);
  return exit_done;
}

int put(Client& client, const QueueOptions& options, bool must_exist) {
  auto known = client.api.get(options.path());
  if (!known && (must_exist || known.error().code != ErrorCode::not_found)) return client.fail(known.error());
  if (known && !must_exist) {
    client.screen.problem(
        fmt::format("pabal: queue {} exists already; `pabal queue set` changes it", options.name));
    return exit_no;
  }
  auto answer = client.api.call("PUT", options.path(), options.settings.json());
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  client.screen.line(fmt::format("queue {} {}; it reads {}", printable(options.name),
                                 must_exist ? "is changed" : "is made",
                                 printable(text_at(*answer, "topic"))));
  return exit_done;
}

// What the question is about, before anything is done.
Result<std::string> waiting_text(Client& client, const QueueOptions& options) {
  auto known = client.api.get(options.path());
  if (!known) return std::unexpected(known.error());
  int64_t waiting = count_at(*known, "ready") + count_at(*known, "leased") + count_at(*known, "delayed") +
                    count_at(*known, "unscanned");
  return flows::counted(waiting, "message", "messages");
}

int remove(Client& client, const QueueOptions& options) {
  auto waiting = waiting_text(client, options);
  if (!waiting) return client.fail(waiting.error());
  std::string question =
      fmt::format("Delete queue {} with {}? Its topic stays.", printable(options.name), *waiting);
  if (!confirmed(client, question, options.yes)) return exit_no;
  auto answer = client.api.call("DELETE", options.path());
  if (!answer) return client.fail(answer.error());
  if (!client.json) client.screen.line(fmt::format("queue {} is deleted", printable(options.name)));
  return exit_done;
}

int purge(Client& client, const QueueOptions& options) {
  auto waiting = waiting_text(client, options);
  if (!waiting) return client.fail(waiting.error());
  std::string question = fmt::format("Throw away {} of queue {}?", *waiting, printable(options.name));
  if (!confirmed(client, question, options.yes)) return exit_no;
  auto answer = client.api.call("POST", options.path() + "/purge");
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  client.screen.line(fmt::format(
      "{} thrown away", flows::counted(count_at(*answer, "purged"), "message was", "messages were")));
  return exit_done;
}

int order_to(Client& client, const QueueOptions& options, const char* what, const char* done) {
  auto answer = client.api.call("POST", options.path() + "/" + what);
  if (!answer) return client.fail(answer.error());
  if (!client.json) client.screen.line(fmt::format("{} {}", printable(options.name), done));
  return exit_done;
}

using Named = std::function<CLI::App*(const char* name, const char* text, const char* example)>;

void add_settings(const Named& named, const std::shared_ptr<QueueOptions>& options, Run& run) {
  CLI::App* create = named("create", "Make a queue",
                           "pabal queue create notification.mail --topic order.events --type OrderPaid");
  options->settings.add_to(create);
  on_server(create, run, [options](Client& client) { return put(client, *options, false); });
  CLI::App* set = named("set", "Change a queue", "pabal queue set notification.mail --max-deliveries 20");
  options->settings.add_to(set);
  on_server(set, run, [options](Client& client) { return put(client, *options, true); });
}

void add_orders(const Named& named, const std::shared_ptr<QueueOptions>& options, Run& run) {
  on_server(named("pause", "Give out no more messages", "pabal queue pause notification.mail"), run,
            [options](Client& client) {
              return order_to(client, *options, "pause", "is paused; its messages wait");
            });
  on_server(named("resume", "Give out messages again", "pabal queue resume notification.mail"), run,
            [options](Client& client) { return order_to(client, *options, "resume", "goes on"); });
  CLI::App* empty = named("purge", "Throw away all that waits", "pabal queue purge notification.mail --yes");
  empty->add_flag("--yes", options->yes, "do not ask");
  on_server(empty, run, [options](Client& client) { return purge(client, *options); });
  CLI::App* gone =
      named("delete", "Delete a queue; its topic stays", "pabal queue delete notification.mail --yes");
  gone->add_flag("--yes", options->yes, "do not ask");
  on_server(gone, run, [options](Client& client) { return remove(client, *options); });
}

}  // namespace

void add_queue(CLI::App& app, Run& run) {
  CLI::App* queue = app.add_subcommand("queue", "Look at queues, make, change and work with them");
  queue->require_subcommand(1);
  queue->footer("Example:\n  pabal queue list");
  auto options = std::make_shared<QueueOptions>();
  Named named = [queue, options](const char* name, const char* text, const char* example) {
    CLI::App* verb = queue->add_subcommand(name, text);
    verb->add_option("QUEUE", options->name, "the queue's name")->required();
    verb->footer(fmt::format("Example:\n  {}", example));
    return verb;
  };
  CLI::App* all = queue->add_subcommand("list", "All queues: what waits, since when, who consumes");
  all->footer("Example:\n  pabal queue list");
  on_server(all, run, list);
  on_server(named("show", "One queue: state, settings, consumers", "pabal queue show notification.mail"), run,
            [options](Client& client) { return show(client, *options); });
  add_settings(named, options, run);
  add_queue_messages(*queue, run);
  add_orders(named, options, run);
}

}  // namespace pabal::cli
