#include "shop/story/acts.h"

#include <algorithm>
#include <fmt/format.h>

#include "shop/story/crash_act.h"
#include "shop/story/flush_baseline.h"

namespace shop {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::chrono::seconds catch_up_within{120};

Result<void> as_it_is(Stage& stage) { return stage.serve_all(); }

// -- async: beside it, what one flush of this disk takes
// -------------------------------------------------------------

Result<void> async(Stage& stage) {
  FlushBaseline baseline(stage.world().plan().directory + "/flush_baseline");
  auto served = stage.serve_all([&]() -> Result<void> {
    while (stage.when_served(1, milliseconds(50)) == Stage::Wait::not_yet) baseline.sample();
    return {};
  });
  stage.more["flush_baseline_ms"] = baseline.p50_ms();
  return served;
}

// -- outage
// ----------------------------------------------------------------------------------------------------------

Result<void> outage(Stage& stage) {
  auto served = stage.serve_all([&]() -> Result<void> {
    if (auto ready = stage.when_served(0.3); !ready) return ready;
    stage.say("notification is killed");
    if (auto killed = stage.world().kill("notification"); !killed) return killed;
    if (auto ready = stage.when_served(0.7); !ready) return ready;
    stage.say("notification is started again");
    return stage.world().resume("notification");
  });
  auto [from, to] = stage.world().away()["notification"].at(0);
  stage.more["p99_ms_before_the_outage"] =
      percentile_ms(stage.attempts(), 99, [from](const Attempt& a) { return a.answered_us < from; });
  stage.more["p99_ms_during_the_outage"] = percentile_ms(
      stage.attempts(), 99, [from, to](const Attempt& a) { return a.sent_us >= from && a.sent_us <= to; });
  return served;
}

// -- burst
// -----------------------------------------------------------------------------------------------------------

// A second at the usual rate, and then ten times as many.
Stage::Schedule burst_schedule(double rate) {
  return [rate](size_t n) {
    double second = 1e6;
    auto calm = static_cast<size_t>(rate);
    double at = n < calm ? static_cast<double>(n) / rate : 1 + static_cast<double>(n - calm) / (10 * rate);
    return microseconds(static_cast<int64_t>(at * second));
  };
}

int64_t depth_of(World& world, const std::string& name) {
  auto queues = world.queues();
  for (const auto& queue : queues ? *queues : nlohmann::json::array()) {
    if (queue.value("name", "") != name) continue;
    return queue.value("ready", int64_t{0}) + queue.value("leased", int64_t{0}) +
           queue.value("unscanned", int64_t{0});
  }
  return 0;
}

Result<void> burst_with(Stage& stage, int workers, std::vector<Purchase> purchases) {
  World& world = stage.world();
  if (auto killed = world.kill("notification"); !killed) return killed;
  auto resumed = world.resume("notification", {"--workers", std::to_string(workers)});
  if (!resumed) return resumed;
  size_t customers = purchases.size();
  double rate = std::max(1.0, stage.act().rate);
  int64_t deepest = 0;
  auto served = stage.serve(std::move(purchases), burst_schedule(rate), [&]() -> Result<void> {
    while (stage.when_served(1, milliseconds(50)) == Stage::Wait::not_yet) {
      deepest = std::max(deepest, depth_of(world, "notification.mail"));
    }
    return {};
  });
  if (!served) return served;
  auto end = std::chrono::steady_clock::now();
  while (int64_t depth = depth_of(world, "notification.mail")) {
    deepest = std::max(deepest, depth);
    if (!stage.stop().wait_for(milliseconds(50))) return error(ErrorCode::cancelled, "stopped");
  }
  if (auto caught_up = world.catch_up(catch_up_within); !caught_up) return caught_up;
  double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - end).count();
  stage.say(
      fmt::format("{} notification worker{}: {} orders, at most {} e-mails waiting, all sent {:.1f} s later",
                  workers, workers == 1 ? "" : "s", customers, deepest, took));
  stage.more["burst"].push_back({{"notification_workers", workers},
                                 {"orders", customers},
                                 {"per_second", 10 * rate},
                                 {"most_emails_waiting", deepest},
                                 {"caught_up_s", std::round(took * 10) / 10}});
  return {};
}

Result<void> burst(Stage& stage) {
  const auto& all = stage.file().purchases;
  auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  auto first = burst_with(stage, 1, {all.begin(), middle});
  return first ? burst_with(stage, 3, {middle, all.end()}) : first;
}

// -- join
// ------------------------------------------------------------------------------------------------------------

