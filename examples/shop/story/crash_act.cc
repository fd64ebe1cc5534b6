#include "shop/story/crash_act.h"

#include <fmt/format.h>
#include <map>

namespace shop {
namespace {

constexpr int times_each = 3;
constexpr std::chrono::seconds relay_patience{60};
constexpr std::chrono::milliseconds breath{30};  // between two kills, so that work goes on

// The relays that have something to carry all the time.
const std::vector<std::string> relays = {"order", "shipping", "notification"};

class Killer {
 public:
  explicit Killer(Stage& stage) : stage_(stage) {}

  Result<void> run() {
    std::vector<std::string> processes = {"server"};
    processes.insert(processes.end(), World::services().begin(), World::services().end());
    for (int round = 0; round < times_each; ++round) {
      if (auto ready = stage_.when_served(0.05 + 0.1 * round); !ready) return ready;
      for (const std::string& process : processes) {
        if (auto killed = stage_.world().crash(process); !killed) return killed;
        ++kills_[process];
        if (!stage_.stop().wait_for(breath)) return error(ErrorCode::cancelled, "stopped");
      }
      for (const std::string& service : relays) {
        auto killed = stage_.world().crash_relay(service, relay_patience, [this] { order_something(); });
        if (!killed) return std::unexpected(killed.error());
        kills_["relay-" + service] += *killed;
      }
    }
    stage_.say(fmt::format("killed {} times: the server, {} services, {} relays", total(),
                           World::services().size(), relays.size()));
    stage_.more["kills"] = kills_;
    return enough();
  }

 private:
  // The customers come by the clock, and on a busy machine the last of them is served before all have been
  // killed: this one orders by hand, so that the relays have something to carry. What is nobody's purchase is
  // not reckoned.
  void order_something() {
    nlohmann::json line = {
        {"sku", "TEA"}, {"description", "BARLEY TEA"}, {"quantity", 1}, {"price", "0.125"}};
    (void)stage_.world().tell("order", "/orders",
                              {{"customer", "12346"}, {"country", "Korea"}, {"lines", {line}}});
  }

  [[nodiscard]] int total() const {
    int sum = 0;
    for (const auto& [process, times] : kills_) sum += times;
    return sum;
  }

  [[nodiscard]] Result<void> enough() const {
    for (const auto& [process, times] : kills_) {
      if (times < times_each) {
        return error(ErrorCode::timed_out, "{} was killed {} times only: it had nothing to publish any more",
                     process, times);
      }
    }
    return {};
  }

  Stage& stage_;
  std::map<std::string, int> kills_;
};

}  // namespace

Result<void> crash(Stage& stage) {
  Killer killer(stage);
  return stage.serve_all([&] { return killer.run(); });
}

}  // namespace shop
