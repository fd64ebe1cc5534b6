// shop-service NAME: runs one service of the shop.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>

#include "base/logging.h"
#include "shop/services/services.h"

namespace {

using Runner = int (*)(const shop::Settings&);
const std::map<std::string, Runner> services = {
    {"order", shop::run_order},          {"inventory", shop::run_inventory},
    {"payment", shop::run_payment},      {"member", shop::run_member},
    {"shipping", shop::run_shipping},    {"notification", shop::run_notification},
    {"settlement", shop::run_settlement}};

// What the command line gives as text or number, before it is checked.
struct Arguments {
  std::vector<std::string> peers;
  int64_t service_time_ms = 0;
  int64_t network_ms = 0;
  std::string balance;
  std::string card_limit = "1000000";
};

void declare(CLI::App& app, shop::Settings& settings, Arguments& arguments) {
  std::vector<std::string> names;
  for (const auto& [name, run] : services) names.push_back(name);
  app.add_option("name", settings.name, "which service")->required()->check(CLI::IsMember(names));
  app.add_option("--data", settings.data, "its database is DATA/NAME/NAME.db");
  app.add_option("--server", settings.server, "the address of pabal");
  app.add_option("--listen", settings.listen, "its own address");
  app.add_option("--peer", arguments.peers, "another service: payment=http://127.0.0.1:9002");
  app.add_option("--service-time", arguments.service_time_ms, "how long its work takes, in ms")
      ->check(CLI::Range(0, 60'000));
  app.add_option("--network", arguments.network_ms, "each way of a call to another service, in ms")
      ->check(CLI::Range(0, 60'000));
  app.add_option("--workers", settings.workers, "requests and events at work at a time; the last one counts")
      ->check(CLI::Range(1, 256))
      ->take_last();
  app.add_flag("--naive-calls", settings.naive_calls,
               "order: calls without a second try or an end to the waiting");
  app.add_option("--stock", settings.stock, "inventory: what lies on the shelves, CSV of sku,quantity");
  app.add_option("--balance", arguments.balance, "member: what each member may spend");
  app.add_option("--card-limit", arguments.card_limit, "payment: more than this at once is declined");
  app.add_flag("--forgiving", settings.forgiving, "notification: mails to the desk what it cannot address");
}

std::string apply(const Arguments& arguments, shop::Settings& settings) {
  for (const std::string& peer : arguments.peers) {
    size_t equals = peer.find('=');
    if (equals == std::string::npos) return fmt::format("--peer {}: expected NAME=ADDRESS", peer);
    settings.peers[peer.substr(0, equals)] = peer.substr(equals + 1);
  }
  auto limit = shop::Money::parse(arguments.card_limit);
  if (!limit) return "--card-limit: " + limit.error().message;
  settings.card_limit = *limit;
  if (!arguments.balance.empty()) {
    auto balance = shop::Money::parse(arguments.balance);
    if (!balance) return "--balance: " + balance.error().message;
    settings.balance = *balance;
  }
  settings.service_time = std::chrono::milliseconds(arguments.service_time_ms);
  settings.network = std::chrono::milliseconds(arguments.network_ms);
  if (const char* url = std::getenv("SMTP_URL")) settings.smtp_url = url;
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  shop::Settings settings;
  Arguments arguments;
  CLI::App app("One service of the example shop.", "shop-service");
  declare(app, settings, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  if (std::string problem = apply(arguments, settings); !problem.empty()) {
    fmt::print(stderr, "shop-service: {}\n", problem);
    return 2;
  }
  pabal::start_logging("info");
  std::error_code problem;
  std::filesystem::create_directories(settings.directory(), problem);
  if (problem) {
    fmt::print(stderr, "shop-service: {}: {}\n", settings.directory(), problem.message());
    return 1;
  }
  return services.at(settings.name)(settings);
}
