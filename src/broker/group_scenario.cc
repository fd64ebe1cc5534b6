#include "broker/group_scenario.h"

#include "broker/broker.h"
#include "broker/group_model.h"
#include "broker/groups.h"
#include "broker/silence.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;
using engine::PlantedBug;
using engine::SimulationOptions;
using engine::SimulationOutcome;
using runtime::Task;

constexpr size_t client_count = 5;
constexpr size_t crashes_min = 3;
constexpr int32_t partitions = 2;
constexpr Duration session = session_timeout_min;
constexpr Duration rebalance = 10s;
// Who was answered so shortly before the end of a process cannot have been put out of its group meanwhile.
constexpr Duration fresh = 2s;
const std::vector<std::string> topics = {"t0", "t1"};

enum class End { power_loss, kill, stop };

// An assignment as the clients write it: "topic/partition" and a space each.
Bytes encode(const std::set<TopicPartition>& assignment) {
  std::string text;
  for (const auto& at : assignment) text += fmt::format("{}/{} ", at.topic, at.partition.value());
  return {as_bytes(text).begin(), as_bytes(text).end()};
}

std::set<TopicPartition> decode(const Bytes& bytes) {
  std::set<TopicPartition> assignment;
  std::string_view text = as_text(bytes);
  while (!text.empty()) {
    size_t slash = text.find('/');
    assignment.insert({std::string(text.substr(0, slash)), PartitionIndex(text[slash + 1] - '0')});
    text.remove_prefix(text.find(' ') + 1);
  }
  return assignment;
}

class GroupScenario {
 public:
  explicit GroupScenario(const SimulationOptions& options);
  ~GroupScenario() { end_process(false); }
  GroupScenario(const GroupScenario&) = delete;
  GroupScenario& operator=(const GroupScenario&) = delete;

  SimulationOutcome run();

 private:
  struct Client {
    size_t group = 0;
    std::string name = {};
    bool is_static = false;
    std::string member = {};
    Generation generation = no_generation;  // none: has to join
    std::set<TopicPartition> assignment = {};
    std::optional<Instant> answered = {};  // as a member of this generation, and has not left it since
  };

  void live();
  bool start();
  Task<Result<void>> make_topics();
  Task<bool> inspect();
  Task<> go_on(Client& client);
  void end_process(bool power);
  void fail(std::string problem) {
    if (!outcome_.problem) outcome_.problem = std::move(problem);
  }
  void judge(std::optional<std::string> problem) {
    if (problem && counts()) fail(std::move(*problem));
  }
  [[nodiscard]] bool counts() { return !outcome_.problem && !machine_.disk().power_lost(); }
  [[nodiscard]] Instant now() { return machine_.shards().clock().now(); }
  Groups& groups() { return broker_->groups(); }
  GroupModel& model(const Client& client) { return models_[client.group]; }
  [[nodiscard]] MemberClaim claim(const Client& client);

  Task<> client(size_t number, size_t life);
  Task<> act(Client& client);
  Task<> join(Client& client);
  Task<> sync(Client& client, JoinAnswer joined, Generation settled);
  [[nodiscard]] static std::map<std::string, Bytes> share_out(const std::vector<JoinedMember>& members);
  Task<> heartbeat(Client& client);
  Task<> commit(Client& client);
  Task<> leave(Client& client);
  Task<> look(GroupModel& group);
  Task<> renew_topic();
  void heard(Client& client, GroupError error, Generation settled);

  SimulationOptions options_;
  engine::SimulatedMachine machine_;
  Random& random_;
  SimulationOutcome outcome_;
  Silence observer_;
  std::unique_ptr<Broker> broker_;
  std::vector<GroupModel> models_;
  std::vector<Client> clients_;
  std::map<std::string, TopicLives> lives_;
  bool renewing_ = false;
  int64_t last_offset_ = 0;
  Instant ended_;  // the last process
  size_t life_ = 0;
  size_t working_ = 0;
  size_t life_ends_at_ = 0;
};

GroupScenario::GroupScenario(const SimulationOptions& options)
    : options_(options), machine_({.seed = options.seed, .bug = options.bug}), random_(machine_.random()) {
  models_.emplace_back("readers");
  models_.emplace_back("writers");
  for (size_t i = 0; i < client_count; ++i) {
    clients_.push_back({.group = i % 2, .name = fmt::format("c{}", i), .is_static = random_.chance(0.4)});
  }
  for (const std::string& topic : topics) lives_[topic] = {};
}

SimulationOutcome GroupScenario::run() {
  while (!outcome_.problem && (outcome_.operations < options_.operations || outcome_.crashes < crashes_min))
    live();
  return outcome_;
}

// -- lives
// ------------------------------------------------------------------------------------------------------------

