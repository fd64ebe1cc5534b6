// OpenTopic::append(): batches that a client built.
#include <set>

#include "broker/open_topic.h"
#include "broker/record_limits.h"
#include "log/batch_layout.h"
#include "log/big_endian.h"
#include "log/record_batch.h"

namespace pabal::broker {
namespace {

namespace at = log::batch_layout;

// A batch may lie in a request so many times its size, all of which it keeps in memory.
constexpr size_t held_bytes_share_max = 8;

// Whether we can keep the promises about it: whole, of our format, nothing that only a transaction would
// mean.
Result<log::BatchView> check_batch(BytesView bytes, size_t bytes_max) {
  if (bytes.size() > bytes_max) {
    return error(ErrorCode::too_large, "a record batch of {} bytes, at most {}", bytes.size(), bytes_max);
  }
  auto batch = log::BatchView::parse(bytes);
  if (!batch) return batch;
  if (auto whole = batch->verify(); !whole) return std::unexpected(whole.error());
  if (batch->bytes().size() != bytes.size()) {
    return error(ErrorCode::invalid, "{} bytes follow the record batch; one batch is expected",
                 bytes.size() - batch->bytes().size());
  }
  auto attributes = log::load<int16_t>(bytes, at::attributes);
  if ((attributes & ~at::compression_mask) != 0) {
    return error(ErrorCode::unsupported, "a record batch with attributes {:#x}; only plain ones are taken",
                 attributes);
  }
  int64_t offsets = batch->next_offset() - batch->base_offset();
  if (batch->record_count() < 1 || batch->record_count() != offsets) {
    return error(ErrorCode::invalid, "a record batch counts {} records in {} offsets", batch->record_count(),
                 offsets);
  }
  return batch;
}

// A record that nobody could read would stop every reader of the partition; one without a key would stay in
// a compacted topic for ever.
Result<void> check_records(const log::BatchView& batch, bool compacted) {
  std::optional<Error> problem;
  auto read = batch.for_each([&](const log::StoredRecord& record) {
    if (auto found = find_too_large(record)) {
      problem = Error{ErrorCode::too_large, fmt::format("a record of the batch: {}", found->problem), {}};
    } else if (compacted && !record.key) {
      problem = Error{ErrorCode::invalid, "a record of the batch has no key; the topic is compacted", {}};
    }
    return !problem;
  });
  if (problem) return std::unexpected(std::move(*problem));
  return read;
}

OwnedBytes with_timestamp(const log::BatchView& batch, WallTime now) {
  log::BatchBuilder builder;
  (void)batch.for_each([&](const log::StoredRecord& record) {
    log::RecordView stamped = record;
    stamped.timestamp = now;
    builder.add(stamped);
    return true;
  });
  Bytes stamped = builder.finish();
  if (batch.producer() != log::ProducerStamp{}) log::set_producer(stamped, batch.producer());
  return stamped;
}

}  // namespace

Result<void> OpenTopic::check_partition(PartitionIndex wanted, bool twice) const {
  int32_t partitions = record_.settings.partitions;
  if (wanted.value() < 0 || wanted.value() >= partitions) {
    return error(ErrorCode::not_found, "there is no partition {}: {} has partitions 0 to {}", wanted, name_,
                 partitions - 1);
  }
  if (twice) return error(ErrorCode::invalid, "partition {} comes twice in one call", wanted);
  return {};
}

// In the place where it lies, if what it keeps in memory is not much more than it has, and the memory is
// counted that a log may take.
Result<OwnedBytes> OpenTopic::batch_to_store(const SharedBytes& sent) const {
  const TopicSettings& settings = record_.settings;
  auto batch = check_batch(sent.view(), settings.message_bytes_max);
  if (!batch) return std::unexpected(batch.error());
  bool compacted = compacts(settings.cleanup);
  if (auto sound = check_records(*batch, compacted); !sound) return std::unexpected(sound.error());
  if (settings.timestamps == Timestamps::append) {
    return with_timestamp(*batch, shard_.timers().clock().wall_now());
  }
  bool may_stay =
      settings.durability != Durability::memory && sent.held_bytes() / held_bytes_share_max <= sent.size();
  OwnedBytes bytes = OwnedBytes::take(sent);
  if (!may_stay) bytes = bytes.clone();
  log::set_base_offset(bytes.span(), Offset(0));
  log::set_leader_epoch(bytes.span(), LeaderEpoch(0));
  return bytes;
}

// One batch of a call, sound and ready to be stored.
struct OpenTopic::Arrived {
  size_t part;
  PartitionIndex partition;
  SharedBytes sent;  // holds the bytes for who is told of it
  OwnedBytes bytes;
  std::optional<IdempotentProducers::Batch> sequenced = {};
  std::optional<Offset> repeats_from = {};  // it is stored already, there or above
};

std::vector<OpenTopic::Arrived> OpenTopic::sound_batches(AppendBatches& append, AppendResult& result) const {
  std::vector<Arrived> arrived;
  std::set<PartitionIndex> seen;
  for (size_t i = 0; i < append.parts.size(); ++i) {
    auto& [partition, batch] = append.parts[i];
    SharedBytes sent = std::move(batch).share();
    bool twice = append.parts.size() > 1 && !seen.insert(partition).second;
    auto known = check_partition(partition, twice);
    auto bytes = known ? batch_to_store(sent) : std::unexpected(known.error());
    auto sequence =
        bytes ? SequencedBatch::of(*log::BatchView::parse(*bytes)) : std::unexpected(bytes.error());
    result.emplace_back(sequence ? Result<Appended>() : std::unexpected(sequence.error()));
    if (!sequence) continue;
    arrived.push_back({i, partition, std::move(sent), std::move(*bytes)});
    if (*sequence) arrived.back().sequenced = {partition, **sequence};
  }
  return arrived;
}

runtime::Task<Result<AppendResult>> OpenTopic::append(AppendBatches append) {
  if (gate_) {
    if (auto open = gate_(); !open) co_return std::unexpected(open.error());
  }
  AppendResult result;
  std::vector<Arrived> arrived = sound_batches(append, result);
  std::vector<IdempotentProducers::Batch> sequenced;
  for (const Arrived& batch : arrived) {
    if (batch.sequenced) sequenced.push_back(*batch.sequenced);
  }
  if (!sequenced.empty()) {
    if (auto ready = co_await idempotent_.open(); !ready) co_return std::unexpected(ready.error());
    co_await idempotent_.wait_for_repeated(std::move(sequenced));
  }
  co_await commit_batches(append.service, arrived, result);
  for (const Arrived& batch : arrived) {
    if (!batch.repeats_from) continue;
    auto base = co_await idempotent_.find(*batch.sequenced, *batch.repeats_from);
    auto range = engine_.range(partition_log(record_.id, batch.sequenced->partition));
    result[batch.part] = base ? Result<Appended>(Appended{*base, range ? range->first : Offset(0)})
                              : std::unexpected(base.error());
  }
  co_return result;
}

// Whether the batch goes into the commit. Else the result says why not, or the batch that it is stored
// already.
bool OpenTopic::take_batch(Arrived& batch, IdempotentProducers::Claim& claim, AppendResult& result) {
  if (!batch.sequenced) return true;
  auto stored_from = idempotent_.take(claim, *batch.sequenced);
  if (stored_from) {
    batch.repeats_from = *stored_from;
  } else {
    result[batch.part] = std::unexpected(stored_from.error());
  }
  return stored_from && !*stored_from;
}

runtime::Task<Result<engine::CommitResult>> OpenTopic::commit_claim(IdempotentProducers::Claim& claim,
                                                                    engine::Commit commit) {
  engine::Commit behind;
  bool apart = idempotent_.stages_apart();
  auto staged = idempotent_.stage(claim, apart ? behind : commit);
  if (!staged) co_return std::unexpected(staged.error());
  auto done = co_await engine_.commit(std::move(commit));
  if (done && apart) {
    if (auto after = co_await engine_.commit(std::move(behind)); !after)
      done = std::unexpected(after.error());
  }
  co_return done;
}

// One commit of those that are not stored yet. Nothing suspends before it: each batch of a producer is judged
// against all that were taken before it.
runtime::Task<> OpenTopic::commit_batches(const std::string& service, std::vector<Arrived>& arrived,
                                          AppendResult& result) {
  Instant start = shard_.timers().clock().now();
  engine::Commit commit;
  auto claim = IdempotentProducers::new_claim();
  std::vector<const Arrived*> stored;
  for (Arrived& batch : arrived) {
    if (!take_batch(batch, *claim, result)) continue;
    stored.push_back(&batch);
    commit.appends.push_back({partition_log(record_.id, batch.partition), std::move(batch.bytes)});
  }
  if (stored.empty()) co_return;
  auto done = co_await commit_claim(*claim, std::move(commit));
  idempotent_.end(std::move(claim), done.has_value());
  Duration durable_in = shard_.timers().clock().now() - start;
  for (size_t i = 0; i < stored.size(); ++i) {
    Result<Appended>& part = result[stored[i]->part];
    if (!done) {
      part = std::unexpected(done.error());
      continue;
    }
    auto range = engine_.range(partition_log(record_.id, stored[i]->partition));
    part = Appended{(*done)[i], range ? range->first : Offset(0)};
    tell(service, *stored[i], (*done)[i], durable_in);
  }
}

void OpenTopic::tell(const std::string& service, const Arrived& stored, Offset base,
                     Duration durable_in) const {
  auto batch = log::BatchView::parse(stored.sent.view());
  if (!batch) return;
  bool has_ids = false;
  (void)batch->for_each([&](const log::StoredRecord& record) {
    has_ids = record.key || !record.headers.empty();
    return !has_ids && batch->record_count() <= records_told_max;
  });
  if (!has_ids || batch->record_count() > records_told_max) {
    BatchSeen seen{name_, stored.partition, batch->record_count(), stored.sent.size(), has_ids};
    return observer_.published_batch(service, seen, durable_in);
  }
  Offset sent = batch->base_offset();
  (void)batch->for_each([&](const log::StoredRecord& record) {
    Stored where{stored.partition, base + (record.offset - sent)};
    observer_.published(service, RecordSeen{name_, where, record}, durable_in);
    return true;
  });
}

}  // namespace pabal::broker
