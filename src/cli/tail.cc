#include <fmt/format.h>
#include <memory>

#include "base/units.h"
#include "cli/client_verb.h"
#include "cli/record_text.h"
#include "cli/sse.h"
#include "flows/words.h"

namespace pabal::cli {
namespace {

constexpr Duration reconnect_wait_max = std::chrono::seconds(5);

struct TailOptions {
  std::string topic;
  std::string from = "latest";
  std::string key;
  std::vector<std::string> headers;
  std::string type;
  int partition = -1;
  int64_t limit = 0;

  [[nodiscard]] Result<std::string> path(const std::string& start) const {
    if (start != "latest" && start != "earliest" && !parse_time(start)) {
      return error(ErrorCode::invalid, "--from: read '{}'; right is latest, earliest or a time like {}",
                   printable(start),
                   format_time(WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 20))));
    }
    std::string path = fmt::format("/v1/topics/{}/stream?from={}", segment(topic), segment(start));
    if (!key.empty()) path += "&key=" + segment(key);
    if (!type.empty()) path += "&header.ce_type=" + segment(type);
    if (partition >= 0) path += fmt::format("&partition={}", partition);
    for (const auto& header : headers) {
      size_t equals = header.find('=');
      if (equals == 0 || equals == std::string::npos) {
        return error(ErrorCode::invalid, "--header: read '{}'; right is NAME=VALUE", header);
      }
      path +=
          fmt::format("&header.{}={}", segment(header.substr(0, equals)), segment(header.substr(equals + 1)));
    }
    return path;
  }
};

void print_record(const Client& client, const Json& record) {
  if (client.json) {
    client.screen.line(record.dump(-1, ' ', false, Json::error_handler_t::replace));
    return;
  }
  std::string type = text_at(member_of(record, "headers"), "ce_type");
  client.screen.line(fmt::format(
      "{}  {}  {}{}  {}", client.screen.dim(text_at(record, "timestamp")),
      client.screen.dim(fmt::format("{}/{}", count_at(record, "partition"), count_at(record, "offset"))),
      client.screen.bold(printable(text_at(record, "key", "–"))), type.empty() ? "" : " " + printable(type),
      body_text(record, "value")));
}

// Prints what comes until the limit; connects again when the connection ends.
int tail(Client& client, const TailOptions& options) {
  int64_t printed = 0;
  SseReader reader([&](const SseReader::Event& event) {
    Json data = Json::parse(event.data, nullptr, false);
    if (event.name == "reset") {
      client.screen.problem(client.screen.amber(
          "pabal: records were removed by retention before they could be shown: " + printable(event.data)));
    } else if (event.name == "record" && data.is_object()) {
      print_record(client, data);
      ++printed;
    }
    return options.limit == 0 || printed < options.limit;
  });
  Duration wait = std::chrono::milliseconds(250);
  bool connected = false;
  std::string start = options.from;
  // Who comes back without having seen a record asks from when it first came.
  std::string came = format_time(system_clock().wall_now());
  while (true) {
    Api::Fields fields;
    if (!reader.last_id().empty()) fields.emplace_back("Last-Event-ID", reader.last_id());
    auto path = options.path(start);
    if (!path) return client.screen.problem("pabal: " + path.error().message), exit_wrong_use;
    bool any = false;
    auto ended = client.api.follow(*path, fields, [&](std::string_view piece) {
      any = true;
      return reader.feed(piece);
    });
    if (options.limit > 0 && printed >= options.limit) return exit_done;
    bool refused = !ended && client.api.status() / 100 == 4;
    if (!ended && (!connected || refused) && !any) return client.fail(ended.error());
    if (any) wait = std::chrono::milliseconds(250);
    connected = true;
    if (options.from == "latest") start = came;
    reader.reset();
    client.screen.problem(
        client.screen.dim(fmt::format("pabal: the connection ended; again in {}", flows::lasting(wait))));
    wait_for(wait);
    wait = std::min(2 * wait, reconnect_wait_max);
  }
}

}  // namespace

void add_tail(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("tail", "Print records as they are published, until Ctrl-C");
  verb->footer("Example:\n  pabal tail order.events --type OrderPaid --from earliest");
  auto options = std::make_shared<TailOptions>();
  verb->add_option("TOPIC", options->topic, "the topic's name")->required();
  verb->add_option("--from", options->from, "latest, earliest or a time")->capture_default_str();
  verb->add_option("--key", options->key, "only this key");
  verb->add_option("--type", options->type, "only events of this type");
  verb->add_option("--header", options->headers,
                   "NAME=VALUE: only records with this header; may be given again");
  verb->add_option("--partition", options->partition, "only this partition")->check(CLI::NonNegativeNumber);
  verb->add_option("--limit", options->limit, "end after so many records")->check(CLI::PositiveNumber);
  on_server(verb, run, [options](Client& client) { return tail(client, *options); });
}

}  // namespace pabal::cli
