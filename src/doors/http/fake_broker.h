#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "broker/broker.h"
#include "broker/groups.h"
#include "log/record_batch.h"
#include "runtime/http.h"

namespace pabal::doors {

// A broker for the door's tests: topics are lists in memory, what is asked of queues is written down and
// answered with what the test put there. With `failure` every call fails. One thread.
class FakeBroker final : public broker::Broker {
 public:
  template <class T>
  using Task = runtime::Task<Result<T>>;

  struct Topic {
    std::vector<std::vector<Bytes>> partitions = {{}};  // one batch with one record each, by offset
    int64_t first = 0;
    broker::TopicSettings settings = {};
  };
  std::map<std::string, Topic> topics_by_name = {};
  std::map<std::string, broker::QueueInfo> queues_by_name = {};
  std::optional<Error> failure = {};

  // What was asked last.
  broker::TopicChange topic_change = {};
  broker::QueueChange queue_change = {};
  std::optional<broker::Idempotency> idempotency = {};
  std::string producer = {};
  std::string service = {};
  std::optional<int64_t> sequence = {};
  std::vector<std::optional<int64_t>> sequences = {};
  std::vector<broker::PostMessage> posted = {};
  broker::Receive received = {};
  std::vector<std::string> leases = {};
  broker::Nack nacked = {};
  Duration extended = {};
  Look looked = {};
  Redrive redriven = {};
  std::string called = {};
  uint64_t given_up = 0;

  // What is answered.
  std::vector<broker::Message> messages_to_give = {};
  std::vector<broker::LeaseResult> lease_results = {};
  std::vector<broker::MessageLook> looks = {};
  std::shared_ptr<runtime::HangUp> hangs_up_while_it_waits = {};

