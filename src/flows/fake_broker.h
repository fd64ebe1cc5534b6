#pragma once

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "broker/broker.h"
#include "broker/groups.h"
#include "log/record_batch.h"

namespace pabal::flows {

// For tests: topics and queues as a test sets them, and queues that really lease, ack and nack (without
// backoff, unless a delay is given). One thread.
class FakeBroker final : public broker::Broker {
 public:
  explicit FakeBroker(runtime::Timers& timers) : timers_(timers) {}

  std::vector<broker::TopicInfo> topic_list;
  std::vector<broker::QueueInfo> queue_list;
  std::vector<broker::GroupView> group_list;
  std::map<std::string, std::vector<Bytes>> batches;  // by topic, of partition 0
  std::vector<broker::MessageLook> dead_letters;
  int queues_asked = 0;

  // What has become of messages, as lines: "acked 1", "nacked 2: reason", "dead 3: …", "returned 4: …".
  std::vector<std::string> settled;
  std::set<std::string> paused;
  std::vector<broker::Receive> received;

  broker::QueueInfo& add_queue(std::string name, std::string topic) {
    broker::QueueInfo info;
    info.name = std::move(name);
    info.settings.topic = std::move(topic);
    return queue_list.emplace_back(std::move(info));
  }
  void add_topic(std::string name) {
    broker::TopicInfo info{.id = {}, .name = std::move(name), .settings = {}, .partitions = {}};
    info.partitions.push_back({PartitionIndex(0), {Offset(0), Offset(0), 0}});
    topic_list.push_back(std::move(info));
  }
  // One batch of one record each.
  void store(const std::string& topic, const log::RecordView& record) {
    auto& info = *std::ranges::find(topic_list, topic, &broker::TopicInfo::name);
    log::BatchBuilder builder;
    builder.add(record);
    Bytes batch = builder.finish();
    log::set_base_offset(batch, info.partitions[0].range.next);
    info.partitions[0].range.next = info.partitions[0].range.next + 1;
    info.partitions[0].range.bytes += batch.size();
    batches[topic].push_back(std::move(batch));
  }
  void put_message(broker::Message message) {
    waiting_.push_back({timers_.clock().now(), std::move(message)});
  }
  [[nodiscard]] size_t waiting() const { return waiting_.size(); }

  runtime::Task<Result<std::vector<broker::TopicInfo>>> topics() override { co_return topic_list; }
  runtime::Task<Result<std::vector<broker::QueueInfo>>> queues() override {
    ++queues_asked;
    co_return queue_list;
  }
  runtime::Task<Result<broker::QueueInfo>> queue(std::string name) override {
    auto found = std::ranges::find(queue_list, name, &broker::QueueInfo::name);
    if (found == queue_list.end()) co_return error(ErrorCode::not_found, "no queue {}", name);
    co_return *found;
  }
  runtime::Task<Result<engine::ReadResult>> read(broker::ReadRequest request) override {
    auto& info = *std::ranges::find(topic_list, request.topic, &broker::TopicInfo::name);
    engine::ReadResult result{{}, info.partitions[0].range};
    for (const auto& batch : batches[request.topic]) {
      auto view = log::BatchView::parse(batch);
      if (view->last_offset() >= request.from) result.batches.emplace_back(Bytes(batch));
    }
    co_return result;
  }
  runtime::Task<Result<std::vector<broker::MessageLook>>> messages(Look) override { co_return dead_letters; }

  runtime::Task<> give_up(std::string, uint64_t) override { co_return; }
  runtime::Task<Result<std::vector<broker::Message>>> receive(broker::Receive receive) override {
    received.push_back(receive);
    Instant end = timers_.clock().now() + receive.wait;
    while (true) {
      if (!exists(receive.queue)) co_return error(ErrorCode::not_found, "no queue {}", receive.queue);
      auto messages = take(receive);
      if (stopped_) co_return error(ErrorCode::unavailable, "stopping");
      if (!messages.empty() || timers_.clock().now() >= end) co_return messages;
      co_await runtime::sleep_for(timers_, std::chrono::milliseconds(10));
    }
  }
  runtime::Task<Result<std::vector<broker::LeaseResult>>> ack(std::string,
                                                              std::vector<std::string> leases) override {
    for (const auto& lease : leases) settle("acked", lease, "", std::nullopt);
    co_return std::vector<broker::LeaseResult>{};
  }
  runtime::Task<Result<std::vector<broker::LeaseResult>>> nack(std::string, broker::Nack nack) override {
    for (const auto& lease : nack.leases) {
      settle(nack.dead     ? "dead"
             : nack.counts ? "nacked"
                           : "returned",
             lease, nack.reason,
             nack.dead ? std::nullopt : std::optional(nack.delay.value_or(std::chrono::seconds(1))));
    }
    co_return std::vector<broker::LeaseResult>{};
  }
  runtime::Task<Result<void>> pause(std::string queue) override {
    paused.insert(queue);
    co_return Result<void>{};
  }
  runtime::Task<Result<ProducerId>> new_producer_id() override { co_return ProducerId(1); }
  broker::Groups& groups() override { check(false, "no groups here"), std::abort(); }
  runtime::Task<std::vector<broker::GroupView>> group_views(size_t) override { co_return group_list; }
  runtime::Task<> stop() override {
    stopped_ = true;
    co_return;
  }

