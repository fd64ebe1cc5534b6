#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/queue_core.h"

namespace pabal::broker {

// Writes down what became of a queue's messages: acks, retries, dead letters. What is asked for while a
// commit is under way goes into the next one, so that many calls share a flush; a dead letter and its
// settlement are one commit. One shard; held by shared pointer, because a commit outlives who asked for it.
class QueueWriter : public std::enable_shared_from_this<QueueWriter> {
 public:
  explicit QueueWriter(std::shared_ptr<QueueCore> core) : core_(std::move(core)) {}

  // Durable when they return.
  runtime::Task<Result<std::vector<LeaseResult>>> ack(std::vector<std::string> leases);
  runtime::Task<Result<std::vector<LeaseResult>>> nack(Nack nack);
  // In the background: leases that have run out; messages to be given up.
  void run_out_async(std::vector<Lease> leases);
  void kill_async(const std::vector<Place>& places, const std::string& reason);
  [[nodiscard]] bool idle() const { return !running_; }

 private:
  // Several leases that one caller waits for.
  struct Call {
    explicit Call(const runtime::Executor& executor) : done(executor) {}

    std::vector<LeaseResult> results;
    size_t open = 0;
    std::optional<Error> error;
    Wakeup done;
  };

  struct Op {
    enum class Kind : uint8_t { ack, nack, run_out, kill };
    // `none`: nothing to write; `settle_unread`: of a message that has not been scanned since the restart.
    enum class Fate : uint8_t { none, settle, settle_unread, retry, die };

    Kind kind;
    Lease lease;
    std::shared_ptr<Call> call = {};
    size_t index = 0;  // of its result in the call
    std::optional<Duration> delay = {};
    std::string reason = {};
    bool dead = false;

    Fate fate = Fate::none;
    int deliveries = 0;
    std::optional<WallTime> due = {};
    std::optional<OwnedRecord> letter = {};
    std::optional<QueueCore::Out> out = {};
    uint64_t key = 0;
    PartitionIndex dead_partition = {};
  };
  struct Staged;

  runtime::Task<Result<std::vector<LeaseResult>>> finish(std::shared_ptr<Call> call);
  void rest(const Nack& nack, Call& call);  // nacks that do not count
  void start();
  static runtime::Task<> run(std::shared_ptr<QueueWriter> self);
  runtime::Task<> write(std::vector<Op> batch);

  void decide(Op& op);
  void decide_lease(Op& op);
  void decide_failed(Op& op, const QueueState::Entry& entry);
  void refuse(Op& op, std::string_view problem);
  runtime::Task<Result<void>> read_letters(std::vector<Op>& batch);
  [[nodiscard]] Result<Staged> stage(std::vector<Op>& batch);
  void stage_op(Op& op, Staged& staged, engine::TableChanges& changes);
  runtime::Task<Result<void>> commit(std::vector<Op>& batch, Staged& staged);
  void apply(Op& op);
  void undo(std::vector<Op>& batch, Staged* staged, const Error& why);
  void close(Op& op);

  static constexpr size_t ops_per_commit_max = 2000;

  std::shared_ptr<QueueCore> core_;
  std::deque<Op> pending_;
  bool running_ = false;
};

}  // namespace pabal::broker
