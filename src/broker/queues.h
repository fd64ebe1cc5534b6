#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.h"
#include "broker/open_queue.h"
#include "broker/topics.h"

namespace pabal::broker {

// All queues: the table that says which there are, on shard 0, and each open queue on the shard that owns it.
// Calls may come from any shard and continue there. Limits are HTTP.md's.
class Queues {
 public:
  static constexpr size_t queues_max = 10'000;

  static runtime::Task<Result<std::unique_ptr<Queues>>> open(runtime::Shards& shards, engine::Engine& engine,
                                                             Observer& observer, Topics& topics,
                                                             QueueFaults faults);

  runtime::Task<Result<Broker::Put>> put(std::string name, QueueChange change);
  runtime::Task<Result<void>> remove(std::string name);
  runtime::Task<Result<std::vector<QueueInfo>>> list();
  runtime::Task<Result<void>> set_paused(std::string name, bool paused);

  // Runs `call` with the open queue on its shard; not_found when there is none. What `call` holds by
  // reference must live until this returns.
  template <class T>
  runtime::Task<Result<T>> with(std::string name,
                                std::function<runtime::Task<Result<T>>(OpenQueue& queue)> call) {
    co_return co_await runtime::on<Result<T>>(owner(name).executor(),
                                              [&] { return with_here<T>(name, call); });
  }

  runtime::Task<> stop();

 private:
  using Open = std::unordered_map<std::string, std::shared_ptr<OpenQueue>>;

  Queues(runtime::Shards& shards, engine::Engine& engine, Observer& observer, Topics& topics,
         QueueFaults faults);

  [[nodiscard]] runtime::Shard& owner(const std::string& name) const {
    return shards_.owner_of(std::hash<std::string>{}(name));
  }
  [[nodiscard]] runtime::Shard& keeper() const { return shards_.at(0); }
  [[nodiscard]] Result<QueueRecord> stored(const std::string& name) const;
  [[nodiscard]] Result<std::shared_ptr<OpenQueue>> find_here(const std::string& name) const;

  template <class T>
  runtime::Task<Result<T>> with_here(std::string name,
                                     const std::function<runtime::Task<Result<T>>(OpenQueue& queue)>& call) {
    auto queue = find_here(name);
    if (!queue) co_return std::unexpected(queue.error());
    std::shared_ptr<OpenQueue> held = *queue;
    co_return co_await call(*held);
  }

  runtime::Task<Result<void>> load();
  runtime::Task<Result<void>> forget_orphans();
  [[nodiscard]] Result<void> guard_topic(const std::string& topic, Topics::Blow blow) const;
  runtime::Task<bool> topic_grown(std::string topic, int32_t partitions);

  runtime::Task<Result<Broker::Put>> put_here(std::string name, QueueChange change);
  runtime::Task<Result<Broker::Put>> make(std::string name, QueueSettings settings);
  runtime::Task<Result<Broker::Put>> change(std::string name, QueueRecord before, QueueSettings after);
  runtime::Task<Result<void>> make_topics(std::string name, const QueueSettings& settings);
  runtime::Task<Result<void>> remove_here(std::string name);
  runtime::Task<Result<void>> set_paused_here(std::string name, bool paused);
  runtime::Task<Result<std::vector<std::string>>> names_here() const;
  runtime::Task<Result<void>> write(const std::string& name, std::optional<QueueRecord> record);
  runtime::Task<Result<OpenQueue::Starts>> starts_of(const QueueTopic& topic, StartPoint from);
  runtime::Task<Result<QueueTopic>> topic_of(std::string name);
  runtime::Task<Result<void>> open_queue(std::string name, QueueRecord record, OpenQueue::Starts starts);
  runtime::Task<Result<void>> open_here(std::string name, QueueRecord record, QueueTopic topic,
                                        QueueTopic dead, OpenQueue::Starts starts);
  enum class Closing : uint8_t { to_reopen, to_delete };
  runtime::Task<Result<void>> close_queue(std::string name, Closing closing);
  runtime::Task<Result<void>> close_here(std::string name, Closing closing);
  runtime::Task<Result<void>> delete_logs(TopicId id);
  runtime::Task<Result<void>> stop_here(size_t shard);
  static runtime::Task<Result<bool>> add_partitions(OpenQueue& queue, int32_t partitions);
  static runtime::Task<Result<bool>> set_record(OpenQueue& queue, const QueueRecord& record);
  static runtime::Task<Result<std::function<Result<void>()>>> gate_of(OpenQueue& queue);

  runtime::Shards& shards_;
  engine::Engine& engine_;
  Observer& observer_;
  Topics& topics_;
  QueueFaults faults_;
  std::unique_ptr<engine::Table> table_;
  std::vector<Open> open_;  // by shard; each touched by its shard only
};

}  // namespace pabal::broker
