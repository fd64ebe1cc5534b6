#include "broker/producer_scenario.h"

#include <algorithm>
#include <deque>

#include "broker/broker.h"
#include "broker/producer_model.h"
#include "broker/producer_state.h"
#include "broker/silence.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;
using engine::PlantedBug;
using engine::SimulationOptions;
using engine::SimulationOutcome;
using runtime::Task;

constexpr size_t client_count = 4;
constexpr size_t crashes_min = 3;
constexpr size_t partitions = 2;
constexpr size_t in_flight_max = 5;          // of one partition, as in Kafka's clients
constexpr Duration delivery_timeout = 2min;  // as theirs: an older batch is given up
constexpr std::string_view topic = "orders";

enum class End { power_loss, kill, stop };

ProducerFault fault_of(PlantedBug bug) {
  switch (bug) {
    case PlantedBug::producer_state_apart:
      return ProducerFault::state_apart;
    case PlantedBug::producer_keeps_four:
      return ProducerFault::keeps_four;
    case PlantedBug::producers_forgotten:
      return ProducerFault::forgotten;
    case PlantedBug::producer_not_fenced:
      return ProducerFault::fences_nobody;
    case PlantedBug::repeated_before_durable:
      return ProducerFault::repeated_before_durable;
    default:
      return ProducerFault::none;
  }
}

class ProducerScenario {
 public:
  explicit ProducerScenario(const SimulationOptions& options);
  ~ProducerScenario() { end_process(false); }
  ProducerScenario(const ProducerScenario&) = delete;
  ProducerScenario& operator=(const ProducerScenario&) = delete;

  SimulationOutcome run();

 private:
  // A batch that has not been acknowledged, or another before it has not: answers come in order.
  struct Unacked {
    size_t batch;  // in the model
    int32_t first_sequence;
    Instant sent_at;
    uint64_t deletions;  // of records of its partition, that had been asked for by then
    bool acked = false;
    std::optional<Offset> base = {};  // as acknowledged
  };
  struct Line {  // to one partition
    int32_t next_sequence = 0;
    std::deque<Unacked> unacked = {};
  };
  struct Client {
    ProducerId id{-1};  // none yet
    ProducerEpoch epoch{0};
    size_t producer = 0;  // in the model
    std::array<Line, partitions> lines = {};
    size_t shard = 0;
    uint64_t connection = 0;  // answers of earlier ones are lost
    size_t in_flight = 0;     // requests of this one
    bool failed = false;      // one of them was: the others are waited for, then all is sent again
    bool behind = false;      // the server may know less of it than was acknowledged
  };
  struct Part {
    size_t partition;
    Unacked sent;
    bool leads;  // all that was before it has been acknowledged
  };

  // Lives.
  void live();
  void be_silent();
  bool start();
  bool open();
  Task<bool> inspect();
  Task<> look(size_t partition, bool at_rest);
  Task<Result<Offset>> look_at(size_t partition, Offset from, std::set<int64_t>& offsets);
  void forget_lost(size_t partition, const engine::LogRange& range);
  void end_process(bool power);

  // Clients.
  Task<> client(size_t number, size_t life);
  Task<> act(Client& client);
  Task<> begin_anew(Client& client);
  void connect(Client& client);
  void send_new(Client& client);
  void send_again(Client& client);
  void send(Client& client, std::vector<Part> parts);
  Task<> request(Client& client, uint64_t connection, AppendBatches call, std::vector<Part> parts);
  void heard(Client& client, const Part& part, const Result<Appended>& answer);
  void refused(Client& client, const Part& part, const Error& problem);
  [[nodiscard]] Bytes encode(const Client& client, const Unacked& sent);
  Task<> delete_records();

  void fail(std::string problem) {
    if (!outcome_.problem) outcome_.problem = std::move(problem);
  }
  void judge(ProducerModel::Problem problem) {
    if (problem && counts()) fail(std::move(*problem));
  }
  [[nodiscard]] bool counts() { return !outcome_.problem && !machine_.disk().power_lost(); }
  [[nodiscard]] Instant now() { return machine_.shards().clock().now(); }

  SimulationOptions options_;
  engine::SimulatedMachine machine_;
  Random& random_;
  SimulationOutcome outcome_;
  Silence observer_;
  TopicChange settings_ = {.partitions = partitions};
  BrokerOptions broker_options_;
  std::unique_ptr<Broker> broker_;
  ProducerModel model_{partitions};
  std::array<Client, client_count> clients_;
  std::set<ProducerId> ids_;  // that were ever given
  size_t producers_ = 0;
  std::array<uint64_t, partitions> deletions_ = {};
  std::array<int64_t, partitions> lost_ = {};  // LogRange::lost, as it was
  bool power_was_lost_ = false;                // since the last start that could be used
  size_t life_ = 0;
  size_t working_ = 0;
  size_t life_ends_at_ = 0;
};

