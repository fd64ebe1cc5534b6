#include "broker/broker.h"

#include "broker/groups.h"
#include "broker/producer_ids.h"
#include "broker/queues.h"
#include "broker/topics.h"

namespace pabal::broker {
namespace {

using runtime::Task;

class BrokerImpl final : public Broker {
 public:
  BrokerImpl(std::unique_ptr<Topics> topics, std::unique_ptr<Queues> queues, std::unique_ptr<Groups> groups,
             std::unique_ptr<ProducerIds> producer_ids)
      : topics_(std::move(topics)),
        queues_(std::move(queues)),
        groups_(std::move(groups)),
        producer_ids_(std::move(producer_ids)) {}

  const BrokerOptions& options() const override { return topics_->options(); }
  Task<Result<Put>> put_topic(std::string name, TopicChange change) override {
    return topics_->put(std::move(name), change);
  }
  Task<Result<TopicInfo>> topic(std::string name) override { return topics_->info(std::move(name)); }
  std::optional<std::string> topic_name(TopicId id, const runtime::Shard& here) const override {
    return topics_->name_of(id, here);
  }
  Task<Result<std::vector<TopicInfo>>> topics() override { return topics_->list(); }
  Task<Result<void>> delete_topic(std::string name, std::optional<TopicId> id) override {
    return topics_->remove(std::move(name), id);
  }
  Task<Result<Offset>> delete_records(std::string topic, PartitionIndex partition,
                                      std::optional<Offset> before) override {
    return topics_->delete_records(std::move(topic), partition, before);
  }
  Task<Result<PublishResult>> publish(Publish publish) override {
    return topics_->publish(std::move(publish));
  }
  Task<Result<AppendResult>> append(AppendBatches append) override {
    return topics_->append(std::move(append));
  }
  Task<Result<engine::ReadResult>> read(ReadRequest request) override {
    return topics_->read(std::move(request));
  }
  Task<Result<Offset>> find(std::string topic, PartitionIndex partition, StartPoint at) override {
    return topics_->find(std::move(topic), partition, at);
  }
  Task<Result<void>> wait_for_records(std::string topic, std::vector<PartitionOffset> seen,
                                      Deadline deadline) override {
    return topics_->wait_for_records(std::move(topic), std::move(seen), deadline);
  }

