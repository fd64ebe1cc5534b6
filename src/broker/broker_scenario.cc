#include "broker/broker_scenario.h"

#include "broker/broker_model.h"
#include "broker/silence.h"
#include "log/record_batch.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;
using engine::PlantedBug;
using engine::SimulationOptions;
using engine::SimulationOutcome;
using runtime::Task;

constexpr size_t client_count = 6;
constexpr size_t crashes_min = 3;
constexpr int keys = 5;
constexpr Duration visibility = 2s;
const std::string topic = "orders";

enum class End { power_loss, kill, stop };

class BrokerScenario {
 public:
  explicit BrokerScenario(const SimulationOptions& options);
  ~BrokerScenario() { end_process(false); }
  BrokerScenario(const BrokerScenario&) = delete;
  BrokerScenario& operator=(const BrokerScenario&) = delete;

  SimulationOutcome run();

 private:
  // A record of a client that must be stored before its next one: repeated until answered.
  struct Pending {
    Publish call;
    std::string key;
    std::vector<std::string> values;
  };
  struct Client {
    std::optional<Pending> pending = {};
    int64_t sequence = 0;
    int64_t idempotency = 0;
  };

  void live();
  bool start();
  Task<Result<void>> make_queues();
  void work(End end);
  void finish(End end);
  void end_process(bool power);
  void fail(std::string problem) {
    if (!outcome_.problem) outcome_.problem = std::move(problem);
  }
  void judge(std::optional<std::string> problem) {
    if (problem) fail(std::move(*problem));
  }
  [[nodiscard]] bool counts() { return !outcome_.problem && !machine_.disk().power_lost(); }

  Task<> client(size_t number, size_t life);
  Task<> act(size_t number);
  Task<> publish(size_t number);
  Task<> send(size_t number);
  void prepare(size_t number);
  Task<> post(QueueModel& queue);
  Task<> consume(QueueModel& queue);
  Task<> ack(QueueModel& queue, std::vector<Message> messages);
  Task<> nack(QueueModel& queue, std::vector<Message> messages, bool dead);
  Task<> look_at_dead(QueueModel& queue);
  Task<> redrive(QueueModel& queue);
  void saw(QueueModel& queue, const std::vector<Message>& messages);

  void settle_accounts();
  Task<Result<void>> drain(QueueModel& queue);
  Task<Result<std::set<std::string>>> dead_of(QueueModel& queue);
  Task<Result<void>> read_topic();
  Task<Result<void>> account();

  SimulationOptions options_;
  engine::SimulatedMachine machine_;
  Random& random_;
  SimulationOutcome outcome_;
  Silence observer_;
  std::unique_ptr<Broker> broker_;
  TopicModel topic_model_;
  std::vector<QueueModel> queues_;
  std::vector<Client> clients_ = std::vector<Client>(client_count);
  uint64_t last_value_ = 0;
  size_t life_ = 0;
  size_t working_ = 0;
  size_t life_ends_at_ = 0;
};

BrokerScenario::BrokerScenario(const SimulationOptions& options)
    : options_(options), machine_({.seed = options.seed, .bug = options.bug}), random_(machine_.random()) {
  QueueChange base{.topic = topic, .from = StartAt::earliest, .visibility = visibility, .max_deliveries = 3};
  base.backoff = Backoff{10ms, 2, 500ms};
  queues_.emplace_back("loose", base);
  base.order = KeyOrder::by_key;
  queues_.emplace_back("ordered", base);
  base.on_dead = OnDead::hold;
  queues_.emplace_back("held", base);
}

SimulationOutcome BrokerScenario::run() {
  while (!outcome_.problem && (outcome_.operations < options_.operations || outcome_.crashes < crashes_min))
    live();
  if (!outcome_.problem && start()) settle_accounts();
  return outcome_;
}

// -- lives
// ------------------------------------------------------------------------------------------------------------

void BrokerScenario::live() {
  if (!start()) return;
  End end = outcome_.crashes < crashes_min && random_.chance(0.6) ? End::power_loss
                                                                  : static_cast<End>(random_.below(3));
  life_ends_at_ = outcome_.operations + 20 + random_.below(300);
  if (end == End::power_loss) machine_.disk().lose_power_after(random_.below(900));
  work(end);
  finish(end);
}

