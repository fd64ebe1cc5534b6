#include <gtest/gtest.h>

#include "broker/broker.h"
#include "broker/recording_observer.h"
#include "engine/simulation.h"
#include "log/record_batch.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;
using runtime::Task;

constexpr int lives = 4;
constexpr int updates_of_a_life = 120;
constexpr int keys = 5;

// A compacted topic with one publisher and a queue, on a machine that crashes and whose engine compacts.
class CompactedTopic {
 public:
  explicit CompactedTopic(uint64_t seed) : random_(seed), machine_({.seed = seed}) {
    machine_.limits().compacted_segment_bytes = 4_KiB;
  }
  ~CompactedTopic() { end(false); }

  void live(int life) {
    open();
    answer([this] { return update(); });
    if (testing::Test::HasFailure()) return;
    end(life % 2 == 0);
  }
  void open() {
    ASSERT_TRUE(machine_.start());
    auto opened = machine_.run(Broker::open(machine_.shards(), machine_.engine(), observer_, {}));
    ASSERT_TRUE(opened && *opened);
    broker_ = std::move(**opened);
    answer([this] { return make(); });
  }
  // What the topic and the queue hold in the end.
  void settle_accounts() {
    open();
    answer([this] { return drain(); });
    answer([this] { return read(); });
    for (const auto& [key, number] : acknowledged_) {
      EXPECT_GE(last_in_topic_[key], number) << key;
      EXPECT_TRUE(delivered_.contains(last_in_topic_[key])) << key << " " << last_in_topic_[key];
    }
    EXPECT_LT(records_left_, next_ - 100) << "nothing was compacted";
  }

 private:
  void end(bool power) {
    power ? machine_.crash() : machine_.kill();
    broker_.reset();
  }
  template <class F>
  void answer(F work) {
    auto done = machine_.run(work());
    ASSERT_TRUE(done.has_value());
    ASSERT_TRUE(done->has_value()) << done->error().message;
  }

  Task<Result<void>> make() {
    auto topic = co_await broker_->put_topic("prices", {.cleanup = Cleanup::compact});
    if (!topic) co_return std::unexpected(topic.error());
    auto queue = co_await broker_->put_queue("q", {.topic = "prices", .from = StartAt::earliest});
    if (!queue) co_return std::unexpected(queue.error());
    co_return Result<void>{};
  }
  Task<Result<void>> update() {
    for (int i = 0; i < updates_of_a_life; ++i) {
      std::string key = fmt::format("k{}", random_.below(keys));
      int number = next_++;
      std::string value = fmt::format("{} {}", number, std::string(150, 'x'));
      Publish publish{.topic = "prices"};
      publish.records.push_back({.record = {.key = as_bytes(key), .value = as_bytes(value)}});
      auto done = co_await broker_->publish(std::move(publish));
      if (!done) co_return std::unexpected(done.error());
      acknowledged_[key] = number;
      if (random_.chance(0.1)) {
        auto took = co_await take(3);
        if (!took) co_return std::unexpected(took.error());
      }
      if (i % 20 == 0) co_await runtime::sleep_for(machine_.shards().at(0).timers(), 120ms);
    }
    co_return Result<void>{};
  }
  Task<Result<size_t>> take(int max) {
    auto messages = co_await broker_->receive({.queue = "q", .max = max, .wait = {}, .service = "me"});
    if (!messages) co_return std::unexpected(messages.error());
    std::vector<std::string> leases;
    for (const Message& message : *messages) {
      delivered_.insert(std::stoi(*message.body));
      leases.push_back(message.lease);
    }
    if (leases.empty()) co_return 0;
    auto acked = co_await broker_->ack("q", leases);
    if (!acked) co_return std::unexpected(acked.error());
    co_return leases.size();
  }
  Task<Result<void>> drain() {
    for (int round = 0; round < 1000; ++round) {
      auto queue = co_await broker_->queue("q");
      if (!queue) co_return std::unexpected(queue.error());
      EXPECT_EQ(queue->lost_to_retention, 0);
      if (queue->ready + queue->leased + queue->delayed + queue->unscanned == 0) co_return Result<void>{};
      auto took = co_await take(100);
      if (!took) co_return std::unexpected(took.error());
      if (*took == 0) co_await runtime::sleep_for(machine_.shards().at(0).timers(), 100ms);
    }
    co_return error(ErrorCode::timed_out, "the queue does not become empty");
  }
  Task<Result<void>> read() {
    auto topic = co_await broker_->topic("prices");
    if (!topic) co_return std::unexpected(topic.error());
    auto range = topic->partitions[0].range;
    for (Offset at = range.first; at < range.next;) {
      auto read = co_await broker_->read({.topic = "prices", .partition = PartitionIndex(0), .from = at});
      if (!read) co_return std::unexpected(read.error());
      for (const SharedBytes& bytes : read->batches) {
        auto batch = log::BatchView::parse(bytes.view());
        std::ignore = batch->for_each([&](const log::StoredRecord& record) {
          last_in_topic_[std::string(as_text(*record.key))] = std::stoi(std::string(as_text(*record.value)));
          ++records_left_;
          return true;
        });
        at = batch->next_offset();
      }
    }
    co_return Result<void>{};
  }

  Random random_;
  engine::SimulatedMachine machine_;
  RecordingObserver observer_;
  std::unique_ptr<Broker> broker_;
  int next_ = 0;
  int records_left_ = 0;
  std::map<std::string, int> acknowledged_;  // the last one of each key
  std::map<std::string, int> last_in_topic_;
  std::set<int> delivered_;
};

TEST(CompactedTopic, the_latest_of_each_key_outlives_crashes_and_reaches_the_queue) {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    CompactedTopic topic(seed);
    for (int life = 0; life < lives; ++life) topic.live(life);
    topic.settle_accounts();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace pabal::broker