ProducerScenario::ProducerScenario(const SimulationOptions& options)
    : options_(options), machine_({.seed = options.seed, .bug = options.bug}), random_(machine_.random()) {
  machine_.limits().retention_interval = 10min;  // so that a day does not take a million looks
  if (random_.chance(0.3)) settings_.durability = Durability::written;
  if (random_.chance(0.3)) {
    broker_options_.producers.per_partition = static_cast<int64_t>(client_count + random_.below(8));
  }
  broker_options_.producers.fault = fault_of(options.bug);
}

SimulationOutcome ProducerScenario::run() {
  while (!outcome_.problem && (outcome_.operations < options_.operations || outcome_.crashes < crashes_min))
    live();
  return outcome_;
}

// -- lives
// ------------------------------------------------------------------------------------------------------------

void ProducerScenario::live() {
  if (!start()) return;
  if (auto looked = machine_.run(inspect()); !looked && counts()) fail("the look after a start does not end");
  if (random_.chance(0.1)) be_silent();
  End end = random_.chance(0.5) ? End::power_loss : static_cast<End>(random_.below(3));
  life_ends_at_ = outcome_.operations + 20 + random_.below(250);
  if (end == End::power_loss) machine_.disk().lose_power_after(random_.below(600));
  ++life_;
  working_ = client_count;
  for (size_t i = 0; i < client_count; ++i) machine_.spawn(i % 2, client(i, life_));
  bool done = machine_.run_until([&] { return working_ == 0 || outcome_.problem; });
  if (!done && counts()) fail("work does not end");
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

// Nobody publishes for so long that a producer may be put out for another, or is forgotten.
void ProducerScenario::be_silent() {
  Duration silence = random_.chance(0.5) ? producer_silence_min + 1min : producer_expiration + 1h;
  std::ignore = machine_.run([](runtime::Timers& timers, Duration d) -> Task<bool> {
    co_await runtime::sleep_for(timers, d);
    co_return true;
  }(machine_.shards().at(0).timers(), silence));
}

bool ProducerScenario::start() {
  for (int attempt = 0; attempt < 20 && !outcome_.problem; ++attempt) {
    machine_.disk().lose_power_never();
    if (random_.chance(0.2)) machine_.disk().lose_power_after(random_.below(150));
    if (open()) {
      machine_.disk().lose_power_never();
      return true;
    }
    if (!outcome_.problem) end_process(true);
  }
  fail("it does not start any more");
  return false;
}

bool ProducerScenario::open() {
  auto started = machine_.start();
  if (!started && counts()) fail("the start failed: " + started.error().message);
  if (!started) return false;
  auto opened = machine_.run(Broker::open(machine_.shards(), machine_.engine(), observer_, broker_options_));
  if (opened && !*opened && counts()) fail("the broker does not open: " + opened->error().message);
  if (!opened || !*opened) return false;
  broker_ = std::move(**opened);
  auto put = machine_.run(broker_->put_topic(std::string(topic), settings_));
  if (put && !*put && counts()) fail("a topic: " + put->error().message);
  return put && *put && counts();
}

void ProducerScenario::end_process(bool power) {
  power ? machine_.crash() : machine_.kill();
  power_was_lost_ |= power;
  outcome_.power_losses += power ? 1 : 0;
  ++outcome_.crashes;
  broker_.reset();
}

Task<bool> ProducerScenario::inspect() {
  auto info = co_await broker_->topic(std::string(topic));
  if (!info) {
    fail("the topic is gone");
    co_return false;
  }
  for (const PartitionInfo& each : info->partitions) {
    forget_lost(static_cast<size_t>(each.partition.value()), each.range);
  }
  power_was_lost_ = false;
  for (size_t i = 0; i < partitions; ++i) co_await look(i, true);
  co_return true;
}

// What a topic that is not flushed says it has lost. It is the end: nobody has published since.
void ProducerScenario::forget_lost(size_t partition, const engine::LogRange& range) {
  int64_t lost = range.lost - std::exchange(lost_[partition], range.lost);
  if (lost == 0) return;
  bool may_be = settings_.durability == Durability::written && power_was_lost_;
  judge(model_.lost(partition, range.next - lost, may_be));
  for (Client& client : clients_) client.behind = true;
}

// At rest, all of it; else while records come and are deleted.
Task<> ProducerScenario::look(size_t partition, bool at_rest) {
  auto info = co_await broker_->topic(std::string(topic));
  if (!info || !counts()) co_return;
  Offset first = info->partitions[partition].range.first;
  std::set<int64_t> offsets;
  for (Offset from = first;;) {
    auto next = co_await look_at(partition, from, offsets);
    if (!counts()) co_return;
    if (!next && !at_rest && next.error().code == ErrorCode::not_found) co_return;  // deleted meanwhile
    if (!next) co_return fail(fmt::format("partition {}: {}", partition, next.error().message));
    if (*next == from) break;
    from = *next;
  }
  if (at_rest) judge(model_.saw_all(partition, first, offsets));
}

// Reads a piece; returns where the next one begins.
Task<Result<Offset>> ProducerScenario::look_at(size_t partition, Offset from, std::set<int64_t>& offsets) {
  PartitionIndex index(static_cast<int32_t>(partition));
  auto read = co_await broker_->read({std::string(topic), index, from, 1 + random_.below(8_KiB)});
  if (!read) co_return std::unexpected(read.error());
  for (const SharedBytes& bytes : read->batches) {
    auto batch = log::BatchView::parse(bytes.view());
    if (!batch) co_return std::unexpected(batch.error());
    auto sound = batch->for_each([&](const log::StoredRecord& record) {
      offsets.insert(record.offset.value());
      judge(model_.saw(partition, record.offset, std::string(as_text(record.value.value_or(BytesView())))));
      return true;
    });
    if (!sound) co_return std::unexpected(sound.error());
    from = batch->next_offset();
  }
  co_return from;
}

// -- clients
// ----------------------------------------------------------------------------------------------------------

Task<> ProducerScenario::client(size_t number, size_t life) {
  Client& client = clients_[number];
  runtime::Timers& timers = machine_.shards().at(number % 2).timers();
  connect(client);
  while (counts() && outcome_.operations < life_ends_at_) {
    ++outcome_.operations;
    co_await act(client);
    if (random_.chance(0.5)) {
      co_await runtime::sleep_for(timers, std::chrono::microseconds(random_.below(4'000)));
    }
  }
  if (life == life_) --working_;
}

Task<> ProducerScenario::act(Client& client) {
  uint64_t dice = random_.below(100);
  if (dice < 4) return look(random_.below(partitions), false);
  if (dice < 5) return delete_records();
  if (client.id == ProducerId(-1) || dice < 8) return begin_anew(client);
  if (dice < 14) {
    connect(client);
  } else if (!client.failed) {
    send_new(client);
  } else if (client.in_flight == 0) {
    send_again(client);
  }
  return runtime::sleep_for(machine_.shards().at(0).timers(), Duration());
}

// What is not acknowledged is given up: it may be stored, once. Then a higher epoch, or another id.
Task<> ProducerScenario::begin_anew(Client& client) {
  ++client.connection;
  client.in_flight = 0;
  client.failed = client.behind = false;
  client.lines = {};
  if (client.id != ProducerId(-1) && random_.chance(0.6)) {
    client.epoch = ProducerEpoch(static_cast<int16_t>(client.epoch.value() + 1));
    co_return;
  }
  client.id = ProducerId(-1);
  auto id = co_await broker_->new_producer_id();
  if (!id || !counts()) co_return;
  if (!ids_.insert(*id).second) fail(fmt::format("the producer id {} was given twice", *id));
  client.id = *id;
  client.epoch = ProducerEpoch(0);
  client.producer = ++producers_;
}

// A connection, perhaps to another shard: what the last one had in flight is sent again.
void ProducerScenario::connect(Client& client) {
  ++client.connection;
  client.in_flight = 0;
  client.shard = random_.below(2);
  send_again(client);
}

void ProducerScenario::send_new(Client& client) {
  std::vector<Part> parts;
  for (size_t i = 0; i < partitions; ++i) {
    Line& line = client.lines[i];
    if (line.unacked.size() >= in_flight_max || !random_.chance(0.7)) continue;
    int records = 1 + static_cast<int>(random_.below(3));
    size_t batch = model_.sent({.partition = i, .producer = client.producer, .records = records});
    line.unacked.push_back({batch, line.next_sequence, now(), deletions_[i]});
    line.next_sequence += records;
    parts.push_back({i, line.unacked.back(), line.unacked.size() == 1});
  }
  if (!parts.empty()) send(client, std::move(parts));
}

void ProducerScenario::send_again(Client& client) {
  client.failed = false;
  auto is_old = [&](const Line& line) {
    return !line.unacked.empty() && now() - line.unacked.front().sent_at > delivery_timeout;
  };
  if (std::ranges::any_of(client.lines, is_old)) {
    client.lines = {};
    client.epoch = ProducerEpoch(static_cast<int16_t>(client.epoch.value() + 1));
    client.behind = false;
  }
  for (size_t i = 0; i < partitions; ++i) {
    bool leads = true;
    for (Unacked& sent : client.lines[i].unacked) {
      sent.acked = false;
      sent.base.reset();
      send(client, {{i, sent, std::exchange(leads, false)}});
    }
  }
}

void ProducerScenario::send(Client& client, std::vector<Part> parts) {
  AppendBatches call{.topic = std::string(topic)};
  for (const Part& part : parts) {
    call.parts.push_back({PartitionIndex(static_cast<int32_t>(part.partition)), encode(client, part.sent)});
  }
  ++client.in_flight;
  machine_.spawn(client.shard, request(client, client.connection, std::move(call), std::move(parts)));
}

Bytes ProducerScenario::encode(const Client& client, const Unacked& sent) {
  log::BatchBuilder builder;
  for (int i = 0; i < model_.batch(sent.batch).records; ++i) {
    std::string name = ProducerModel::name_of(sent.batch, i);
    builder.add({.value = as_bytes(name), .timestamp = machine_.shards().clock().wall_now()});
  }
  Bytes bytes = builder.finish();
  log::set_producer(bytes, {client.id, client.epoch, sent.first_sequence});
  return bytes;
}

Task<> ProducerScenario::request(Client& client, uint64_t connection, AppendBatches call,
                                 std::vector<Part> parts) {
  auto answer = co_await broker_->append(std::move(call));
  if (!counts() || connection != client.connection) co_return;
  --client.in_flight;
  for (size_t i = 0; i < parts.size() && connection == client.connection; ++i) {
    heard(client, parts[i], answer ? (*answer)[i] : std::unexpected(answer.error()));
  }
}

void ProducerScenario::heard(Client& client, const Part& part, const Result<Appended>& answer) {
  auto& unacked = client.lines[part.partition].unacked;
  auto it = std::ranges::find(unacked, part.sent.batch, &Unacked::batch);
  if (it == unacked.end()) return;
  if (!answer && answer.error().code != ErrorCode::duplicate) return refused(client, part, answer.error());
  it->acked = true;
  if (answer) it->base = answer->base;
  // Only five are in flight: the server knows where each of them stands, unless it was deleted.
  if (!answer && part.sent.deletions == deletions_[part.partition]) {
    fail("a batch in flight: " + answer.error().message);
  }
  for (; !unacked.empty() && unacked.front().acked; unacked.pop_front()) {
    ++outcome_.acknowledged;
    const Unacked& first = unacked.front();
    if (first.base) {
      judge(model_.answered(first.batch, *first.base));
    } else {
      model_.confirmed(first.batch);
    }
  }
}

void ProducerScenario::refused(Client& client, const Part& part, const Error& problem) {
  client.failed = true;
  bool may_be = problem.code == ErrorCode::unavailable || problem.code == ErrorCode::over_limit ||
                problem.code == ErrorCode::read_only;
  if (may_be || (problem.code == ErrorCode::out_of_order && !part.leads)) return;
  if (problem.code != ErrorCode::out_of_order || !client.behind) return fail(problem.message);
  ++client.connection;  // the server lost what it had acknowledged: nothing of it may be sent again
  client.in_flight = 0;
  client.failed = client.behind = false;
  client.lines = {};
  client.epoch = ProducerEpoch(static_cast<int16_t>(client.epoch.value() + 1));
}

Task<> ProducerScenario::delete_records() {
  size_t partition = random_.below(partitions);
  PartitionIndex index(static_cast<int32_t>(partition));
  auto info = co_await broker_->topic(std::string(topic));
  if (!info || !counts()) co_return;
  const engine::LogRange& range = info->partitions[partition].range;
  if (range.next <= range.first) co_return;
  Offset before =
      range.first + static_cast<int64_t>(random_.below(static_cast<uint64_t>(range.next - range.first)));
  ++deletions_[partition];
  std::ignore = co_await broker_->delete_records(std::string(topic), index, before);
}

}  // namespace

SimulationOutcome simulate_producers(const SimulationOptions& options) {
  return ProducerScenario(options).run();
}

}  // namespace pabal::broker
