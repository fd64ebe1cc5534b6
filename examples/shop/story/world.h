#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "shop/orders/purchase.h"
#include "shop/story/customer_book.h"
#include "shop/story/http.h"
#include "shop/story/reckoning.h"
#include "shop/story/supervisor.h"
#include "shop/story/waiting.h"

namespace shop {

// How the world of one act is set up.
struct WorldPlan {
  std::string directory;                             // of everything it writes
  std::map<std::string, std::string> addresses;      // "server", "order", …: "127.0.0.1:9001"
  std::array<int, 3> service_times = {50, 100, 30};  // ms: order, payment, notification
  int network = 10;
  int workers = 16;
  int notification_workers = 16;
  bool naive_calls = false;
  std::string stock;  // CSV
  std::optional<Money> balance = {};
};

// The server, the services, each one's relay: real processes, on data of their own. Owns them through the
// supervisor. Calls from any thread.
class World {
 public:
  // Everything is up and ready to serve when this returns.
  static Result<std::unique_ptr<World>> start(Supervisor& supervisor, WorldPlan plan, const StopSwitch& stop);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // The services of the shop, but analytics, which joins later.
  static const std::vector<std::string>& services();

  // SIGKILL, and down until resume(); the time is noted. Processes: "server", the services, "relay-order", ….
  Result<void> kill(const std::string& process);
  // `arguments` come on top of its own.
  Result<void> resume(const std::string& process, const std::vector<std::string>& arguments = {});
  // SIGKILL and up again; returns when it is ready.
  Result<void> crash(const std::string& process);
  // The relay is killed after it has published and before it has marked that; returns when it is up again.
  // Meanwhile `feed` is called again and again, so that there is something to be published. False when there
  // was nothing within the time.
  Result<bool> crash_relay(const std::string& service, std::chrono::milliseconds patience,
                           const std::function<void()>& feed);
  Result<void> join_analytics();

  // Waits until no outbox holds anything back and no queue has anything to deliver.
  Result<void> catch_up(std::chrono::seconds patience);
  // What the queues look like: GET /v1/queues.
  Result<nlohmann::json> queues();
  Result<nlohmann::json> ask(const std::string& process, const std::string& path);
  Result<nlohmann::json> tell(const std::string& process, const std::string& path,
                              const nlohmann::json& body);

  [[nodiscard]] std::vector<Supervisor::Status> processes() const { return supervisor_.status(); }
  [[nodiscard]] Result<Supervisor::Status> process(const std::string& name) const {
    return supervisor_.status_of(name);
  }

  Result<Ledgers> ledgers();
  [[nodiscard]] AwayTimes away() const;
  [[nodiscard]] const WorldPlan& plan() const { return plan_; }
  [[nodiscard]] const std::string& address(const std::string& process) const {
    return plan_.addresses.at(process);
  }

 private:
  World(Supervisor& supervisor, WorldPlan plan, const StopSwitch& stop);
  Result<void> start_all();
  Result<void> start_wave(const std::vector<std::string>& processes);
  Result<void> start_process(const std::string& name, std::vector<std::string> arguments);
  [[nodiscard]] std::vector<std::string> server_arguments() const;
  [[nodiscard]] std::vector<std::string> analytics_arguments() const;
  [[nodiscard]] std::vector<std::string> service_arguments(const std::string& service) const;
  [[nodiscard]] std::vector<std::string> relay_arguments(const std::string& service) const;
  [[nodiscard]] std::vector<std::string> arguments_of(const std::string& process) const;
  Result<void> await_ready(const std::string& process);
  Result<void> await_queues(const std::vector<std::string>& names);
  Result<int64_t> waiting();
  Result<int64_t> lag_of_analytics();
  void gone(const std::string& process);
  void back(const std::string& process);

  Supervisor& supervisor_;
  WorldPlan plan_;
  const StopSwitch& stop_;
  mutable std::mutex mutex_;  // guards away_, which the acts' threads write
  AwayTimes away_;
};

// Free ports of this machine for all processes that are to have any, next to those given.
[[nodiscard]] std::map<std::string, std::string> choose_addresses(const std::string& server,
                                                                  const std::string& order);
// The program NAME beside the running one.
[[nodiscard]] std::string program_beside(const std::string& name);

}  // namespace shop
