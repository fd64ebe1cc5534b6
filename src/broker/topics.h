#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.h"
#include "broker/open_topic.h"
#include "broker/wakeup.h"
#include "engine/table.h"

namespace pabal::broker {

// All topics: the table that says which there are, on shard 0, and each open topic on the shard that owns it.
// Calls may come from any shard and continue there. Limits are HTTP.md's.
class Topics {
 public:
  static runtime::Task<Result<std::unique_ptr<Topics>>> open(runtime::Shards& shards, engine::Engine& engine,
                                                             Observer& observer, BrokerOptions options);

  // Until this is called (on shard 0) retention takes nothing: the queues have not said yet what they need.
  void end_start();

  runtime::Task<Result<Broker::Put>> put(std::string name, TopicChange change);
  runtime::Task<Result<TopicInfo>> info(std::string name);
  // The name of the topic with this id, as the shard knows it, without a wait. On that shard's thread.
  [[nodiscard]] std::optional<std::string> name_of(TopicId id, const runtime::Shard& here) const;
  runtime::Task<Result<std::vector<TopicInfo>>> list();
  runtime::Task<Result<void>> remove(std::string name, std::optional<TopicId> id = {});
  runtime::Task<Result<Offset>> delete_records(std::string name, PartitionIndex partition,
                                               std::optional<Offset> before);
  runtime::Task<Result<PublishResult>> publish(Publish publish);
  runtime::Task<Result<AppendResult>> append(AppendBatches append);
  runtime::Task<Result<engine::ReadResult>> read(ReadRequest request);
  runtime::Task<Result<Offset>> find(std::string name, PartitionIndex partition, StartPoint at);
  runtime::Task<Result<void>> wait_for_records(std::string name, std::vector<PartitionOffset> seen,
                                               Deadline deadline);
  // The topic's record as it stands.
  runtime::Task<Result<TopicRecord>> record(std::string name);
  // Makes the topic with the server's defaults when it is missing.
  runtime::Task<Result<TopicRecord>> make_sure(std::string name, TopicChange change);
  // Refuses publishes while `gate` does. No gate: nullptr. `gate` runs on the topic's shard.
  runtime::Task<> set_gate(std::string name, std::function<Result<void>()> gate);

  // Why something may not be done to a topic, or nothing. Runs on shard 0 under the lock that all changes
  // take.
  enum class Blow { deletion, rekey, compaction };  // rekey: more partitions, so that keys move
  using Guard = std::function<Result<void>(const std::string& name, Blow blow)>;
  void set_guard(Guard guard) { guard_ = std::move(guard); }
  // Runs on shard 0, under that lock, after a topic has got more partitions.
  using Grown = std::function<runtime::Task<bool>(std::string name, int32_t partitions)>;
  void set_grown(Grown grown) { grown_ = std::move(grown); }
  // The same, after a topic has been deleted.
  using Deleted = std::function<runtime::Task<bool>(std::string name)>;
  void set_deleted(Deleted deleted) { deleted_ = std::move(deleted); }
  [[nodiscard]] const BrokerOptions& options() const { return options_; }
  // The lock that all changes of topics and queues take, on shard 0.
  [[nodiscard]] FifoLock& lock() { return lock_; }

  runtime::Task<> stop();

 private:
  using Open = std::unordered_map<std::string, std::shared_ptr<OpenTopic>>;
  using Names = std::map<TopicId, std::string>;

  Topics(runtime::Shards& shards, engine::Engine& engine, Observer& observer, BrokerOptions options);

  [[nodiscard]] runtime::Shard& owner(const std::string& name) const;
  [[nodiscard]] runtime::Shard& keeper() const { return shards_.at(0); }  // of the table
  [[nodiscard]] Result<std::shared_ptr<OpenTopic>> find_here(const std::string& name);
  [[nodiscard]] Result<TopicRecord> stored(const std::string& name) const;
  [[nodiscard]] TopicInfo info_of(const std::string& name, const TopicRecord& record) const;
  [[nodiscard]] TopicInfo table_info() const;

  runtime::Task<Result<void>> load();
  runtime::Task<Result<void>> load_topic(std::string name, TopicRecord record);
  runtime::Task<Result<void>> forget_orphans();
  runtime::Task<Result<Broker::Put>> put_here(std::string name, TopicChange change);
  runtime::Task<Result<Broker::Put>> write(std::string name, int32_t had, TopicRecord record);
  [[nodiscard]] Result<TopicRecord> after(const std::string& name, const Result<TopicRecord>& before,
                                          const TopicChange& change) const;
  [[nodiscard]] Result<void> check_limits(int32_t more_partitions, bool one_more) const;
  runtime::Task<Result<void>> open_logs(const std::string& name, const TopicRecord& record);
  runtime::Task<> delete_logs(const std::string& name, const TopicRecord& record);
  runtime::Task<Result<void>> delete_partition(const std::string& name, engine::LogId log);
  runtime::Task<Result<void>> remove_here(std::string name, std::optional<TopicId> id);
  runtime::Task<> show(std::string name, TopicRecord record);
  runtime::Task<bool> show_here(std::string name, TopicRecord record);
  runtime::Task<bool> hide_here(std::string name);
  // Every shard is told; an empty name: the topic is gone.
  runtime::Task<> tell_name(TopicId id, std::string name);
  runtime::Task<bool> tell_name_here(size_t shard, TopicId id, const std::string& name);
  runtime::Task<bool> set_gate_here(std::string name, std::function<Result<void>()> gate);
  runtime::Task<Result<PublishResult>> publish_here(const Publish& publish);
  runtime::Task<Result<AppendResult>> append_here(AppendBatches& append);
  runtime::Task<Result<TopicInfo>> info_here(std::string name);
  runtime::Task<Result<std::vector<TopicInfo>>> list_here();
  runtime::Task<Result<TopicRecord>> record_here(std::string name);
  runtime::Task<Result<void>> wait_here(std::string name, std::vector<PartitionOffset> seen,
                                        Deadline deadline);
  runtime::Task<bool> stop_here(size_t shard);

  runtime::Shards& shards_;
  engine::Engine& engine_;
  Observer& observer_;
  BrokerOptions options_;
  std::shared_ptr<ProducerBudget> producers_;
  std::unique_ptr<engine::Table> table_;
  FifoLock lock_;
  Guard guard_;
  Grown grown_;
  Deleted deleted_;
  // By shard; each touched by its shard only.
  std::vector<Open> open_;
  std::vector<Names> names_;
};

}  // namespace pabal::broker