  Task<Result<Put>> put_queue(std::string name, QueueChange change) override {
    return queues_->put(std::move(name), std::move(change));
  }
  Task<Result<QueueInfo>> queue(std::string name) override {
    co_return co_await queues_->with<QueueInfo>(name, [](OpenQueue& q) { return q.info(); });
  }
  Task<Result<std::vector<QueueInfo>>> queues() override { return queues_->list(); }
  Task<Result<void>> delete_queue(std::string name) override { return queues_->remove(std::move(name)); }
  Task<Result<std::vector<std::string>>> post(std::string queue, std::vector<PostMessage> messages) override {
    co_return co_await queues_->with<std::vector<std::string>>(
        queue, [&](OpenQueue& q) { return q.post(messages); });
  }
  Task<Result<std::vector<Message>>> receive(Receive receive) override {
    co_return co_await queues_->with<std::vector<Message>>(receive.queue,
                                                           [&](OpenQueue& q) { return q.receive(receive); });
  }
  Task<> give_up(std::string queue, uint64_t poll) override {
    (void)co_await queues_->with<bool>(queue,
                                       [&](OpenQueue& q) { return now([&] { return q.give_up(poll); }); });
  }
  Task<Result<std::vector<LeaseResult>>> ack(std::string queue, std::vector<std::string> leases) override {
    if (auto fine = check_count(leases); !fine) co_return std::unexpected(fine.error());
    co_return co_await queues_->with<std::vector<LeaseResult>>(queue,
                                                               [&](OpenQueue& q) { return q.ack(leases); });
  }
  Task<Result<std::vector<LeaseResult>>> nack(std::string queue, Nack nack) override {
    if (auto fine = check_count(nack.leases); !fine) co_return std::unexpected(fine.error());
    co_return co_await queues_->with<std::vector<LeaseResult>>(queue,
                                                               [&](OpenQueue& q) { return q.nack(nack); });
  }
  Task<Result<std::vector<LeaseResult>>> extend(std::string queue, std::vector<std::string> leases,
                                                Duration visibility) override {
    if (auto fine = check_count(leases); !fine) co_return std::unexpected(fine.error());
    co_return co_await queues_->with<std::vector<LeaseResult>>(
        queue, [&](OpenQueue& q) { return now([&] { return q.extend(leases, visibility); }); });
  }
  Task<Result<std::vector<MessageLook>>> messages(Look look) override {
    co_return co_await queues_->with<std::vector<MessageLook>>(look.queue,
                                                               [&](OpenQueue& q) { return q.look(look); });
  }
  Task<Result<RedriveProgress>> redrive(Redrive redrive) override {
    co_return co_await queues_->with<RedriveProgress>(
        redrive.queue, [&](OpenQueue& q) { return now([&] { return q.redrives().start(redrive); }); });
  }
  Task<Result<RedriveProgress>> redrive_progress(std::string queue, std::string id) override {
    co_return co_await queues_->with<RedriveProgress>(
        queue, [&](OpenQueue& q) { return now([&] { return q.redrives().progress(id); }); });
  }
  Task<Result<RedriveProgress>> stop_redrive(std::string queue, std::string id) override {
    co_return co_await queues_->with<RedriveProgress>(
        queue, [&](OpenQueue& q) { return now([&] { return q.redrives().stop(id); }); });
  }
  Task<Result<void>> pause(std::string queue) override { return queues_->set_paused(std::move(queue), true); }
  Task<Result<void>> resume(std::string queue) override {
    return queues_->set_paused(std::move(queue), false);
  }
  Task<Result<int64_t>> purge(std::string queue) override {
    co_return co_await queues_->with<int64_t>(queue, [](OpenQueue& q) { return q.purge(); });
  }

  Task<Result<ProducerId>> new_producer_id() override { return producer_ids_->next(); }

  Groups& groups() override { return *groups_; }
  Task<std::vector<GroupView>> group_views(size_t views_max) override { return groups_->views(views_max); }

  Task<> stop() override {
    co_await groups_->stop();
    co_await queues_->stop();
    co_await topics_->stop();
    co_await producer_ids_->stop();
  }

 private:
  static constexpr size_t leases_per_call_max = 10'000;

  static Result<void> check_count(const std::vector<std::string>& leases) {
    if (leases.size() <= leases_per_call_max) return {};
    return error(ErrorCode::too_large, "{} leases in one call, at most {}", leases.size(),
                 leases_per_call_max);
  }

  // A coroutine around a call that has its answer at once. `call` must live until the coroutine is awaited.
  template <class F>
  static Task<std::invoke_result_t<F>> now(F call) {
    co_return call();
  }

  std::unique_ptr<Topics> topics_;
  std::unique_ptr<Queues> queues_;
  std::unique_ptr<Groups> groups_;
  std::unique_ptr<ProducerIds> producer_ids_;
};

}  // namespace

Task<Result<std::unique_ptr<Broker>>> Broker::open(runtime::Shards& shards, engine::Engine& engine,
                                                   Observer& observer, BrokerOptions options) {
  QueueFaults faults{.settle_before_dead_letter = options.settle_before_dead_letter};
  auto topics = co_await Topics::open(shards, engine, observer, options);
  if (!topics) co_return std::unexpected(topics.error());
  auto queues = co_await Queues::open(shards, engine, observer, **topics, faults);
  if (!queues) co_return std::unexpected(queues.error());
  auto groups =
      co_await Groups::open(shards, engine, **topics, {.assign_before_saved = options.assign_before_saved});
  if (!groups) co_return std::unexpected(groups.error());
  co_return std::make_unique<BrokerImpl>(std::move(*topics), std::move(*queues), std::move(*groups),
                                         std::make_unique<ProducerIds>(shards.at(0), engine));
}

}  // namespace pabal::broker
