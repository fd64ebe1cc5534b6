#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/queue_core.h"
#include "broker/queue_writer.h"
#include "broker/redrive.h"

namespace pabal::broker {

// One queue on the shard that owns it: reads its logs into the window (QueueState), hands messages out,
// writes down what becomes of them (QueueWriter), keeps its times. Leases are not durable: handing out costs
// no commit. Held by shared pointer; after stop() every call answers unavailable.
class OpenQueue : public std::enable_shared_from_this<OpenQueue> {
 public:
  static constexpr int receive_max = 1000;
  static constexpr Duration wait_max = std::chrono::seconds(60);
  static constexpr Duration visibility_max = std::chrono::hours(24 * 7);
  static constexpr Duration delay_max = std::chrono::hours(24 * 366);
  static constexpr size_t look_max = 1000;

  // Reads the queue's table and begins to scan. Where a log has no cursor yet, it begins at `from` in a
  // partition that stands in `starts`, else at its first record.
  using Starts = std::map<PartitionIndex, Offset>;
  static runtime::Task<Result<std::shared_ptr<OpenQueue>>> open(std::shared_ptr<QueueCore> core,
                                                                Starts starts);

  [[nodiscard]] const QueueCore& core() const { return *core_; }

  runtime::Task<Result<std::vector<Message>>> receive(const Receive& receive);
  Result<bool> give_up(uint64_t poll);  // true when it was waiting
  runtime::Task<Result<std::vector<LeaseResult>>> ack(std::vector<std::string> leases);
  runtime::Task<Result<std::vector<LeaseResult>>> nack(Nack nack);
  [[nodiscard]] Result<std::vector<LeaseResult>> extend(const std::vector<std::string>& leases,
                                                        Duration visibility);
  runtime::Task<Result<std::vector<std::string>>> post(const std::vector<PostMessage>& messages);
  runtime::Task<Result<std::vector<MessageLook>>> look(const Broker::Look& look);
  runtime::Task<Result<int64_t>> purge();  // all but what is leased
  [[nodiscard]] Redrives& redrives() { return redrives_; }
  runtime::Task<Result<QueueInfo>> info();

  // What the table of queues says now. Order, filter and topic are those it was opened with.
  void set_record(const QueueRecord& record);
  // Partitions that the topic has got since.
  runtime::Task<Result<void>> add_partitions(int32_t partitions);
  // Publishing to a topic of the queue's own name is refused while the queue is full.
  [[nodiscard]] std::function<Result<void>()> gate() const;

  // Ends every wait, gives up what runs; returns when no commit is under way. Retention still keeps off what
  // is not settled: the queue may be opened again.
  runtime::Task<> stop();
  // Retention may take what it wants: the queue is deleted.
  void unpin();

 private:
  struct Waiter;
  struct Poll;
  class Handing;
  struct Purge;

  explicit OpenQueue(std::shared_ptr<QueueCore> core);

  runtime::Task<Result<void>> load(const Starts& starts);
  runtime::Task<Result<void>> load_source(Source source, engine::LogId log, std::optional<Offset> start);
  Result<void> load_table();
  runtime::Task<Result<void>> load_redriven();

  void watch(Source source);
  void advanced(Source source);
  void lose_below(Source source, Offset first);
  void scan();
  static runtime::Task<> run_scan(std::shared_ptr<OpenQueue> self);
  runtime::Task<Result<void>> scan_once(Place from);
  void see(Source source, const log::StoredRecord& record);

  [[nodiscard]] Result<void> check_receive(const Receive& receive) const;
  std::vector<QueueState::Grant> grant(int max, Duration visibility, uint32_t consumer);
  void dispatch();
  runtime::Task<std::vector<QueueState::Grant>> wait_for_grants(const Receive& receive, uint32_t consumer,
                                                                Deadline deadline);
  runtime::Task<Result<std::vector<Message>>> hand_out(std::vector<QueueState::Grant> grants,
                                                       std::string service);
  void lose(const QueueState::Grant& grant);
  void give_back(const QueueState::Grant& grant);
  void end_waits();
  [[nodiscard]] std::string pin_name() const { return "queue/" + core_->name; }

  void changed();
  void arm();
  void tick();
  void sweep();
  void pin();
  [[nodiscard]] bool cursors_saved() const;
  void limit_depth();
  static runtime::Task<> run_upkeep(std::shared_ptr<OpenQueue> self);
  runtime::Task<Result<void>> save_cursors();
  runtime::Task<> trim_own();

  Purge begin_purge();
  void end_purge(Purge& purge, bool done);
  [[nodiscard]] int64_t depth() const;
  [[nodiscard]] uint64_t bytes() const;
  [[nodiscard]] Result<void> check_room(size_t messages, size_t bytes) const;
  runtime::Task<Result<std::vector<MessageLook>>> look_dead(const Broker::Look& look);
  runtime::Task<std::optional<std::string>> stalled();

  std::shared_ptr<QueueCore> core_;
  std::shared_ptr<QueueWriter> writer_;
  Redrives redrives_;
  std::map<Source, engine::Engine::Watch> watches_;
  std::map<Source, std::optional<Offset>> pinned_;
  std::deque<Waiter*> waiters_;
  bool scanning_ = false;
  bool upkeep_ = false;
  std::optional<Instant> scan_not_before_;
  runtime::TimerId timer_{};
  std::optional<Instant> armed_for_;
  Instant next_sweep_ = Instant::min();
  std::shared_ptr<std::atomic<bool>> full_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace pabal::broker