bool BrokerScenario::start() {
  for (int attempt = 0; attempt < 20; ++attempt) {
    machine_.disk().lose_power_never();
    if (random_.chance(0.2)) machine_.disk().lose_power_after(random_.below(150));
    auto started = machine_.start();
    if (!started && !machine_.disk().power_lost()) {
      fail(fmt::format("the start failed: {}", started.error().message));
      return false;
    }
    // Recovery found that what was flushed is gone: no client would ever get an answer that ends its work.
    if (auto health = machine_.engine().health();
        started && health.state == engine::EngineHealth::State::read_only) {
      fail(fmt::format("read-only after a start: {}", health.reason));
      return false;
    }
    if (started) {
      BrokerOptions options;
      options.topic_defaults.partitions = 2;
      options.settle_before_dead_letter = options_.bug == PlantedBug::settle_before_dead_letter;
      auto opened = machine_.run(Broker::open(machine_.shards(), machine_.engine(), observer_, options));
      if (opened && *opened) {
        broker_ = std::move(**opened);
        auto made = machine_.run(make_queues());
        if (made && *made) break;
        if (made && !machine_.disk().power_lost()) fail(fmt::format("a queue: {}", made->error().message));
      } else if (opened && !machine_.disk().power_lost()) {
        fail(fmt::format("the broker does not open: {}", opened->error().message));
      }
      if (outcome_.problem) return false;
    }
    end_process(true);
    if (attempt == 19) fail("it does not start any more");
  }
  machine_.disk().lose_power_never();
  for (QueueModel& queue : queues_) queue.begin_life();
  return !outcome_.problem;
}

Task<Result<void>> BrokerScenario::make_queues() {
  for (QueueModel& queue : queues_) {
    auto put = co_await broker_->put_queue(queue.name(), queue.settings());
    if (!put) co_return std::unexpected(put.error());
  }
  co_return Result<void>{};
}

void BrokerScenario::work(End end) {
  ++life_;
  working_ = client_count;
  for (size_t i = 0; i < client_count; ++i) machine_.spawn(i % 2, client(i, life_));
  if (end != End::power_loss && random_.chance(0.3)) {
    size_t until = outcome_.operations + 10;
    machine_.run_until([&] { return outcome_.operations >= until || working_ == 0 || outcome_.problem; });
    machine_.disk().fill_up(random_.below(6_KiB));
    machine_.run_until(
        [&] { return outcome_.operations >= until + 60 || working_ == 0 || outcome_.problem; });
    machine_.disk().set_capacity(uint64_t{1} << 40);
  }
  bool done = machine_.run_until([&] { return working_ == 0 || outcome_.problem; });
  if (!done && counts()) fail("work does not end");
}

void BrokerScenario::finish(End end) {
  if (outcome_.problem) return;
  bool power = machine_.disk().power_lost() || end == End::power_loss;
  if (!power && end == End::stop) {
    auto stopped = machine_.run([](Broker& broker, engine::Engine& engine) -> Task<bool> {
      co_await broker.stop();
      co_await engine.stop();
      co_return true;
    }(*broker_, machine_.engine()));
    if (!stopped && counts()) fail("it does not stop");
  }
  end_process(power || machine_.disk().power_lost());
}

void BrokerScenario::end_process(bool power) {
  if (power) {
    machine_.crash();
    ++outcome_.power_losses;
  } else {
    machine_.kill();
  }
  ++outcome_.crashes;
  broker_.reset();
}

Task<> BrokerScenario::client(size_t number, size_t life) {
  while (counts() && outcome_.operations < life_ends_at_) {
    ++outcome_.operations;
    co_await act(number);
    if (random_.chance(0.05)) co_await runtime::sleep_for(machine_.shards().at(number % 2).timers(), 300ms);
  }
  if (life == life_) --working_;
}

Task<> BrokerScenario::act(size_t number) {
  QueueModel& queue = queues_[random_.below(queues_.size())];
  uint64_t dice = random_.below(100);
  if (dice < 30) return publish(number);
  if (dice < 34) return post(queues_.front());
  if (dice < 37) return look_at_dead(queue);
  if (dice < 40) return redrive(queue);
  return consume(queue);
}

// -- publishing
// -------------------------------------------------------------------------------------------------------