void GroupScenario::live() {
  if (!start()) return;
  auto looked = machine_.run(inspect());
  if (!looked && counts()) fail("the look after a start does not end");
  End end = random_.chance(0.5) ? End::power_loss : static_cast<End>(random_.below(3));
  life_ends_at_ = outcome_.operations + 20 + random_.below(200);
  if (end == End::power_loss) machine_.disk().lose_power_after(random_.below(600));
  ++life_;
  working_ = client_count;
  renewing_ = false;
  for (size_t i = 0; i < client_count; ++i) machine_.spawn(i % 2, client(i, life_));
  bool done = machine_.run_until([&] { return working_ == 0 || outcome_.problem; });
  if (!done && counts()) fail("work does not end");
  ended_ = now();
  if (counts() && end == End::stop) {
    auto stopped = machine_.run([](Broker& broker, engine::Engine& engine) -> Task<bool> {
      co_await broker.stop();
      co_await engine.stop();
      co_return true;
    }(*broker_, machine_.engine()));
    if (!stopped && counts()) fail("it does not stop");
  }
  end_process(end == End::power_loss || machine_.disk().power_lost());
}

bool GroupScenario::start() {
  for (int attempt = 0; attempt < 20; ++attempt) {
    machine_.disk().lose_power_never();
    if (random_.chance(0.2)) machine_.disk().lose_power_after(random_.below(150));
    auto started = machine_.start();
    if (!started && !machine_.disk().power_lost()) fail("the start failed: " + started.error().message);
    if (started) {
      BrokerOptions options{.assign_before_saved = options_.bug == PlantedBug::assign_before_saved};
      auto opened = machine_.run(Broker::open(machine_.shards(), machine_.engine(), observer_, options));
      if (opened && *opened) {
        broker_ = std::move(**opened);
        auto made = machine_.run(make_topics());
        if (made && *made && counts()) break;
        if (made && !*made && counts()) fail("a topic: " + made->error().message);
      } else if (opened && counts()) {
        fail("the broker does not open: " + opened->error().message);
      }
    }
    if (outcome_.problem) return false;
    end_process(true);
    if (attempt == 19) fail("it does not start any more");
  }
  machine_.disk().lose_power_never();
  for (GroupModel& group : models_) group.begin_life();
  return !outcome_.problem;
}

Task<Result<void>> GroupScenario::make_topics() {
  for (const std::string& topic : topics) {
    auto put = co_await broker_->put_topic(topic, {.partitions = partitions});
    if (!put) co_return std::unexpected(put.error());
  }
  co_return Result<void>();
}

void GroupScenario::end_process(bool power) {
  power ? machine_.crash() : machine_.kill();
  outcome_.power_losses += power ? 1 : 0;
  ++outcome_.crashes;
  broker_.reset();
}

// Nobody has said a word yet: offsets are what they were, and members are still members.
Task<bool> GroupScenario::inspect() {
  for (GroupModel& group : models_) co_await look(group);
  for (Client& client : clients_) {
    if (client.answered && ended_ - *client.answered < fresh && model(client).stands(client.generation)) {
      co_await go_on(client);
    }
  }
  co_return true;
}

Task<> GroupScenario::go_on(Client& client) {
  GroupError error = co_await groups().heartbeat(claim(client));
  if (error == GroupError::none || !counts()) co_return;
  fail(fmt::format("{}: after a restart {} is no member of generation {} any more (error {})",
                   model(client).name(), client.member, client.generation.value(), static_cast<int>(error)));
}

// -- members
// ----------------------------------------------------------------------------------------------------------

MemberClaim GroupScenario::claim(const Client& client) {
  return {.group = model(client).name(),
          .member = client.member,
          .instance = client.is_static ? std::optional(client.name) : std::nullopt,
          .generation = client.generation};
}

