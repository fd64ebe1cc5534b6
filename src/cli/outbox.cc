#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/logging.h"
#include "base/units.h"
#include "cli/verb.h"
#include "relay/relay.h"

namespace pabal::cli {
namespace {

using Json = nlohmann::json;

struct OutboxOptions {
  relay::RelayOptions relay;
  bool failures = false;
  std::string status;
  int64_t limit = 100;
  std::vector<std::string> ids;
  bool json = false;

  [[nodiscard]] relay::Outbox table() const { return relay::Outbox(table_name()); }
  [[nodiscard]] relay::OutboxTable table_name() const {
    return failures ? relay::OutboxTable::publish_failures : relay::OutboxTable::outbox;
  }
};

int fail(const Error& error) {
  fmt::print(stderr, "pabal outbox: {}\n", error.message);
  return exit_no;
}

// The relay that signals stop.
std::atomic<relay::Relay*> running = nullptr;

void on_signal(int) {
  if (relay::Relay* relay = running) relay->stop();
}

int run_relay(OutboxOptions options) {
  start_logging("info");
  options.relay.table = options.table_name();
  if (const char* count =
          std::getenv("PABAL_TEST_RELAY_STOP_AFTER_PUBLISH")) {  // NOLINT(concurrency-mt-unsafe)
    options.relay.stop_after_publish = std::atoi(count);
  }
  auto relay = relay::Relay::open(options.relay);
  if (!relay) return fail(relay.error());
  running = relay->get();
  struct sigaction act{};
  act.sa_handler = on_signal;
  sigaction(SIGTERM, &act, nullptr);
  sigaction(SIGINT, &act, nullptr);
  spdlog::info("relay: carries {} of {} to {}", options.failures ? "publish_failures" : "the outbox",
               options.relay.database, options.relay.server);
  auto done = (*relay)->run();
  running = nullptr;
  return done ? exit_done : fail(done.error());
}

// Opens a database that must be there, with the table in it.
Result<std::unique_ptr<relay::Database>> open_existing(const OutboxOptions& options) {
  const std::string& file = options.relay.database;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored))
    return error(ErrorCode::not_found, "there is no file {}", file);
  auto database = relay::Database::open(file);
  if (!database) return database;
  auto there = (*database)->read([&](relay::Transaction& tx) -> Result<void> {
    auto exists = options.table().exists(tx);
    if (!exists) return std::unexpected(exists.error());
    if (!*exists) return error(ErrorCode::not_found, "{} has no outbox: no service has written to it", file);
    return {};
  });
  if (!there) return std::unexpected(there.error());
  return database;
}

// What a service wrote cannot drive the terminal.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

Json json_of(const relay::OutboxRow& row) {
  return {{"position", row.position},
          {"id", row.id},
          {"topic", row.topic},
          {"type", row.type},
          {"key", row.key},
          {"payload", row.payload},
          {"headers", row.headers},
          {"created_at", format_time(row.created_at)},
          {"status", row.status},
          {"attempts", row.attempts},
          {"last_error", row.last_error}};
}

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

void print_rows(const std::vector<relay::OutboxRow>& rows, const relay::Outbox::Counts& counts) {
  for (const relay::OutboxRow& row : rows) {
    fmt::print("{:>8}  {:<7}  {}  {:<20}  {:<20}  {}{}\n", row.position, row.status,
               format_time(row.created_at), printable(row.type), printable(row.key), row.id,
               row.last_error.empty() ? "" : "\n          " + printable(row.last_error));
  }
  fmt::print("{} wait, {} failed, {} done\n", counts.waiting, counts.failed, counts.done);
}

int list(const OutboxOptions& options) {
  auto database = open_existing(options);
  if (!database) return fail(database.error());
  std::vector<relay::OutboxRow> rows;
  relay::Outbox::Counts counts;
  auto looked = (*database)->read([&](relay::Transaction& tx) -> Result<void> {
    auto listed = options.table().list(tx, options.status, options.limit);
    if (!listed) return std::unexpected(listed.error());
    rows = std::move(*listed);
    auto counted = options.table().counts(tx);
    if (!counted) return std::unexpected(counted.error());
    counts = *counted;
    return {};
  });
  if (!looked) return fail(looked.error());
  if (!options.json) {
    print_rows(rows, counts);
    return exit_done;
  }
  Json events = Json::array();
  for (const relay::OutboxRow& row : rows) events.push_back(json_of(row));
  fmt::print("{}\n", dump({{"events", std::move(events)},
                           {"waiting", counts.waiting},
                           {"failed", counts.failed},
                           {"done", counts.done}}));
  return exit_done;
}

int retry(const OutboxOptions& options) {
  auto database = open_existing(options);
  if (!database) return fail(database.error());
  int64_t count = 0;
  auto done = (*database)->write([&](relay::Transaction& tx) -> Result<void> {
    auto retried = options.table().retry(tx, options.ids);
    if (!retried) return std::unexpected(retried.error());
    count = *retried;
    return {};
  });
  if (!done) return fail(done.error());
  if (options.json) {
    fmt::print("{}\n", dump({{"retried", count}}));
  } else {
    fmt::print("{} {} again\n", count, count == 1 ? "event waits" : "events wait");
  }
  return exit_done;
}

}  // namespace

void add_outbox(CLI::App& app, Run& run) {
  CLI::App* outbox =
      app.add_subcommand("outbox", "Carry a service's outbox to the server, look at it, mend it");
  outbox->require_subcommand(1);
  outbox->footer("Example:\n  pabal outbox relay --database shipping.db --producer shipping");
  auto options = std::make_shared<OutboxOptions>();
  auto add = [&](const char* name, const char* text, const char* example, int (*work)(OutboxOptions)) {
    CLI::App* verb = outbox->add_subcommand(name, text);
    verb->add_option("--database", options->relay.database, "the service's database file")->required();
    verb->add_flag("--failures", options->failures,
                   "the events that were published directly and failed, instead of the outbox");
    verb->footer(fmt::format("Example:\n  {}", example));
    verb->callback([&run, options, work] { run = [options, work] { return work(*options); }; });
    return verb;
  };
  CLI::App* carry = add("relay", "Publish what waits, for as long as it runs",
                        "pabal outbox relay --database shipping.db --producer shipping", run_relay);
  carry->add_option("--producer", options->relay.producer, "the service's name")->required();
  carry->add_option("--server", options->relay.server, "the server's address")
      ->envname("PABAL_SERVER")
      ->capture_default_str();
  carry->add_option("--token", options->relay.token, "the access token, where the server asks for one")
      ->envname("PABAL_TOKEN");
  CLI::App* show = add("list", "What waits, failed and is done",
                       "pabal outbox list --database shipping.db --status failed",
                       [](OutboxOptions o) { return list(o); });
  show->add_option("--status", options->status, "only these")
      ->check(CLI::IsMember({"waiting", "failed", "done"}));
  show->add_option("--limit", options->limit, "the newest so many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  show->add_flag("--json", options->json, "for programs");
  CLI::App* mend = add("retry", "Send failed events again: all, or those named",
                       "pabal outbox retry --database shipping.db", [](OutboxOptions o) { return retry(o); });
  mend->add_option("--id", options->ids, "of one event; may be given several times");
  mend->add_flag("--json", options->json, "for programs");
}

}  // namespace pabal::cli