void BrokerScenario::prepare(size_t number) {
  Client& client = clients_[number];
  Pending pending;
  pending.key = fmt::format("k{}", random_.below(keys));
  pending.call.topic = topic;
  uint64_t kind = random_.below(3);
  if (kind == 0) pending.call.producer = fmt::format("producer{}", number);
  if (kind == 1) {
    pending.call.idempotency =
        Idempotency{fmt::format("{}.{}", number, ++client.idempotency), "client", pending.key};
  }
  for (uint64_t i = 0, n = 1 + random_.below(4); i < n; ++i) {
    std::string value = fmt::format("v{}", ++last_value_);
    TopicModel::Value known{pending.call.producer};
    if (kind == 0) known.sequence = ++client.sequence;
    topic_model_.begin(value, known);
    pending.call.records.push_back({});
    if (kind == 0) pending.call.records.back().sequence = known.sequence;
    pending.values.push_back(std::move(value));
  }
  client.pending = std::move(pending);
}

Task<> BrokerScenario::publish(size_t number) {
  if (!clients_[number].pending) prepare(number);
  co_await send(number);
}

Task<> BrokerScenario::send(size_t number) {
  Client& client = clients_[number];
  Pending pending = *client.pending;
  for (size_t i = 0; i < pending.values.size(); ++i) {
    pending.call.records[i].record.key = as_bytes(pending.key);
    pending.call.records[i].record.value = as_bytes(pending.values[i]);
  }
  bool repeatable = !pending.call.producer.empty() || pending.call.idempotency.has_value();
  if (!repeatable) client.pending.reset();  // a second time would store it twice
  auto done = co_await broker_->publish(pending.call);
  if (!done && repeatable) co_return;  // the outcome is unknown: the same again, perhaps in another life
  if (done) {
    ++outcome_.acknowledged;
    for (size_t i = 0; i < pending.values.size(); ++i) {
      judge(topic_model_.acknowledged(pending.values[i], (*done)[i]));
    }
  }
  if (!repeatable || random_.chance(0.8)) client.pending.reset();  // else it is repeated all the same
}

Task<> BrokerScenario::post(QueueModel& queue) {
  PostMessage message{.body = fmt::format("v{}", ++last_value_)};
  if (random_.chance(0.3))
    message.due = machine_.shards().clock().wall_now() + std::chrono::milliseconds(random_.below(2000));
  std::vector<PostMessage> messages = {message};
  auto ids = co_await broker_->post(queue.name(), messages);
  if (ids) queue.posted(ids->front());
}

// -- consuming
// --------------------------------------------------------------------------------------------------------

void BrokerScenario::saw(QueueModel& queue, const std::vector<Message>& messages) {
  Instant now = machine_.shards().clock().now();
  // A lease began somewhat before its answer came.
  constexpr Duration answer_in = 500ms;
  for (const Message& message : messages) judge(queue.delivered(message, now, now + visibility - answer_in));
}

Task<> BrokerScenario::consume(QueueModel& queue) {
  Receive receive{.queue = queue.name(), .max = 1 + static_cast<int>(random_.below(5)), .service = "client"};
  if (random_.chance(0.3)) receive.wait = std::chrono::milliseconds(random_.below(300));
  auto messages = co_await broker_->receive(receive);
  if (!messages || messages->empty()) co_return;
  saw(queue, *messages);
  uint64_t dice = random_.below(100);
  if (dice < 8) co_return;  // forgets them
  if (dice < 16) co_await runtime::sleep_for(machine_.shards().at(0).timers(), visibility + 500ms);
  if (dice < 70) co_return co_await ack(queue, std::move(*messages));
  co_await nack(queue, std::move(*messages), dice < 80);
}

Task<> BrokerScenario::ack(QueueModel& queue, std::vector<Message> messages) {
  std::vector<std::string> leases;
  for (const Message& message : messages) {
    queue.begin_ack(message.id);
    leases.push_back(message.lease);
  }
  auto results = co_await broker_->ack(queue.name(), leases);
  if (!results) co_return;
  for (size_t i = 0; i < messages.size(); ++i) {
    judge((*results)[i].ok ? queue.acked(messages[i].id) : queue.not_acked(messages[i].id));
    outcome_.acknowledged += (*results)[i].ok;
  }
}

Task<> BrokerScenario::nack(QueueModel& queue, std::vector<Message> messages, bool dead) {
  Nack nack{.leases = {}, .reason = "no", .dead = dead};
  for (const Message& message : messages) {
    if (dead) queue.begin_kill(message.id);
    queue.gave_up(message.id);
    nack.leases.push_back(message.lease);
  }
  std::ignore = co_await broker_->nack(queue.name(), nack);
}

