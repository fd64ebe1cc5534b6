#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <memory>

#include "base/random.h"
#include "base/units.h"
#include "base/uuid.h"
#include "cli/client_verb.h"
#include "flows/words.h"
#include "protocol/base64.h"

namespace pabal::cli {
namespace {

constexpr size_t records_per_call_max = 1'000;

struct PublishOptions {
  std::string topic;
  std::string value;
  std::string key;
  std::vector<std::string> headers;
  std::string type;
  std::string correlation;
  std::string service = "cli";
  int partition = -1;
  bool lines = false;
};

// "name=value" pairs, and what makes the record an event.
Result<Json> headers_of(const PublishOptions& options) {
  Json headers = Json::object();
  for (const auto& header : options.headers) {
    size_t equals = header.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return error(ErrorCode::invalid, "--header: read '{}'; right is NAME=VALUE", header);
    }
    headers[header.substr(0, equals)] = header.substr(equals + 1);
  }
  if (options.type.empty()) return headers;
  Random random = Random::from_system();
  WallTime now = system_clock().wall_now();
  headers["ce_id"] = Uuid::ordered(now.time_since_epoch().count(), random).to_string();
  headers["ce_type"] = options.type;
  headers["ce_source"] = "/" + options.service;
  headers["ce_specversion"] = "1.0";
  headers["ce_time"] = format_time(now);
  if (!headers.contains("content-type")) headers["content-type"] = "application/json";
  return headers;
}

// The value goes as bytes, so that what is stored is exactly what was given.
Result<Json> record_of(const PublishOptions& options, std::string_view value) {
  auto headers = headers_of(options);
  if (!headers) return std::unexpected(headers.error());
  Json record = {{"value_base64", protocol::base64_encode(value)}};
  if (!options.key.empty()) record["key"] = options.key;
  if (!headers->empty()) record["headers"] = std::move(*headers);
  if (options.partition >= 0) record["partition"] = options.partition;
  return record;
}

Result<Json> send(Client& client, const PublishOptions& options, Json records) {
  Api::Fields fields = {{"Pabal-Service", options.service}};
  if (!options.correlation.empty()) fields.emplace_back("Correlation-Id", options.correlation);
  return client.api.call("POST", "/v1/topics/" + segment(options.topic) + "/records",
                         Json{{"records", std::move(records)}}, std::chrono::seconds(30), fields);
}

int publish_one(Client& client, const PublishOptions& options) {
  std::string value = options.value;
  if (value == "-") value = std::string(std::istreambuf_iterator<char>(std::cin), {});
  auto record = record_of(options, value);
  if (!record) return client.screen.problem("pabal: " + record.error().message), exit_wrong_use;
  auto answer = send(client, options, Json::array({std::move(*record)}));
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  for (const auto& at : member_of(*answer, "records")) {
    client.screen.line(fmt::format("stored in {}, partition {}, at {}", printable(options.topic),
                                   count_at(at, "partition"), flows::counted(count_at(at, "offset"))));
  }
  return exit_done;
}

int publish_lines(Client& client, const PublishOptions& options) {
  Json records = Json::array();
  int64_t stored = 0;
  auto flush = [&]() -> Result<void> {
    if (records.empty()) return {};
    auto count = static_cast<int64_t>(records.size());
    auto answer = send(client, options, std::exchange(records, Json::array()));
    if (!answer) return std::unexpected(answer.error());
    stored += count;
    return {};
  };
  Result<void> sent;
  for (std::string line; sent && std::getline(std::cin, line);) {
    if (line.empty()) continue;
    auto record = record_of(options, line);
    if (!record) return client.screen.problem("pabal: " + record.error().message), exit_wrong_use;
    records.push_back(std::move(*record));
    if (records.size() >= records_per_call_max) sent = flush();
  }
  if (sent) sent = flush();
  std::string text =
      fmt::format("{} stored in {}", flows::counted(stored, "record", "records"), printable(options.topic));
  if (client.json) {
    client.print_json(Json{{"stored", stored}});
  } else {
    client.screen.line(text);
  }
  return sent ? exit_done : client.fail(sent.error());
}

}  // namespace

void add_publish(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("publish", "Publish a record; done when it is durable");
  verb->footer(
      "Examples:\n  pabal publish order.events '{\"order_id\": \"O-1\"}' --key O-1 --type OrderPaid\n"
      "  tail -f log | pabal publish lines - --lines");
  auto options = std::make_shared<PublishOptions>();
  verb->add_option("TOPIC", options->topic, "the topic's name")->required();
  auto* value = verb->add_option("VALUE", options->value, "the value; - reads standard input");
  verb->add_option("--key", options->key, "the record's key");
  verb->add_option("--header", options->headers, "NAME=VALUE; may be given again");
  verb->add_option("--type", options->type, "makes it an event of this type (a CloudEvent)");
  verb->add_option("--correlation", options->correlation,
                   "the flow it belongs to; one is made when left out");
  verb->add_option("--service", options->service, "who publishes, as the flow graph shows it")
      ->capture_default_str();
  verb->add_option("--partition", options->partition, "this partition instead of the key's")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--lines", options->lines, "each line of standard input is a record");
  on_server(verb, run, [options, value](Client& client) {
    if (options->lines) return publish_lines(client, *options);
    if (value->count() == 0) {
      client.screen.problem(
          "pabal: a value is missing: give it after the topic, or - to read standard input");
      return exit_wrong_use;
    }
    return publish_one(client, *options);
  });
}

}  // namespace pabal::cli