  broker::BrokerOptions broker_options = {};
  const broker::BrokerOptions& options() const override { return broker_options; }
  std::optional<std::string> topic_name(TopicId, const runtime::Shard&) const override {
    return std::nullopt;
  }
  Task<Put> put_topic(std::string name, broker::TopicChange change) override {
    if (failure) co_return std::unexpected(*failure);
    topic_change = change;
    bool created = topics_by_name.try_emplace(name).second;
    topics_by_name[name].partitions.resize(static_cast<size_t>(change.partitions.value_or(1)));
    co_return Put{created};
  }
  Task<broker::TopicInfo> topic(std::string name) override {
    if (failure) co_return std::unexpected(*failure);
    auto found = topics_by_name.find(name);
    if (found == topics_by_name.end()) co_return error(ErrorCode::not_found, "there is no topic '{}'", name);
    co_return info(name, found->second);
  }
  Task<std::vector<broker::TopicInfo>> topics() override {
    if (failure) co_return std::unexpected(*failure);
    std::vector<broker::TopicInfo> all;
    for (const auto& [name, topic] : topics_by_name) all.push_back(info(name, topic));
    co_return all;
  }
  Task<Offset> delete_records(std::string name, PartitionIndex partition,
                              std::optional<Offset> before) override {
    if (failure) co_return std::unexpected(*failure);
    called = fmt::format("delete_records {} {} {}", name, partition, before.value_or(Offset(-1)));
    co_return before.value_or(Offset(100));
  }
  Task<void> delete_topic(std::string name, std::optional<TopicId>) override {
    if (failure) co_return std::unexpected(*failure);
    if (topics_by_name.erase(name) == 0)
      co_return error(ErrorCode::not_found, "there is no topic '{}'", name);
    co_return Result<void>();
  }
  Task<broker::PublishResult> publish(broker::Publish publish) override {
    if (failure) co_return std::unexpected(*failure);
    producer = publish.producer, sequence = publish.sequence, idempotency = publish.idempotency;
    service = publish.service;
    broker::PublishResult result;
    sequences.clear();
    for (const broker::PublishRecord& r : publish.records) {
      sequences.push_back(r.sequence);
      if (r.sequence == 0) {  // plays "stored already"
        result.emplace_back(std::nullopt);
        continue;
      }
      PartitionIndex partition = r.partition.value_or(PartitionIndex(0));
      auto& log = topics_by_name[publish.topic].partitions.at(static_cast<size_t>(partition.value()));
      log::BatchBuilder batch;
      batch.add(r.record);
      log.push_back(batch.finish());
      Offset offset(static_cast<int64_t>(log.size()) - 1);
      log::set_base_offset(log.back(), offset);
      result.emplace_back(broker::Stored{partition, offset});
    }
    co_return result;
  }
  Task<broker::AppendResult> append(broker::AppendBatches) override {
    co_return error(ErrorCode::unsupported, "the HTTP door does not append batches");
  }
  Task<engine::ReadResult> read(broker::ReadRequest request) override {
    const Topic& topic = topics_by_name.at(request.topic);
    const auto& log = topic.partitions.at(static_cast<size_t>(request.partition.value()));
    if (request.from.value() < topic.first) co_return error(ErrorCode::not_found, "{} is gone", request.from);
    engine::ReadResult result;
    for (auto i = static_cast<size_t>(request.from.value()); i < log.size() && result.batches.size() < 3;
         ++i) {
      result.batches.emplace_back(log[i]);
    }
    co_return result;
  }
  Task<Offset> find(std::string topic, PartitionIndex partition, broker::StartPoint at) override {
    const auto& log = topics_by_name.at(topic).partitions.at(static_cast<size_t>(partition.value()));
    if (at == broker::StartPoint(broker::StartAt::earliest)) co_return Offset(0);
    if (at == broker::StartPoint(broker::StartAt::latest)) co_return Offset(static_cast<int64_t>(log.size()));
    int64_t offset = 0;
    for (const Bytes& batch : log) {
      if (log::BatchView::parse(batch)->max_timestamp() >= std::get<WallTime>(at)) break;
      ++offset;
    }
    co_return Offset(offset);
  }
  Task<void> wait_for_records(std::string, std::vector<broker::PartitionOffset>, Deadline) override {
    co_return error(ErrorCode::unavailable, "stopping");
  }
  Task<Put> put_queue(std::string name, broker::QueueChange change) override {
    if (failure) co_return std::unexpected(*failure);
    queue_change = change;
    bool created = queues_by_name.try_emplace(name).second;
    broker::QueueInfo& queue = queues_by_name[name];
    queue.name = name;
    if (change.push) queue.settings.push = *change.push;
    if (change.backoff) queue.settings.backoff = *change.backoff;
    if (change.filter) queue.settings.filter = *change.filter;
    co_return Put{created};
  }
  Task<broker::QueueInfo> queue(std::string name) override {
    if (failure) co_return std::unexpected(*failure);
    auto found = queues_by_name.find(name);
    if (found == queues_by_name.end()) co_return error(ErrorCode::not_found, "there is no queue '{}'", name);
    co_return found->second;
  }
  Task<std::vector<broker::QueueInfo>> queues() override {
    if (failure) co_return std::unexpected(*failure);
    std::vector<broker::QueueInfo> all;
    for (const auto& [name, queue] : queues_by_name) all.push_back(queue);
    co_return all;
  }
  Task<void> delete_queue(std::string name) override { return done("delete_queue " + name); }
  Task<std::vector<std::string>> post(std::string queue, std::vector<broker::PostMessage> messages) override {
    if (failure) co_return std::unexpected(*failure);
    posted = std::move(messages);
    std::vector<std::string> ids;
    for (size_t i = 0; i < posted.size(); ++i) ids.push_back(queue + "/" + std::to_string(i));
    co_return ids;
  }
  Task<std::vector<broker::Message>> receive(broker::Receive receive) override {
    if (failure) co_return std::unexpected(*failure);
    received = receive;
    if (hangs_up_while_it_waits) hangs_up_while_it_waits->set();
    co_return messages_to_give;
  }
  runtime::Task<> give_up(std::string queue, uint64_t poll) override {
    called = "give_up " + queue;
    given_up = poll;
    co_return;
  }
  Task<std::vector<broker::LeaseResult>> ack(std::string, std::vector<std::string> given) override {
    return settle(std::move(given));
  }
  Task<std::vector<broker::LeaseResult>> nack(std::string, broker::Nack nack) override {
    nacked = nack;
    return settle(nack.leases);
  }
  Task<std::vector<broker::LeaseResult>> extend(std::string, std::vector<std::string> given,
                                                Duration visibility) override {
    extended = visibility;
    return settle(std::move(given));
  }
  Task<std::vector<broker::MessageLook>> messages(Look look) override {
    if (failure) co_return std::unexpected(*failure);
    looked = look;
    co_return looks;
  }
  Task<broker::RedriveProgress> redrive(Redrive redrive) override {
    redriven = std::move(redrive);
    return progress("r1");
  }
  Task<broker::RedriveProgress> redrive_progress(std::string, std::string id) override {
    return progress(std::move(id));
  }
  Task<broker::RedriveProgress> stop_redrive(std::string, std::string id) override {
    return progress(std::move(id));
  }
  Task<void> pause(std::string queue) override { return done("pause " + queue); }
  Task<void> resume(std::string queue) override { return done("resume " + queue); }
  Task<int64_t> purge(std::string queue) override {
    called = "purge " + queue;
    if (failure) co_return std::unexpected(*failure);
    co_return 3;
  }
  Task<ProducerId> new_producer_id() override { co_return ProducerId(1); }
  broker::Groups& groups() override { check(false, "no groups here"), std::abort(); }
  runtime::Task<std::vector<broker::GroupView>> group_views(size_t) override {
    co_return std::vector<broker::GroupView>{};
  }
  runtime::Task<> stop() override { co_return; }

 private:
  static broker::TopicInfo info(const std::string& name, const Topic& topic) {
    broker::TopicInfo info{.id = {}, .name = name, .settings = topic.settings, .partitions = {}};
    int32_t index = 0;
    for (const auto& log : topic.partitions) {
      engine::LogRange range{Offset(topic.first), Offset(static_cast<int64_t>(log.size())), 100};
      info.partitions.push_back({PartitionIndex(index++), range});
    }
    return info;
  }
  Task<void> done(std::string what) {
    called = std::move(what);
    if (failure) co_return std::unexpected(*failure);
    co_return Result<void>();
  }
  Task<std::vector<broker::LeaseResult>> settle(std::vector<std::string> given) {
    leases = std::move(given);
    if (failure) co_return std::unexpected(*failure);
    co_return lease_results;
  }
  Task<broker::RedriveProgress> progress(std::string id) {
    if (failure) co_return std::unexpected(*failure);
    co_return broker::RedriveProgress{std::move(id), broker::RedriveProgress::State::running, 5, 2};
  }
};

}  // namespace pabal::doors
