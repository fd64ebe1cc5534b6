#include "broker/open_topic.h"

#include <algorithm>

#include "base/check.h"
#include "broker/partitioner.h"
#include "broker/record_limits.h"

namespace pabal::broker {
namespace {

std::unexpected<Error> bad_record(size_t index, ErrorCode code, std::string_view field,
                                  const std::string& problem) {
  std::string path = fmt::format("records[{}]{}{}", index, field.empty() ? "" : ".", field);
  return std::unexpected(Error{code, fmt::format("{}: {}", path, problem), {{path, problem}}});
}

Result<void> check_sizes(size_t index, const log::RecordView& record, size_t bytes_max) {
  auto found = find_too_large(record, std::min(bytes_max, record_bytes_max));
  if (!found) return {};
  return bad_record(index, ErrorCode::too_large, found->field, found->problem);
}

}  // namespace

std::vector<engine::LogId> OpenTopic::logs() const {
  std::vector<engine::LogId> all;
  for (int32_t i = 0; i < record_.settings.partitions; ++i) {
    all.push_back(partition_log(record_.id, PartitionIndex(i)));
  }
  return all;
}

Result<void> OpenTopic::check_publish(const Publish& publish) const {
  if (publish.records.empty()) return error(ErrorCode::invalid, "no records");
  if (publish.records.size() > records_per_publish_max) {
    return error(ErrorCode::too_large, "{} records in one call, at most {}", publish.records.size(),
                 records_per_publish_max);
  }
  if (!publish.producer.empty() && publish.idempotency) {
    return error(ErrorCode::invalid, "either a producer's sequence or an idempotency key, not both");
  }
  if (publish.producer.size() > producer_name_bytes_max) {
    return error(ErrorCode::invalid, "a producer's name of {} bytes, at most {}", publish.producer.size(),
                 producer_name_bytes_max);
  }
  for (size_t i = 0; i < publish.records.size(); ++i) {
    const PublishRecord& record = publish.records[i];
    if (auto sound = check_sizes(i, record.record, record_.settings.message_bytes_max); !sound) return sound;
    if (compacts(record_.settings.cleanup) && !record.record.key) {
      return bad_record(
          i, ErrorCode::invalid, "key",
          fmt::format("it is missing; {} is compacted: of each key the latest record is kept", name_));
    }
    int32_t partitions = record_.settings.partitions;
    if (record.partition && (record.partition->value() < 0 || record.partition->value() >= partitions)) {
      return bad_record(
          i, ErrorCode::invalid, "partition",
          fmt::format("{}: {} has partitions 0 to {}", *record.partition, name_, partitions - 1));
    }
    if (publish.producer.empty() && (record.sequence || publish.sequence)) {
      return error(ErrorCode::invalid, "a sequence needs the producer it belongs to (Pabal-Producer)");
    }
  }
  return {};
}

PartitionIndex OpenTopic::choose_partition(const log::RecordView& record) {
  if (record.key) return partition_of_key(*record.key, record_.settings.partitions);
  next_partition_ = (next_partition_ + 1) % record_.settings.partitions;
  return PartitionIndex(next_partition_);
}

OpenTopic::Places OpenTopic::place(const Publish& publish, const std::vector<bool>& stored) {
  Places places(publish.records.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const PublishRecord& record = publish.records[i];
    if (stored[i]) places[i] = record.partition ? *record.partition : choose_partition(record.record);
  }
  return places;
}

engine::Commit OpenTopic::collect(const Publish& publish, const Places& places) const {
  WallTime now = shard_.timers().clock().wall_now();
  engine::CommitBuilder commit;
  for (size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) continue;
    log::RecordView record = publish.records[i].record;
    if (record.timestamp == WallTime{} || record_.settings.timestamps == Timestamps::append) {
      record.timestamp = now;
    }
    commit.add(partition_log(record_.id, *places[i]), record);
  }
  return commit.finish();
}

Result<StoredShape> OpenTopic::shape_of(const engine::Commit& commit, const Places& places) const {
  StoredShape shape;
  for (const engine::LogAppend& append : commit.appends) {
    auto range = engine_.range(append.log);
    if (!range) return std::unexpected(range.error());
    shape.parts.push_back({append.log.partition, range->next, crc_of(append.batch)});
  }
  for (const auto& place : places) shape.records.push_back(*place);
  return shape;
}

runtime::Task<Result<PublishResult>> OpenTopic::publish(const Publish& publish) {
  if (auto sound = check_publish(publish); !sound) co_return std::unexpected(sound.error());
  if (gate_) {
    if (auto open = gate_(); !open) co_return std::unexpected(open.error());
  }
  if (!publish.producer.empty()) co_return co_await publish_in_sequence(publish);
  if (publish.idempotency) co_return co_await publish_idempotent(publish);
  Places places = place(publish, std::vector<bool>(publish.records.size(), true));
  co_return co_await store(publish, collect(publish, places), places, {});
}

runtime::Task<Result<PublishResult>> OpenTopic::publish_in_sequence(const Publish& publish) {
  if (auto ready = co_await open_table(); !ready) co_return std::unexpected(ready.error());
  FifoLock::Turn turn = co_await sequences_->take_turn(publish.producer, shard_.timers());
  auto plan = sequences_->plan(publish);
  if (!plan) co_return std::unexpected(plan.error());
  if (!plan->highest) co_return PublishResult(publish.records.size());
  Places places = place(publish, plan->stored);
  co_return co_await store(publish, collect(publish, places), places,
                           {ProducerSequences::remember(publish.producer, *plan->highest)});
}