  // Not asked by what is tested with this.
  const broker::BrokerOptions& options() const override { return options_; }
  std::optional<std::string> topic_name(TopicId, const runtime::Shard&) const override { return {}; }
  runtime::Task<Result<Put>> put_topic(std::string, broker::TopicChange) override { return none<Put>(); }
  runtime::Task<Result<Offset>> delete_records(std::string, PartitionIndex, std::optional<Offset>) override {
    return none<Offset>();
  }
  runtime::Task<Result<broker::TopicInfo>> topic(std::string) override { return none<broker::TopicInfo>(); }
  runtime::Task<Result<void>> delete_topic(std::string, std::optional<TopicId>) override {
    return none<void>();
  }
  runtime::Task<Result<broker::PublishResult>> publish(broker::Publish) override {
    return none<broker::PublishResult>();
  }
  runtime::Task<Result<broker::AppendResult>> append(broker::AppendBatches) override {
    return none<broker::AppendResult>();
  }
  runtime::Task<Result<Offset>> find(std::string, PartitionIndex, broker::StartPoint) override {
    return none<Offset>();
  }
  runtime::Task<Result<void>> wait_for_records(std::string, std::vector<broker::PartitionOffset>,
                                               Deadline) override {
    return none<void>();
  }
  runtime::Task<Result<Put>> put_queue(std::string, broker::QueueChange) override { return none<Put>(); }
  runtime::Task<Result<void>> delete_queue(std::string) override { return none<void>(); }
  runtime::Task<Result<std::vector<std::string>>> post(std::string,
                                                       std::vector<broker::PostMessage>) override {
    return none<std::vector<std::string>>();
  }
  runtime::Task<Result<std::vector<broker::LeaseResult>>> extend(std::string, std::vector<std::string>,
                                                                 Duration) override {
    return none<std::vector<broker::LeaseResult>>();
  }
  runtime::Task<Result<broker::RedriveProgress>> redrive(Redrive) override {
    return none<broker::RedriveProgress>();
  }
  runtime::Task<Result<broker::RedriveProgress>> redrive_progress(std::string, std::string) override {
    return none<broker::RedriveProgress>();
  }
  runtime::Task<Result<broker::RedriveProgress>> stop_redrive(std::string, std::string) override {
    return none<broker::RedriveProgress>();
  }
  runtime::Task<Result<void>> resume(std::string queue) override {
    paused.erase(queue);
    co_return Result<void>{};
  }
  runtime::Task<Result<int64_t>> purge(std::string) override { return none<int64_t>(); }

 private:
  template <class T>
  static runtime::Task<Result<T>> none() {
    co_return error(ErrorCode::unsupported, "the fake does not do this");
  }

  bool exists(const std::string& queue) const {
    return std::ranges::find(queue_list, queue, &broker::QueueInfo::name) != queue_list.end();
  }

  std::vector<broker::Message> take(const broker::Receive& receive) {
    std::vector<broker::Message> out;
    if (paused.contains(receive.queue)) return out;
    for (auto it = waiting_.begin(); it != waiting_.end() && out.size() < static_cast<size_t>(receive.max);) {
      if (it->first > timers_.clock().now()) {
        ++it;
        continue;
      }
      broker::Message message = it->second;
      message.lease = "lease-" + message.id;
      leased_.emplace(message.lease, std::move(it->second));
      out.push_back(std::move(message));
      it = waiting_.erase(it);
    }
    return out;
  }

  void settle(const std::string& how, const std::string& lease, const std::string& reason,
              std::optional<Duration> again_after) {
    auto leased = leased_.find(lease);
    check(leased != leased_.end(), "no such lease: {}", lease);
    settled.push_back(how + " " + leased->second.id + (reason.empty() ? "" : ": " + reason));
    if (again_after) {
      if (how == "nacked") ++leased->second.delivery;
      auto entry = std::pair(timers_.clock().now() + *again_after, std::move(leased->second));
      waiting_.insert(waiting_.begin(), std::move(entry));
    }
    leased_.erase(leased);
  }

  broker::BrokerOptions options_;
  runtime::Timers& timers_;
  std::deque<std::pair<Instant, broker::Message>> waiting_;
  std::map<std::string, broker::Message> leased_;
  bool stopped_ = false;
};

}  // namespace pabal::flows
