#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/idempotency.h"
#include "broker/idempotent_producers.h"
#include "broker/observer.h"
#include "broker/producer_sequences.h"
#include "broker/topic.h"
#include "broker/topic_table.h"
#include "engine/commit_builder.h"
#include "engine/engine.h"
#include "engine/table.h"
#include "runtime/shards.h"

namespace pabal::broker {

// One topic on the shard that owns it: where its records go, and who has published what already. Its
// producers table is opened when the first producer or idempotency key needs it. Held by shared pointer, so
// that a publish under way outlives a deletion.
class OpenTopic {
 public:
  OpenTopic(std::string name, TopicRecord record, engine::Engine& engine, Observer& observer,
            runtime::Shard& shard, std::shared_ptr<ProducerBudget> producers)
      : name_(std::move(name)),
        record_(record),
        engine_(engine),
        observer_(observer),
        shard_(shard),
        table_lock_(shard.executor()),
        idempotent_(name_, record_.id, record_.settings.durability, engine, shard, std::move(producers)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const TopicRecord& record() const { return record_; }
  void set_settings(const TopicSettings& settings) { record_.settings = settings; }
  // When set, publishing is refused with what it returns: a queue on its own topic is full.
  void set_gate(std::function<Result<void>()> gate) { gate_ = std::move(gate); }
  [[nodiscard]] std::vector<engine::LogId> logs() const;

  // Durable when it returns.
  runtime::Task<Result<PublishResult>> publish(const Publish& publish);
  // Durable when it returns.
  runtime::Task<Result<AppendResult>> append(AppendBatches append);
  // Returns when a partition has grown or was trimmed past what `seen` says, or at the deadline; unavailable
  // when the server stops, not_found when the topic is deleted.
  runtime::Task<Result<void>> wait_for_records(std::vector<PartitionOffset> seen, Deadline deadline);
  // The partition for a record without one.
  [[nodiscard]] PartitionIndex choose_partition(const log::RecordView& record);
  // Ends every wait; publishes under way go on.
  void end_waits();
  runtime::Task<> stop();

 private:
  // Where each record of a call goes; nullopt: it is stored already.
  using Places = std::vector<std::optional<PartitionIndex>>;
  runtime::Task<Result<PublishResult>> publish_idempotent(const Publish& publish);
  runtime::Task<Result<PublishResult>> publish_in_sequence(const Publish& publish);
  runtime::Task<Result<PublishResult>> store(const Publish& publish, engine::Commit commit,
                                             const Places& places, engine::TableChanges changes);
  struct Arrived;
  [[nodiscard]] Result<OwnedBytes> batch_to_store(const SharedBytes& sent) const;
  [[nodiscard]] Result<void> check_partition(PartitionIndex wanted, bool twice) const;
  [[nodiscard]] std::vector<Arrived> sound_batches(AppendBatches& append, AppendResult& result) const;
  runtime::Task<Result<engine::CommitResult>> commit_claim(IdempotentProducers::Claim& claim,
                                                           engine::Commit commit);
  runtime::Task<> commit_batches(const std::string& service, std::vector<Arrived>& arrived,
                                 AppendResult& result);
  [[nodiscard]] bool take_batch(Arrived& batch, IdempotentProducers::Claim& claim, AppendResult& result);
  void tell(const std::string& service, const Arrived& stored, Offset base, Duration durable_in) const;
  [[nodiscard]] Result<void> check_publish(const Publish& publish) const;
  Places place(const Publish& publish, const std::vector<bool>& stored);
  [[nodiscard]] engine::Commit collect(const Publish& publish, const Places& places) const;
  [[nodiscard]] Result<StoredShape> shape_of(const engine::Commit& commit, const Places& places) const;
  runtime::Task<Result<void>> open_table();
  [[nodiscard]] Result<bool> has_news(const std::vector<PartitionOffset>& seen) const;
  void tell(const Publish& publish, const PublishResult& result, Duration durable_in) const;

  std::string name_;
  TopicRecord record_;
  engine::Engine& engine_;
  Observer& observer_;
  runtime::Shard& shard_;
  std::function<Result<void>()> gate_;
  int32_t next_partition_ = 0;  // for records without a key
  bool stopping_ = false;
  std::set<Wakeup*> waiting_;
  FifoLock table_lock_;
  std::unique_ptr<engine::Table> table_;
  std::optional<IdempotencyKeys> keys_;
  std::optional<ProducerSequences> sequences_;
  IdempotentProducers idempotent_;
};

}  // namespace pabal::broker
