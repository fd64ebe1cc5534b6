#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/observer.h"
#include "broker/queue.h"
#include "broker/topic.h"
#include "engine/engine.h"
#include "runtime/shards.h"

namespace pabal::broker {

class Groups;
struct GroupView;

struct BrokerOptions {
  bool auto_create_topics = true;
  TopicSettings topic_defaults = {};
  ProducerLimits producers = {};
  // Faults for tests, which must find them.
  bool settle_before_dead_letter = false;
  bool assign_before_saved = false;
};

struct ReadRequest {
  std::string topic;
  PartitionIndex partition;
  Offset from;
  size_t bytes_max = 1_MiB;
  std::optional<TopicId> id = {};  // not_found when the topic of that name is another
};

// Topics and queues, whatever door they are reached through. Owns the tables of topics, queues and producers,
// and each queue's state. Every call may come from any shard and continues there; inside, each topic and each
// queue lives on one shard. What a call changed is durable when it returns; what it shows was durable before.
// Limits are HTTP.md's.
class Broker {
 public:
  // Reads the tables; every queue and topic is usable when it returns.
  static runtime::Task<Result<std::unique_ptr<Broker>>> open(runtime::Shards& shards, engine::Engine& engine,
                                                             Observer& observer, BrokerOptions options);
  virtual ~Broker() = default;

  [[nodiscard]] virtual const BrokerOptions& options() const = 0;

  // Topics. `created` says whether it was made now, or would be.
  struct Put {
    bool created;
  };
  virtual runtime::Task<Result<Put>> put_topic(std::string name, TopicChange change) = 0;
  virtual runtime::Task<Result<TopicInfo>> topic(std::string name) = 0;
  // The name of the topic with this id, without a wait. `here` is the caller's shard.
  [[nodiscard]] virtual std::optional<std::string> topic_name(TopicId id,
                                                              const runtime::Shard& here) const = 0;
  virtual runtime::Task<Result<std::vector<TopicInfo>>> topics() = 0;  // sorted by name, internal ones too
  // With an id: not_found when the topic of that name is another.
  virtual runtime::Task<Result<void>> delete_topic(std::string name, std::optional<TopicId> id = {}) = 0;
  // Removes the records below `before` (nullopt: all) of one partition, for every reader; what a queue has
  // not settled of them is lost and counted. The partition's new first offset; what is removed already stays
  // so. invalid above the high watermark.
  virtual runtime::Task<Result<Offset>> delete_records(std::string topic, PartitionIndex partition,
                                                       std::optional<Offset> before) = 0;
  virtual runtime::Task<Result<PublishResult>> publish(Publish publish) = 0;
  // Never makes a topic. not_found: there is none; the gate's error when a queue on the topic is full.
  virtual runtime::Task<Result<AppendResult>> append(AppendBatches append) = 0;
  virtual runtime::Task<Result<engine::ReadResult>> read(ReadRequest request) = 0;
  // The first offset at or after a time, or an end of the log.
  virtual runtime::Task<Result<Offset>> find(std::string topic, PartitionIndex partition, StartPoint at) = 0;
  // Returns when any partition has grown (or was trimmed) past what `seen` says, or at the deadline.
  virtual runtime::Task<Result<void>> wait_for_records(std::string topic, std::vector<PartitionOffset> seen,
                                                       Deadline deadline) = 0;

  // Queues.
  virtual runtime::Task<Result<Put>> put_queue(std::string name, QueueChange change) = 0;
  virtual runtime::Task<Result<QueueInfo>> queue(std::string name) = 0;
  virtual runtime::Task<Result<std::vector<QueueInfo>>> queues() = 0;  // sorted by name
  virtual runtime::Task<Result<void>> delete_queue(std::string name) = 0;
  virtual runtime::Task<Result<std::vector<std::string>>> post(std::string queue,
                                                               std::vector<PostMessage> messages) = 0;
  virtual runtime::Task<Result<std::vector<Message>>> receive(Receive receive) = 0;
  // Ends the wait of the receive() with this `poll`, whose caller has gone: it gives nothing, or what was on
  // its way, which the caller then has to give back.
  virtual runtime::Task<> give_up(std::string queue, uint64_t poll) = 0;
  virtual runtime::Task<Result<std::vector<LeaseResult>>> ack(std::string queue,
                                                              std::vector<std::string> leases) = 0;
  virtual runtime::Task<Result<std::vector<LeaseResult>>> nack(std::string queue, Nack nack) = 0;
  virtual runtime::Task<Result<std::vector<LeaseResult>>> extend(std::string queue,
                                                                 std::vector<std::string> leases,
                                                                 Duration visibility) = 0;
  struct Look {
    std::string queue;
    MessageState state = MessageState::ready;
    std::optional<std::string> key = {};
    std::optional<std::string> id = {};
    int limit = 100;
  };
  virtual runtime::Task<Result<std::vector<MessageLook>>> messages(Look look) = 0;
  // Puts dead letters back; empty `ids` with `all` moves every one. `rate` is messages per second, 0 for no
  // limit.
  struct Redrive {
    std::string queue;
    std::vector<std::string> ids = {};
    bool all = false;
    double rate = 0;
  };
  virtual runtime::Task<Result<RedriveProgress>> redrive(Redrive redrive) = 0;
  virtual runtime::Task<Result<RedriveProgress>> redrive_progress(std::string queue, std::string id) = 0;
  virtual runtime::Task<Result<RedriveProgress>> stop_redrive(std::string queue, std::string id) = 0;
  virtual runtime::Task<Result<void>> pause(std::string queue) = 0;
  virtual runtime::Task<Result<void>> resume(std::string queue) = 0;
  virtual runtime::Task<Result<int64_t>> purge(std::string queue) = 0;

  // An id that no producer has had, also before a crash.
  virtual runtime::Task<Result<ProducerId>> new_producer_id() = 0;

  // Consumer groups and their committed offsets. Lives as long as the broker.
  [[nodiscard]] virtual Groups& groups() = 0;
  // Groups::views(), for those who only look.
  virtual runtime::Task<std::vector<GroupView>> group_views(size_t views_max) = 0;

  // Ends every wait with `unavailable`; after it only destruction.
  virtual runtime::Task<> stop() = 0;
};

}  // namespace pabal::broker