Task<> BrokerScenario::look_at_dead(QueueModel& queue) {
  auto found = co_await dead_of(queue);
  std::ignore = found;
}

Task<Result<std::set<std::string>>> BrokerScenario::dead_of(QueueModel& queue) {
  uint64_t look = queue.begin_look();
  auto found =
      co_await broker_->messages({.queue = queue.name(), .state = MessageState::dead, .limit = 1000});
  if (!found) co_return std::unexpected(found.error());
  std::set<std::string> ids;
  for (const MessageLook& dead : *found) {
    judge(queue.saw_dead(dead, look));
    if (!ids.insert(dead.id).second) fail(fmt::format("{}: {} is dead twice", queue.name(), dead.id));
  }
  co_return ids;
}

Task<> BrokerScenario::redrive(QueueModel& queue) {
  auto started = co_await broker_->redrive({.queue = queue.name(), .all = true});
  if (started && random_.chance(0.2)) std::ignore = co_await broker_->stop_redrive(queue.name(), started->id);
}

// -- the end
// ----------------------------------------------------------------------------------------------------------

void BrokerScenario::settle_accounts() {
  auto done = machine_.run(account());
  if (!done) return fail("taking what is left does not end");
  if (!*done) fail(fmt::format("taking what is left: {}", done->error().message));
}

Task<Result<void>> BrokerScenario::account() {
  for (size_t i = 0; i < client_count; ++i) {
    for (int tries = 0; clients_[i].pending && tries < 100; ++tries) co_await send(i);
  }
  auto read = co_await read_topic();
  if (!read) co_return read;
  judge(topic_model_.check_end());
  std::vector<std::string> published;
  for (const auto& [position, value] : topic_model_.records()) {
    published.push_back(fmt::format("{}-{}-{}", topic, position.partition, position.offset));
  }
  for (QueueModel& queue : queues_) {
    for (int round = 0; round < 2 && !outcome_.problem; ++round) {
      auto drained = co_await drain(queue);
      if (!drained) co_return drained;
      auto dead = co_await dead_of(queue);
      if (!dead) co_return std::unexpected(dead.error());
      auto info = co_await broker_->queue(queue.name());
      if (!info) co_return std::unexpected(info.error());
      if (info->dead != static_cast<int64_t>(dead->size())) {
        fail(fmt::format("{}: counts {} dead letters and shows {}", queue.name(), info->dead, dead->size()));
      }
      // What waits behind a held key comes after the redrive.
      if (round == 1 || queue.settings().on_dead != OnDead::hold) judge(queue.check_end(*dead, published));
      if (round == 1) break;
      auto redriven = co_await broker_->redrive({.queue = queue.name(), .all = true});
      if (!redriven) co_return std::unexpected(redriven.error());
    }
  }
  co_return Result<void>{};
}

Task<Result<void>> BrokerScenario::drain(QueueModel& queue) {
  for (int silent = 0; silent < 3 && !outcome_.problem;) {
    Receive receive{.queue = queue.name(), .max = 100, .wait = 5s, .service = "drain"};
    auto messages = co_await broker_->receive(receive);
    if (!messages) co_return std::unexpected(messages.error());
    silent = messages->empty() ? silent + 1 : 0;
    saw(queue, *messages);
    if (!messages->empty()) co_await ack(queue, std::move(*messages));
  }
  co_return Result<void>{};
}

Task<Result<void>> BrokerScenario::read_topic() {
  topic_model_.begin_reading();
  auto info = co_await broker_->topic(topic);
  if (!info) co_return std::unexpected(info.error());
  for (const PartitionInfo& partition : info->partitions) {
    for (Offset at = partition.range.first; at < partition.range.next;) {
      auto read = co_await broker_->read({topic, partition.partition, at});
      if (!read) co_return std::unexpected(read.error());
      for (const SharedBytes& bytes : read->batches) {
        auto batch = log::BatchView::parse(bytes.view());
        if (!batch) co_return std::unexpected(batch.error());
        auto done = batch->for_each([&](const log::StoredRecord& record) {
          if (record.offset >= at)
            topic_model_.saw(partition.partition, record.offset, std::string(as_text(*record.value)));
          return true;
        });
        if (!done) co_return done;
        at = batch->next_offset();
      }
    }
  }
  co_return Result<void>{};
}

}  // namespace

SimulationOutcome simulate_broker(const SimulationOptions& options) { return BrokerScenario(options).run(); }

}  // namespace pabal::broker
