#include "shop/story/play.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>

#include "shop/orders/order_generator.h"
#include "shop/story/acts.h"
#include "shop/story/reckoning.h"
#include "shop/story/run_program.h"

namespace shop {
namespace {

constexpr std::chrono::seconds catch_up_within{180};
constexpr uint64_t orders_made_up = 420;  // as many as the longest act takes

bool is_chain(const std::string& mode) { return mode.starts_with("chain"); }

// Dead letters that are there at the end.
Result<int64_t> dead_letters(World& world) {
  auto queues = world.queues();
  if (!queues) return std::unexpected(queues.error());
  int64_t dead = 0;
  for (const auto& queue : *queues) dead += queue.value("dead", int64_t{0});
  return dead;
}

Result<ActRecord> record_of(const Act& act, Stage& stage, World& world) {
  auto ledgers = world.ledgers();
  if (!ledgers) return std::unexpected(ledgers.error());
  auto dead = dead_letters(world);
  if (!dead) return std::unexpected(dead.error());
  ledgers->events.dead = *dead + stage.redriven;
  AwayTimes away = world.away();
  return ActRecord{
      .act = act.name, .attempts = stage.attempts(), .server_away_us = away["server"], .ledgers = *ledgers};
}

}  // namespace

Theatre::Theatre(const StoryOptions& options, std::string directory, Screen& screen, const StopSwitch& stop)
    : options_(options),
      directory_(std::move(directory)),
      screen_(screen),
      stop_(stop),
      supervisor_(Supervisor::make()),
      addresses_(choose_addresses(options.http, options.order)) {}

Result<void> Theatre::prepare() {
  if (std::ranges::find(options_.acts, "join") != options_.acts.end()) {
    // It needs a library; better told now than in the middle of the story.
    auto found = run_program({program_beside("shop-analytics.py"), "--help"});
    if (!found) return std::unexpected(found.error());
  }
  orders_path_ = options_.orders;
  if (orders_path_.empty()) {
    orders_path_ = directory_ + "/orders.csv";
    std::ofstream(orders_path_, std::ios::binary)
        << generate_orders({.seed = options_.seed, .count = orders_made_up});
  }
  auto file = read_orders(orders_path_, options_.limit);
  if (!file) return std::unexpected(file.error());
  whole_file_ = std::move(*file);
  stock_path_ = options_.stock;
  return stock_path_.empty() ? write_stock(whole_file_) : Result<void>();
}

// As much of everything as all customers ask for, be it that each of them orders three times, and enough of
// what `./dev shop order` orders.
Result<void> Theatre::write_stock(const OrdersFile& file) {
  std::map<std::string, int64_t> goods = {{"TEA", 100'000}, {"MOON", 100'000}};
  for (const Purchase& purchase : file.purchases) {
    for (const PurchaseLine& line : purchase.lines) {
      goods[line.sku] += purchase.cancellation ? 0 : Customers::orders_max * line.quantity;
    }
  }
  stock_path_ = directory_ + "/stock.csv";
  std::ofstream stock(stock_path_, std::ios::binary);
  stock << "sku,quantity\n";
  for (const auto& [sku, pieces] : goods) {
    std::string quoted;
    for (char c : sku) quoted += c == '"' ? "\"\"" : std::string(1, c);
    stock << fmt::format("\"{}\",{}\n", quoted, pieces);
  }
  stock.flush();
  if (stock) return {};
  return error(ErrorCode::io_failed, "{}: cannot be written", stock_path_);
}

std::optional<uint64_t> Theatre::limit_of(const Act& act) const {
  std::optional<uint64_t> limit = options_.limit;
  auto at_most = [&](std::optional<uint64_t> n) {
    if (n) limit = std::min(limit.value_or(*n), *n);
  };
  at_most(act.orders_max);
  if (options_.orders.empty() && !options_.limit) at_most(act.orders_made_up);
  return limit;
}

WorldPlan Theatre::plan_of(const std::string& name) const {
  return {.directory = directory_ + "/" + name,
          .addresses = addresses_,
          .service_times = options_.service_times,
          .network = options_.network,
          .workers = options_.concurrency,
          .notification_workers = options_.concurrency,
          .stock = stock_path_,
          .balance = options_.balance};
}

Result<PlayedAct> Theatre::play(const std::string& name) {
  Act act = act_named(name);
  auto limit = limit_of(act);
  auto file = read_orders(orders_path_, limit);
  if (!file) return std::unexpected(file.error());
  WorldPlan plan = plan_of("acts/" + name);
  plan.naive_calls = is_chain(act.mode);
  if (act.notification_time_ms) plan.service_times[2] = *act.notification_time_ms;
  if (act.notification_workers) plan.notification_workers = *act.notification_workers;
  std::string directory = plan.directory;
  auto world = World::start(*supervisor_, std::move(plan), stop_);
  if (!world) return std::unexpected(world.error());

  Stage stage(act, options_, *file, **world, screen_, stop_);
  if (auto played = act.play(stage); !played) return std::unexpected(played.error());
  if (auto caught_up = (*world)->catch_up(catch_up_within); !caught_up)
    return std::unexpected(caught_up.error());
  auto record = record_of(act, stage, **world);
  if (!record) return std::unexpected(record.error());
  auto written = write_customer_book(directory, record->attempts, (*world)->away());
  if (!written) return std::unexpected(written.error());
  world->reset();

  PlayedAct result{name, reckon(*file, *record), {}};
  result.report.response_ms.predicted = predicted_ms(act.mode, options_);
  result.report.more = std::move(stage.more);
  auto differences = count_again(act, directory, result);
  if (!differences) return std::unexpected(differences.error());
  result.problems = std::move(*differences);
  if (!is_chain(act.mode) && !result.report.whole())
    result.problems.emplace_back("something was lost or doubled");
  return result;
}

Result<std::vector<std::string>> Theatre::count_again(const Act& act, const std::string& directory,
                                                      const PlayedAct& played) {
  std::vector<std::string> command = {
      "python3", program_beside("shop-recount.py"), orders_path_, directory, "--act", act.name};
  if (auto limit = limit_of(act)) {
    command.emplace_back("--limit");
    command.push_back(std::to_string(*limit));
  }
  auto printed = run_program(command);
  if (!printed) return std::unexpected(printed.error());
  auto recount = nlohmann::json::parse(*printed, nullptr, false);
  if (!recount.is_object())
    return error(ErrorCode::peer_failed, "the recount printed no JSON: {:.200}", *printed);
  auto report = to_json(played.report);
  return differences(report, recount);
}

Result<std::unique_ptr<World>> Theatre::open_shop() {
  return World::start(*supervisor_, plan_of("shop"), stop_);
}

void Theatre::serve_some(World& world) {
  constexpr size_t customers_max = 20;
  std::vector<Purchase> purchases = whole_file_.purchases;
  purchases.resize(std::min(purchases.size(), customers_max));
  (void)Customers::make({.order_address = world.address("order"), .mode = "hybrid", .concurrency = 4},
                        purchases)
      ->run(stop_);
}

}  // namespace shop
