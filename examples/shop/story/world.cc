#include "shop/story/world.h"

#include <algorithm>
#include <arpa/inet.h>
#include <climits>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <netinet/in.h>
#include <set>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/random.h"

namespace shop {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::chrono::seconds ready_within{60};
constexpr milliseconds ask_every{20};
constexpr milliseconds feed_every{100};
constexpr milliseconds look_every{50};  // asking everybody costs them something
constexpr milliseconds stop_patience{3'000};

int64_t wall_us() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

// Below those that the kernel gives to outgoing connections (from 32768): a process that was killed must find
// its port free when it comes back, and on a busy machine any connection could have taken it meanwhile.
constexpr int first_port = 20'000;
constexpr int port_count = 12'000;

bool is_free(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return bound;
}

// Several at once, from a place of its own for each story, so that no two are the same.
std::vector<int> free_ports(size_t count) {
  std::vector<int> ports;
  auto at = static_cast<int>(pabal::Random::from_system().below(port_count));
  for (int tried = 0; tried < port_count && ports.size() < count; ++tried) {
    int port = first_port + (at + tried) % port_count;
    if (is_free(port)) ports.push_back(port);
  }
  pabal::check(ports.size() == count, "{} ports from {} are free, {} are needed", ports.size(), first_port,
               count);
  return ports;
}

// What the services hear by. Until a queue is there nobody can say that it is empty.
const std::vector<std::string> queues_of_the_shop = {
    "order.intake",      "order.stock",    "order.member",      "order.progress",
    "order.shipped",     "order.settled",  "order.mailed",      "inventory.reserve",
    "inventory.restock", "payment.charge", "payment.refund",    "member.balance",
    "member.points",     "shipping.start", "notification.mail", "settlement.book"};

bool is_relay(const std::string& process) { return process.starts_with("relay-"); }

}  // namespace

std::string program_beside(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

std::map<std::string, std::string> choose_addresses(const std::string& server, const std::string& order) {
  std::map<std::string, std::string> addresses = {{"server", server}, {"order", order}};
  std::vector<std::string> others = World::services();
  others.emplace_back("analytics");
  others.emplace_back("kafka");  // the server's other door
  std::vector<int> ports = free_ports(others.size() + 2);
  for (size_t i = 0; i < others.size(); ++i) {
    addresses.try_emplace(others[i], fmt::format("127.0.0.1:{}", ports[i]));
  }
  // A port 0 is chosen here, too: every process comes back at the address that the others know.
  for (auto [name, port] : {std::pair{"server", ports[others.size()]}, {"order", ports[others.size() + 1]}}) {
    std::string& address = addresses[name];
    if (address.ends_with(":0")) address = address.substr(0, address.size() - 1) + std::to_string(port);
  }
  return addresses;
}

const std::vector<std::string>& World::services() {
  static const std::vector<std::string> names = {"order",    "inventory",    "payment",   "member",
                                                 "shipping", "notification", "settlement"};
  return names;
}

World::World(Supervisor& supervisor, WorldPlan plan, const StopSwitch& stop)
    : supervisor_(supervisor), plan_(std::move(plan)), stop_(stop) {}

World::~World() { supervisor_.stop_all(stop_patience); }

Result<std::unique_ptr<World>> World::start(Supervisor& supervisor, WorldPlan plan, const StopSwitch& stop) {
  std::error_code problem;
  std::filesystem::create_directories(plan.directory, problem);
  if (problem) return error(ErrorCode::io_failed, "{}: {}", plan.directory, problem.message());
  std::unique_ptr<World> world(new World(supervisor, std::move(plan), stop));
  if (auto started = world->start_all(); !started) return std::unexpected(started.error());
  return world;
}

// A relay watches its service's database, so it comes when the services have made theirs.
Result<void> World::start_all() {
  std::vector<std::string> relays;
  for (const std::string& service : services()) relays.push_back("relay-" + service);
  for (const auto& wave : {std::vector<std::string>{"server"}, services(), relays}) {
    if (auto ready = start_wave(wave); !ready) return ready;
  }
  return await_queues(queues_of_the_shop);
}

Result<void> World::start_wave(const std::vector<std::string>& processes) {
  for (const std::string& process : processes) {
    if (auto started = start_process(process, arguments_of(process)); !started) return started;
  }
  for (const std::string& process : processes) {
    if (auto ready = await_ready(process); !ready) return ready;
  }
  return {};
}

Result<void> World::await_queues(const std::vector<std::string>& names) {
  std::string missing;
  auto all_there = [&] {
    auto queues = this->queues();
    std::set<std::string> there;
    for (const json& queue : queues ? *queues : json::array()) there.insert(queue.value("name", ""));
    auto first = std::ranges::find_if(names, [&](const std::string& name) { return !there.contains(name); });
    missing = first == names.end() ? "" : *first;
    return missing.empty();
  };
  if (stop_.until(all_there, ready_within, ask_every)) return {};
  if (stop_.stopped()) return error(ErrorCode::cancelled, "stopped");
  return error(ErrorCode::timed_out, "nobody declares the queue {}; see the logs in {}", missing,
               plan_.directory);
}

Result<void> World::start_process(const std::string& name, std::vector<std::string> arguments) {
  return supervisor_.start(
      {.name = name, .arguments = std::move(arguments), .log_path = plan_.directory + "/" + name + ".log"});
}

std::vector<std::string> World::arguments_of(const std::string& process) const {
  if (process == "server") return server_arguments();
  if (process == "analytics") return analytics_arguments();
  return is_relay(process) ? relay_arguments(process.substr(6)) : service_arguments(process);
}

std::vector<std::string> World::server_arguments() const {
  return {program_beside("pabal"), "serve",   "--data",        plan_.directory + "/server", "--http",
          address("server"),       "--kafka", address("kafka")};
}

std::vector<std::string> World::analytics_arguments() const {
  return {program_beside("shop-analytics.py"),
          "--data",
          plan_.directory,
          "--kafka",
          address("kafka"),
          "--listen",
          address("analytics")};
}

std::vector<std::string> World::relay_arguments(const std::string& service) const {
  return {program_beside("pabal"),
          "outbox",
          "relay",
          "--database",
          plan_.directory + "/" + service + "/" + service + ".db",
          "--producer",
          service,
          "--server",
          "http://" + address("server")};
}

std::vector<std::string> World::service_arguments(const std::string& service) const {
  std::vector<std::string> arguments = {program_beside("shop-service"),
                                        service,
                                        "--data",
                                        plan_.directory,
                                        "--server",
                                        "http://" + address("server"),
                                        "--listen",
                                        address(service),
                                        "--network",
                                        std::to_string(plan_.network)};
  auto add = [&](std::string option, std::string value) {
    arguments.push_back(std::move(option));
    arguments.push_back(std::move(value));
  };
  bool notifies = service == "notification";
  add("--workers", std::to_string(notifies ? plan_.notification_workers : plan_.workers));
  for (size_t i = 0; i < 3; ++i) {
    constexpr std::array<std::string_view, 3> working = {"order", "payment", "notification"};
    if (service == working[i]) add("--service-time", std::to_string(plan_.service_times[i]));
  }
  for (const std::string& peer : services()) {
    if (peer != service) add("--peer", peer + "=http://" + address(peer));
  }
  if (service == "order" && plan_.naive_calls) arguments.emplace_back("--naive-calls");
  if (service == "inventory") add("--stock", plan_.stock);
  if (service == "member" && plan_.balance) add("--balance", plan_.balance->to_string());
  return arguments;
}

Result<void> World::await_ready(const std::string& process) {
  if (is_relay(process)) return {};
  std::string path = process == "server" ? "/readyz" : "/health";
  Http http;
  std::string problem = "no answer";
  auto end = std::chrono::steady_clock::now() + ready_within;
  while (std::chrono::steady_clock::now() < end) {
    auto answer = http.get(address(process), path);
    if (answer && answer->ok()) return {};
    if (answer) problem = fmt::format("{} {}", answer->status, answer->body.dump());
    auto status = supervisor_.status_of(process);
    if (!status || status->state == Supervisor::State::broken) break;
    if (!stop_.wait_for(ask_every)) return error(ErrorCode::cancelled, "stopped");
  }
  return error(ErrorCode::unavailable, "{} does not come up at {} ({}); see {}/{}.log", process,
               address(process), problem, plan_.directory, process);
}

void World::gone(const std::string& process) {
  std::lock_guard lock(mutex_);
  away_[process].emplace_back(wall_us(), INT64_MAX);
}

void World::back(const std::string& process) {
  std::lock_guard lock(mutex_);
  if (auto& times = away_[process]; !times.empty()) times.back().second = wall_us();
}

AwayTimes World::away() const {
  std::lock_guard lock(mutex_);
  return away_;
}

Result<void> World::kill(const std::string& process) {
  auto killed = supervisor_.kill(process);
  if (killed) gone(process);
  return killed;
}

Result<void> World::resume(const std::string& process, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = arguments_of(process);
  arguments.insert(arguments.end(), more.begin(), more.end());
  if (auto resumed = supervisor_.resume(process, std::move(arguments)); !resumed) return resumed;
  auto ready = await_ready(process);
  back(process);
  return ready;
}

Result<void> World::crash(const std::string& process) {
  gone(process);
  if (auto crashed = supervisor_.crash(process); !crashed) return crashed;
  auto ready = await_ready(process);
  back(process);
  return ready;
}

Result<bool> World::crash_relay(const std::string& service, milliseconds patience,
                                const std::function<void()>& feed) {
  std::string process = "relay-" + service;
  auto restarts = [&] {
    auto status = supervisor_.status_of(process);
    return status ? status->restarts : 0;
  };
  int before = restarts();
  if (auto crashed = supervisor_.crash(process, {"PABAL_TEST_RELAY_STOP_AFTER_PUBLISH=1"}); !crashed) {
    return std::unexpected(crashed.error());
  }
  auto died = [&] {
    if (restarts() >= before + 2) return true;
    feed();
    return false;
  };
  return stop_.until(died, patience, feed_every);
}

Result<void> World::join_analytics() {
  if (auto started = start_process("analytics", analytics_arguments()); !started) return started;
  return await_ready("analytics");
}

Result<json> World::ask(const std::string& process, const std::string& path) {
  Http http;
  auto answer = http.get(address(process), path);
  if (!answer) return std::unexpected(answer.error());
  if (answer->ok()) return std::move(answer->body);
  return error(ErrorCode::peer_failed, "{} answered {} to GET {}: {}", process, answer->status, path,
               answer->body.dump());
}

Result<json> World::tell(const std::string& process, const std::string& path, const json& body) {
  Http http;
  auto answer = http.post(address(process), path, body);
  if (!answer) return std::unexpected(answer.error());
  if (answer->ok()) return std::move(answer->body);
  return error(ErrorCode::peer_failed, "{} answered {} to POST {}: {}", process, answer->status, path,
               answer->body.dump());
}

Result<json> World::queues() {
  auto answer = ask("server", "/v1/queues");
  if (!answer) return answer;
  json queues = answer->is_object() ? answer->value("queues", json::array()) : *answer;
  return queues;
}

// How much is on its way: in outboxes, in the services, in the queues.
Result<int64_t> World::waiting() {
  int64_t sum = 0;
  for (const std::string& service : services()) {
    auto answer = ask(service, "/waiting");
    if (!answer) return std::unexpected(answer.error());
    sum += answer->value("waiting", int64_t{0});
  }
  auto queues = this->queues();
  if (!queues) return std::unexpected(queues.error());
  for (const json& queue : *queues) {
    for (auto part : {"ready", "leased", "delayed", "unscanned"}) sum += queue.value(part, int64_t{0});
  }
  if (!supervisor_.status_of("analytics")) return sum;
  auto lag = lag_of_analytics();
  if (!lag) return lag;
  return sum + *lag;
}

// What it has not committed; all of a partition where it has not committed anything yet.
Result<int64_t> World::lag_of_analytics() {
  auto group = ask("server", "/v1/groups/analytics");
  if (!group) return std::unexpected(group.error());
  int64_t sum = 0;
  auto number = [](const json& partition, const char* name) {
    const json& value = partition.at(name);
    return value.is_number() ? value.get<int64_t>() : 0;
  };
  for (const json& partition : group->value("partitions", json::array())) {
    bool begun = partition.at("committed").is_number();
    sum += begun ? number(partition, "lag")
                 : number(partition, "next_offset") - number(partition, "first_offset");
  }
  return sum;
}

// Nothing at all, twice: what leaves an outbox while the queues are counted is seen the second time.
Result<void> World::catch_up(std::chrono::seconds patience) {
  int times_empty = 0;
  Result<int64_t> count = 0;
  bool caught_up = stop_.until(
      [&] {
        count = waiting();
        times_empty = count && *count == 0 ? times_empty + 1 : 0;
        return times_empty == 2;
      },
      patience, look_every);
  if (caught_up) return {};
  if (stop_.stopped()) return error(ErrorCode::cancelled, "stopped");
  if (!count) return std::unexpected(count.error());
  return error(ErrorCode::timed_out, "{} events are still on their way after {} s", *count, patience.count());
}

}  // namespace shop