runtime::Task<Result<PublishResult>> OpenTopic::publish_idempotent(const Publish& publish) {
  if (auto ready = co_await open_table(); !ready) co_return std::unexpected(ready.error());
  auto begin = keys_->begin(*publish.idempotency);
  if (!begin) co_return std::unexpected(begin.error());
  if (begin->stored) co_return co_await find_answer(engine_, record_.id, std::move(*begin->stored));
  Places places = place(publish, std::vector<bool>(publish.records.size(), true));
  engine::Commit commit = collect(publish, places);
  auto shape = shape_of(commit, places);
  if (!shape) co_return std::unexpected(shape.error());
  WallTime now = shard_.timers().clock().wall_now();
  co_return co_await store(publish, std::move(commit), places,
                           {IdempotencyKeys::remember(*publish.idempotency, *shape, now)});
}

// One commit of records and changes. The records' batches come first in it.
runtime::Task<Result<PublishResult>> OpenTopic::store(const Publish& publish, engine::Commit commit,
                                                      const Places& places, engine::TableChanges changes) {
  Instant start = shard_.timers().clock().now();
  std::vector<PartitionIndex> partitions;
  for (const engine::LogAppend& append : commit.appends) partitions.push_back(append.log.partition);
  std::optional<engine::Table::Staged> staged;
  if (!changes.empty()) {
    engine::CommitBuilder builder;
    auto result = table_->stage(builder, std::move(changes));
    if (!result) co_return std::unexpected(result.error());
    staged.emplace(std::move(*result));
    for (engine::LogAppend& append : builder.finish().appends) commit.appends.push_back(std::move(append));
  }
  auto done = co_await engine_.commit(std::move(commit));
  if (!done) co_return std::unexpected(done.error());
  if (staged) table_->apply(std::move(*staged));
  std::map<PartitionIndex, Offset> next;
  for (size_t i = 0; i < partitions.size(); ++i) next.emplace(partitions[i], (*done)[i]);
  PublishResult result(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) continue;
    Offset& offset = next.at(*places[i]);
    result[i] = Stored{*places[i], offset};
    ++offset;
  }
  tell(publish, result, shard_.timers().clock().now() - start);
  co_return result;
}

void OpenTopic::tell(const Publish& publish, const PublishResult& result, Duration durable_in) const {
  for (size_t i = 0; i < result.size(); ++i) {
    if (!result[i]) continue;
    observer_.published(publish.service, RecordSeen{name_, *result[i], publish.records[i].record},
                        durable_in);
  }
}

runtime::Task<Result<void>> OpenTopic::open_table() {
  if (table_) co_return Result<void>{};
  FifoLock::Turn turn = co_await table_lock_.take(shard_.timers());
  if (table_) co_return Result<void>{};
  engine::TableOptions options{.name = "__pabal.producers." + name_,
                               .entries_max = static_cast<size_t>(idempotency_keys_max)};
  auto table = co_await engine::Table::open(engine_, shard_.timers(), producers_log(record_.id), options);
  if (!table) co_return std::unexpected(table.error());
  table_ = std::move(*table);
  keys_.emplace(*table_);
  sequences_.emplace(*table_, shard_.executor());
  co_return Result<void>{};
}

Result<bool> OpenTopic::has_news(const std::vector<PartitionOffset>& seen) const {
  if (stopping_) return error(ErrorCode::unavailable, "the server stops or the topic was deleted");
  for (const PartitionOffset& position : seen) {
    auto range = engine_.range(partition_log(record_.id, position.partition));
    if (!range) return std::unexpected(range.error());
    if (range->next > position.offset || range->first > position.offset) return true;
  }
  return false;
}

runtime::Task<Result<void>> OpenTopic::wait_for_records(std::vector<PartitionOffset> seen,
                                                        Deadline deadline) {
  struct Waiting {
    Waiting(OpenTopic& t) : topic(t), wakeup(t.shard_.executor()) { topic.waiting_.insert(&wakeup); }
    ~Waiting() { topic.waiting_.erase(&wakeup); }
    OpenTopic& topic;
    Wakeup wakeup;
  };
  auto waiting = std::make_shared<Waiting>(*this);
  std::vector<engine::Engine::Watch> watches;
  for (const PartitionOffset& position : seen) {
    watches.push_back(engine_.watch(partition_log(record_.id, position.partition), shard_.executor(),
                                    [waiting] { waiting->wakeup.wake(); }));
  }
  while (true) {
    auto news = has_news(seen);
    if (!news) co_return std::unexpected(news.error());
    if (*news || deadline.passed(shard_.timers().clock())) co_return Result<void>{};
    bool woken = co_await waiting->wakeup.wait(shard_.timers(), deadline);
    if (!woken) co_return Result<void>{};
  }
}

void OpenTopic::end_waits() {
  stopping_ = true;
  for (Wakeup* wakeup : waiting_) wakeup->wake();
}

runtime::Task<> OpenTopic::stop() {
  end_waits();
  if (table_) co_await table_->stop();
  co_await idempotent_.stop();
}

}  // namespace pabal::broker
