#include "shop/story/shop_commands.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace shop {

using Answer = ControlServer::Answer;
using nlohmann::json;

namespace {

Answer failed(const pabal::Error& error) { return {1, error.message + "\n"}; }

// What was read that is no command; nothing when nothing was.
std::string wrong_words(const std::vector<std::string>& words) {
  if (words.empty()) return "";
  for (const char* known : {"status", "show", "cancel", "stop", "start"}) {
    if (words[0] != known) continue;
    return fmt::format("{}: read {} words after it\n", words[0], words.size() - 1);
  }
  return fmt::format("read \"{}\", which is no command\n", words[0]);
}

}  // namespace

std::string shop_usage() {
  return "usage: ./dev shop COMMAND\n"
         "  order [--async] [--customer NUMBER]   place an order\n"
         "  show ORDER_ID                         how far it has come\n"
         "  cancel ORDER_ID                       give it back\n"
         "  stop NAME                             kill a process: server, order, payment, notification, "
         "relay-order, …\n"
         "  start NAME                            start it again; `start analytics` lets a new service join\n"
         "  status                                who is up, and what waits\n";
}

Answer ShopCommands::run(const std::vector<std::string>& words) {
  std::string verb = words.empty() ? "" : words[0];
  if (verb == "order") return order({words.begin() + 1, words.end()});
  if (verb == "status" && words.size() == 1) return status();
  if (words.size() == 2) {
    if (verb == "show") return show(words[1]);
    if (verb == "cancel") return cancel(words[1]);
    if (verb == "stop") return stop(words[1]);
    if (verb == "start") return start(words[1]);
  }
  return {2, wrong_words(words) + shop_usage()};
}

Answer ShopCommands::order(const std::vector<std::string>& words) {
  std::string mode = "hybrid";
  std::string customer = "12346";
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--async") {
      mode = "async";
    } else if (words[i] == "--customer" && i + 1 < words.size()) {
      customer = words[++i];
    } else {
      return {2, fmt::format("order: unknown \"{}\"\n{}", words[i], shop_usage())};
    }
  }
  json body = {{"customer", customer},
               {"country", "Korea"},
               {"lines",
                {{{"sku", "TEA"}, {"description", "BARLEY TEA"}, {"quantity", 8}, {"price", "0.125"}},
                 {{"sku", "MOON"}, {"description", "MOON JAR"}, {"quantity", 1}, {"price", "48.00"}}}}};
  auto start = std::chrono::steady_clock::now();
  auto placed = world_.tell("order", "/orders?mode=" + mode, body);
  if (!placed) return failed(placed.error());
  auto took = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start);
  std::string id = placed->value("order_id", "");
  return {0, fmt::format(
                 "order {}: {} ({:.1f} ms)\n  its steps: ./dev shop show {}\n  its path:  pabal trace {}\n",
                 id, placed->value("status", ""), took.count(), id, id)};
}

Answer ShopCommands::show(const std::string& order_id) {
  auto order = world_.ask("order", "/orders/" + pabal::runtime::percent_encode(order_id));
  if (!order) return failed(order.error());
  std::string text =
      fmt::format("order {}: {}, GBP {}\n", order_id, order->value("status", ""), order->value("amount", ""));
  for (const json& step : order->value("steps", json::array())) {
    text += fmt::format("  {}  {}\n", step.value("at", ""), step.value("step", ""));
  }
  return {0, text};
}

Answer ShopCommands::cancel(const std::string& order_id) {
  Http http;
  auto answer = http.post(world_.address("order"),
                          "/orders/" + pabal::runtime::percent_encode(order_id) + "/cancel", nullptr);
  if (!answer) return failed(answer.error());
  if (!answer->ok()) return {1, answer->body.dump() + "\n"};
  return {0, fmt::format("order {}: {}\n", order_id, answer->body.value("status", ""))};
}

Answer ShopCommands::stop(const std::string& process) {
  if (auto killed = world_.kill(process); !killed) return failed(killed.error());
  return {0, process + " is down. ./dev shop start " + process + " brings it back.\n"};
}

Answer ShopCommands::start(const std::string& process) {
  auto known = world_.process(process);
  if (!known && process == "analytics") {
    if (auto joined = world_.join_analytics(); !joined) return failed(joined.error());
    return {0, "analytics has joined, and reads from the beginning.\n"};
  }
  if (auto resumed = world_.resume(process); !resumed) return failed(resumed.error());
  return {0, process + " is up.\n"};
}

Answer ShopCommands::status() {
  std::string text;
  for (const Supervisor::Status& process : world_.processes()) {
    std::string_view state = process.state == Supervisor::State::running ? "up"
                             : process.state == Supervisor::State::held  ? "DOWN"
                                                                         : "BROKEN";
    text += fmt::format("{:<20}{:<8}{}\n", process.name, state,
                        process.pid != 0 ? fmt::format("pid {}", process.pid) : "");
  }
  auto queues = world_.queues();
  for (const json& queue : queues ? *queues : json::array()) {
    int64_t waits = queue.value("ready", int64_t{0}) + queue.value("leased", int64_t{0}) +
                    queue.value("delayed", int64_t{0});
    if (waits == 0 && queue.value("dead", int64_t{0}) == 0) continue;
    text += fmt::format("{}: {} waiting, {} dead\n", queue.value("name", ""), waits,
                        queue.value("dead", int64_t{0}));
  }
  return {0, text};
}

}  // namespace shop