Task<> GroupScenario::client(size_t number, size_t life) {
  Client& client = clients_[number];
  while (counts() && outcome_.operations < life_ends_at_) {
    ++outcome_.operations;
    co_await act(client);
    std::chrono::milliseconds pause(random_.below(random_.chance(0.03) ? 9'000 : 900));
    co_await runtime::sleep_for(machine_.shards().at(number % 2).timers(), pause);
  }
  if (life == life_) --working_;
}

Task<> GroupScenario::act(Client& client) {
  uint64_t dice = random_.below(100);
  if (dice < 2 && !renewing_) return renew_topic();
  if (dice < 12) return look(model(client));
  if (client.generation == no_generation || dice < 14) return join(client);
  if (dice < 17) return leave(client);
  if (dice < 19) {  // the client's process ends and begins anew
    client.member.clear();
    client.generation = no_generation;
    client.answered.reset();
    return join(client);
  }
  return dice < 45 ? heartbeat(client) : commit(client);
}

Task<> GroupScenario::join(Client& client) {
  client.answered.reset();
  client.generation = no_generation;
  JoinGroup request{.group = model(client).name(),
                    .member = client.member,
                    .client = client.name,
                    .session_timeout = session,
                    .rebalance_timeout = rebalance,
                    .protocol_type = "consumer",
                    .protocols = {{"range", {}}},
                    .wants_id_first = random_.chance(0.5),
                    .understands_skipping = true};
  if (client.is_static) request.instance = client.name;
  Generation settled = model(client).settled();
  JoinAnswer joined = co_await groups().join(std::move(request));
  if (!counts()) co_return;
  if (joined.error == GroupError::member_id_required) client.member = joined.member;
  bool is_stranger =
      joined.error == GroupError::unknown_member || joined.error == GroupError::fenced_instance;
  if (is_stranger) client.member.clear();
  if (joined.error != GroupError::none) co_return;
  judge(model(client).took_part(joined.member, joined.generation, settled));
  client.member = joined.member;
  co_await sync(client, std::move(joined), settled);
}

Task<> GroupScenario::sync(Client& client, JoinAnswer joined, Generation settled) {
  client.generation = joined.generation;
  SyncGroup request{.claim = claim(client), .protocol_type = "consumer", .protocol = "range"};
  if (joined.leader == joined.member && !joined.skip_assignment) {
    request.assignments = share_out(joined.members);
    model(client).begin_assign(joined.generation);
  }
  client.generation = no_generation;
  SyncAnswer answer = co_await groups().sync(std::move(request));
  if (!counts() || answer.error != GroupError::none) co_return;
  client.generation = joined.generation;
  client.assignment = decode(answer.assignment);
  client.answered = now();
  ++outcome_.acknowledged;
  // A static member may have another id in the same generation.
  const std::string& owner = client.is_static ? client.name : client.member;
  judge(model(client).assigned(owner, client.generation, settled, client.assignment));
}

std::map<std::string, Bytes> GroupScenario::share_out(const std::vector<JoinedMember>& members) {
  std::vector<std::set<TopicPartition>> shares(members.size());
  size_t next = 0;
  for (const std::string& topic : topics) {
    for (int32_t i = 0; i < partitions; ++i)
      shares[next++ % members.size()].insert({topic, PartitionIndex(i)});
  }
  std::map<std::string, Bytes> assignments;
  for (size_t i = 0; i < members.size(); ++i) assignments[members[i].id] = encode(shares[i]);
  return assignments;
}

// What a member was answered; `settled` was so before it asked.
void GroupScenario::heard(Client& client, GroupError error, Generation settled) {
  if (!counts() || error == GroupError::unavailable) return;
  if (error == GroupError::none) {
    client.answered = now();
    return judge(model(client).took_part(client.member, client.generation, settled));
  }
  bool is_stranger = error == GroupError::unknown_member || error == GroupError::fenced_instance ||
                     error == GroupError::group_not_found;
  if (is_stranger) client.member.clear();
  client.generation = no_generation;
  client.answered.reset();
}

Task<> GroupScenario::heartbeat(Client& client) {
  Generation settled = model(client).settled();
  heard(client, co_await groups().heartbeat(claim(client)), settled);
}

Task<> GroupScenario::commit(Client& client) {
  if (client.assignment.empty()) co_return;
  auto chosen = client.assignment.begin();
  std::advance(chosen, random_.below(client.assignment.size()));
  TopicPartition at = *chosen;
  Offset offset(++last_offset_);
  Generation settled = model(client).settled();
  size_t number = model(client).begin_commit(at, offset, lives_[at.topic]);
  GroupErrors errors = co_await groups().commit({claim(client), {{.at = at, .offset = offset}}});
  if (!counts()) co_return;
  GroupError error = errors.error != GroupError::none ? errors.error : errors.each.at(0);
  using Outcome = GroupModel::Outcome;
  Outcome outcome = error == GroupError::none          ? Outcome::done
                    : error == GroupError::unavailable ? Outcome::unknown
                                                       : Outcome::refused;
  model(client).end_commit(number, outcome, lives_[at.topic]);
  outcome_.acknowledged += outcome == Outcome::done ? 1 : 0;
  if (error != GroupError::unknown_topic) heard(client, error, settled);
}

Task<> GroupScenario::leave(Client& client) {
  std::vector<LeavingMember> leaving{{.member = client.member, .instance = claim(client).instance}};
  client.answered.reset();
  client.generation = no_generation;
  client.member.clear();
  std::ignore = co_await groups().leave(model(client).name(), std::move(leaving));
}

Task<> GroupScenario::look(GroupModel& group) {
  uint64_t since = group.begin_look();
  auto before = lives_;
  std::vector<TopicPartition> which;
  for (const std::string& topic : topics) {
    for (int32_t i = 0; i < partitions; ++i) which.push_back({topic, PartitionIndex(i)});
  }
  auto shown = co_await groups().offsets(group.name(), which);
  for (const GroupOffset& offset : shown) {
    const std::string& topic = offset.at.topic;
    judge(group.saw(offset.at, offset.offset, since, before[topic], lives_[topic]));
  }
}

// Deletes a topic and makes another one of its name.
Task<> GroupScenario::renew_topic() {
  renewing_ = true;
  const std::string& topic = topics[random_.below(topics.size())];
  TopicLives& lives = lives_[topic];
  ++lives.highest;
  auto deleted = co_await broker_->delete_topic(topic);
  if (counts() && (deleted || deleted.error().code == ErrorCode::not_found)) {
    lives.lowest = lives.highest;
    std::ignore = co_await broker_->put_topic(topic, {.partitions = partitions});
  }
  renewing_ = false;
}

}  // namespace

SimulationOutcome simulate_groups(const SimulationOptions& options) { return GroupScenario(options).run(); }

}  // namespace pabal::broker