Result<void> join(Stage& stage) {
  auto served = stage.serve_all([&]() -> Result<void> {
    if (auto ready = stage.when_served(0.5); !ready) return ready;
    stage.say("analytics joins, and reads from the beginning");
    if (auto joined = stage.world().join_analytics(); !joined) return joined;
    if (auto ready = stage.when_served(0.7); !ready) return ready;
    stage.say("analytics is killed, and comes back");
    return stage.world().crash("analytics");
  });
  if (!served) return served;
  if (auto caught_up = stage.world().catch_up(catch_up_within); !caught_up) return caught_up;
  auto ledger = stage.world().ask("analytics", "/ledger");
  if (!ledger) return std::unexpected(ledger.error());
  int64_t orders = 0;
  int64_t cancellations = 0;
  for (const auto& [name, country] : ledger->value("countries", nlohmann::json::object()).items()) {
    orders += country.value("orders", int64_t{0});
    cancellations += country.value("cancellations", int64_t{0});
  }
  stage.more["analytics"] = {{"orders", orders}, {"cancellations", cancellations}};
  auto books = stage.world().ledgers();
  if (!books) return std::unexpected(books.error());
  auto in_status = [&](const char* status) {
    return std::ranges::count_if(books->orders,
                                 [&](const auto& order) { return order.second.status == status; });
  };
  if (orders == in_status("PAID") && cancellations == in_status("CANCELLED")) return {};
  return error(ErrorCode::corrupt,
               "analytics counts {} orders and {} cancellations, the order service {} and {}", orders,
               cancellations, in_status("PAID"), in_status("CANCELLED"));
}

// -- poison
// ----------------------------------------------------------------------------------------------------------

// What the queue's dead letters say, once there is one.
Result<std::string> first_dead_letter(Stage& stage) {
  nlohmann::json letters;
  stage.stop().until(
      [&] {
        auto answer =
            stage.world().ask("server", "/v1/queues/notification.mail/messages?state=dead&limit=10");
        if (answer) letters = answer->value("messages", nlohmann::json::array());
        return !letters.empty();
      },
      std::chrono::seconds(20));
  if (letters.empty()) return error(ErrorCode::timed_out, "the malformed event did not become a dead letter");
  return letters[0].value("reason", "");
}

Result<void> poison(Stage& stage) {
  size_t victim = 0;  // a purchase in the middle
  for (size_t i = stage.file().purchases.size() / 2; i < stage.file().purchases.size() && victim == 0; ++i) {
    if (!stage.file().purchases[i].cancellation && !stage.file().purchases[i].lines.empty()) victim = i;
  }
  stage.edit = [victim](size_t n, Order& order) {
    if (n == victim) order.email = "nobody at nowhere";
  };
  std::string reason;
  auto served = stage.serve_all([&]() -> Result<void> {
    auto letter = first_dead_letter(stage);
    if (!letter) return std::unexpected(letter.error());
    reason = *letter;
    return {};
  });
  if (!served) return served;
  stage.say("dead letter: " + reason);
  if (auto caught_up = stage.world().catch_up(catch_up_within); !caught_up) return caught_up;
  stage.say("the rest has arrived; notification is repaired, and the dead letter redriven");
  if (auto killed = stage.world().kill("notification"); !killed) return killed;
  if (auto resumed = stage.world().resume("notification", {"--forgiving"}); !resumed) return resumed;
  auto redrive = stage.world().tell("server", "/v1/queues/notification.mail/redrive", {{"all", true}});
  if (!redrive) return std::unexpected(redrive.error());
  stage.redriven = 1;
  stage.more["poison"] = {{"reason", reason}, {"redriven", 1}};
  auto gone = stage.stop().until(
      [&] {
        auto queue = stage.world().ask("server", "/v1/queues/notification.mail");
        return queue && queue->value("dead", int64_t{1}) == 0;
      },
      std::chrono::seconds(20));
  if (gone) return {};
  return error(ErrorCode::timed_out, "the redriven event is dead still");
}

}  // namespace

Act act_named(const std::string& name) {
  std::string mode = name == "chain-3"                            ? "chain-3"
                     : name.ends_with("chain")                    ? "chain"
                     : name.ends_with("async") || name == "burst" ? "async"
                                                                  : "hybrid";
  Act act{.name = name, .mode = mode, .play = as_it_is};
  if (name == "async") act.play = async;
  if (name.starts_with("outage")) act.play = outage;
  if (name == "join") act.play = join;
  if (name == "poison") act.play = poison;
  if (name.starts_with("slow")) {
    act.notification_time_ms = 2'000;
    act.orders_made_up = 24;
    act.orders_max = 24;
    act.rate = 8;
  }
  if (name == "burst") {
    act.play = burst;
    act.orders_made_up = 420;
    act.orders_max = 420;
    act.rate = 10;
    act.notification_workers = 1;
  }
  if (name.starts_with("crash")) {
    act.play = crash;
    act.orders_made_up = 240;
    act.rate = 24;
  }
  return act;
}

int64_t predicted_ms(const std::string& mode, const StoryOptions& options) {
  auto [order, payment, notification] = options.service_times;
  int64_t hop = 2 * static_cast<int64_t>(options.network);
  if (mode == "chain-3") return order + payment + notification + 2 * hop;
  if (mode == "chain") return order + payment + notification + 7 * hop;
  if (mode == "hybrid") return order + payment + 3 * hop;
  return 0;
}

double percentile_ms(const std::vector<Attempt>& attempts, int percent,
                     const std::function<bool(const Attempt&)>& which) {
  std::vector<int64_t> took;
  for (const Attempt& attempt : attempts) {
    if (attempt.outcome != Attempt::Outcome::failed && which(attempt))
      took.push_back(attempt.answered_us - attempt.sent_us);
  }
  if (took.empty()) return 0;
  std::ranges::sort(took);
  size_t rank = (static_cast<size_t>(percent) * took.size() + 99) / 100 - 1;
  return static_cast<double>((took[rank] + 50) / 100) / 10;
}

}  // namespace shop
