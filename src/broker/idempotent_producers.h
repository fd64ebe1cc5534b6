#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/producer_state.h"
#include "broker/topic.h"
#include "broker/wakeup.h"
#include "engine/table.h"
#include "runtime/shards.h"

namespace pabal::broker {

// The idempotent producers of one topic's partitions (those that build batches; producer_sequences.h has the
// ones that publish records). What is known of each is in a table as durable as the topic, and changes in the
// commit that holds the batch: so it says what is in the log after any crash, outlives retention, deletion
// and compaction of the batches, and costs a start nothing until the first of them publishes again. One
// shard.
//
// Batches of one producer may be under way at once: each is judged against those before it, and fails with
// them (engine::CommitChain). What repeats one that is under way waits for it.
class IdempotentProducers {
 public:
  IdempotentProducers(std::string topic_name, TopicId topic, Durability durability, engine::Engine& engine,
                      runtime::Shard& shard, std::shared_ptr<ProducerBudget> budget);
  ~IdempotentProducers();
  IdempotentProducers(const IdempotentProducers&) = delete;
  IdempotentProducers& operator=(const IdempotentProducers&) = delete;

  struct Batch {
    PartitionIndex partition;
    SequencedBatch sent;
  };
  // Before each call. Calls go on in the order in which they came.
  runtime::Task<Result<void>> open();
  // Returns when none of these repeats a batch that is under way. What follows, up to the commit, must not
  // suspend.
  runtime::Task<> wait_for_repeated(std::vector<Batch> batches);

  // What one commit takes with it. Given to end() when the commit has been answered.
  struct Claim;
  struct ClaimDeleter {
    void operator()(Claim* claim) const;
  };
  using ClaimPtr = std::unique_ptr<Claim, ClaimDeleter>;
  [[nodiscard]] static ClaimPtr new_claim();

  // Takes the batch into the claim. A value: it is stored already, at that offset or above (find() says
  // where). Errors: out_of_order, fenced, duplicate (stored so long ago that nobody knows where), over_limit
  // (too many producers), unavailable (a batch before it has just failed).
  [[nodiscard]] Result<std::optional<Offset>> take(Claim& claim, const Batch& batch);
  // Adds what the claim changes to the commit, behind its batches.
  [[nodiscard]] Result<void> stage(Claim& claim, engine::Commit& commit);
  void end(ClaimPtr claim, bool stored);

  // Where the batch stands that this one repeats; duplicate when it has gone.
  runtime::Task<Result<Offset>> find(Batch batch, Offset from) const;

  // A planted bug: what a commit takes with it comes behind it.
  [[nodiscard]] bool stages_apart() const { return budget_->limits.fault == ProducerFault::state_apart; }

  [[nodiscard]] size_t known() const { return table_ ? table_->size() : 0; }
  runtime::Task<> stop();

 private:
  struct Key {
    PartitionIndex partition;
    ProducerId producer;
    friend auto operator<=>(const Key&, const Key&) = default;
    [[nodiscard]] std::string text() const { return fmt::format("{}/{}", partition, producer); }
    static std::optional<Key> parse(std::string_view text);
  };
  struct UnderWay;
  struct Counted {
    WallTime forgotten_at;
    Key key;
    friend auto operator<=>(const Counted&, const Counted&) = default;
  };
  using Ages = std::set<std::pair<WallTime, ProducerId>>;  // by when they are forgotten

  [[nodiscard]] ProducerState stored(const Key& key) const;
  [[nodiscard]] std::shared_ptr<UnderWay> repeated_under_way(const Batch& batch) const;
  [[nodiscard]] Result<void> make_room(Claim& claim, PartitionIndex partition);
  [[nodiscard]] std::optional<Counted> most_silent(PartitionIndex partition, const Ages& ages) const;
  void count(const Counted& one);
  void uncount(const Counted& one);
  void drop_expired();
  void sweep_later();

  const std::string name_;
  const TopicId topic_;
  const Durability durability_;
  engine::Engine& engine_;
  runtime::Shard& shard_;
  std::shared_ptr<ProducerBudget> budget_;
  FifoLock table_lock_;
  std::unique_ptr<engine::Table> table_;
  std::map<Key, std::shared_ptr<UnderWay>> under_way_;
  std::map<PartitionIndex, Ages> ages_;
  bool sweeping_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pabal::broker
