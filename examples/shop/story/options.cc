#include "shop/story/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sstream>

namespace shop {
namespace {

struct Texts {
  std::string acts;
  std::string service_times;
  std::string balance;
};

void declare(CLI::App& app, StoryOptions& o, Texts& texts) {
  app.add_option("--orders", o.orders, "orders from a CSV file, plain or .gz")->check(CLI::ExistingFile);
  app.add_option("--limit", o.limit, "only the first N invoices")->check(CLI::Range(1, 10'000'000));
  app.add_option("--rate", o.rate,
                 "customers per second; 0: as fast as they are served (default 32, with --network 0 it is 0)")
      ->check(CLI::Range(0.0, 100'000.0));
  app.add_option("--concurrency", o.concurrency, "order workers")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  app.add_option("--seed", o.seed, "of the orders that are made up without --orders")->capture_default_str();
  app.add_option("--acts", texts.acts,
                 fmt::format("which, separated by commas: {}", fmt::join(all_acts(), ",")));
  app.add_option("--service-times", texts.service_times,
                 "ms of order, payment, notification (default 50,100,30)");
  app.add_option("--network", o.network, "ms, each way of a call between services; 0 for full speed")
      ->capture_default_str()
      ->check(CLI::Range(0, 10'000));
  app.add_flag("--same-key", o.same_key, "a customer repeats the same order, instead of placing a new one");
  app.add_flag("--once", o.once, "end after the report");
  app.add_option("--json", o.json, "write the report to a file, as JSON");
  app.add_option("--data", o.data, "where everything is kept (a fresh directory beside the program)");
  app.add_option("--stock", o.stock, "what lies on the shelves, a CSV of sku,quantity")
      ->check(CLI::ExistingFile);
  app.add_option("--balance", texts.balance, "what each member may spend");
  app.add_option("--http", o.http, "the server's address")->capture_default_str();
  app.add_option("--order", o.order, "the order service's address")->capture_default_str();
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

std::string apply_acts(const std::string& text, StoryOptions& o) {
  o.acts = text.empty() ? all_acts() : split(text);
  for (const std::string& act : o.acts) {
    if (std::ranges::find(all_acts(), act) == all_acts().end()) {
      return fmt::format("--acts: there is no act \"{}\"; there are {}", act, fmt::join(all_acts(), ", "));
    }
    if (std::ranges::count(o.acts, act) > 1) return fmt::format("--acts: {} is there twice", act);
  }
  return {};
}

std::string apply_times(const std::string& text, StoryOptions& o) {
  if (text.empty()) return {};
  std::vector<std::string> parts = split(text);
  bool right = parts.size() == 3 && std::ranges::all_of(parts, [](const std::string& part) {
                 return !part.empty() && part.size() <= 5 &&
                        std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
               });
  if (!right)
    return fmt::format("--service-times: read \"{}\"; expected three whole numbers of ms, as in 50,100,30",
                       text);
  for (size_t i = 0; i < parts.size(); ++i) o.service_times[i] = std::stoi(parts[i]);
  return {};
}

std::string apply(const Texts& texts, StoryOptions& o) {
  if (std::string problem = apply_acts(texts.acts, o); !problem.empty()) return problem;
  if (std::string problem = apply_times(texts.service_times, o); !problem.empty()) return problem;
  if (texts.balance.empty()) return {};
  auto balance = Money::parse(texts.balance);
  if (!balance || balance->is_negative()) return "--balance: expected an amount like 250.00, not negative";
  o.balance = *balance;
  return {};
}

}  // namespace

const std::vector<std::string>& all_acts() {
  static const std::vector<std::string> acts = {
      "chain-3",     "chain", "hybrid", "async",  "outage-chain", "outage-hybrid", "slow-chain",
      "slow-hybrid", "burst", "join",   "poison", "crash-hybrid", "crash-async"};
  return acts;
}

std::expected<StoryOptions, Usage> parse_options(int argc, const char* const* argv) {
  StoryOptions options;
  Texts texts;
  CLI::App app("Plays the order story: a shop's services exchange calls and events through Pabal.",
               "./dev run");
  declare(app, options, texts);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    std::ostringstream out;
    bool help = app.exit(problem, out, out) == 0;
    return std::unexpected(Usage{help ? 0 : 2, out.str()});
  }
  if (std::string problem = apply(texts, options); !problem.empty())
    return std::unexpected(Usage{2, problem + "\n"});
  return options;
}

}  // namespace shop
