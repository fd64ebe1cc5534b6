#include "broker/redrive.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/logging.h"
#include "broker/topic_table.h"
#include "log/record_batch.h"

namespace pabal::broker {

using runtime::Task;

namespace {

constexpr size_t read_bytes = 256_KiB;

}  // namespace

struct Redrives::Piece {
  struct Letter {
    PartitionIndex partition;
    Offset offset;
    DeadRecord dead;
    OwnedRecord message;
    QueueCore::Out out;
    uint64_t key;
  };
  std::vector<Letter> letters;
  size_t max = piece_messages_max;
};

Result<RedriveProgress> Redrives::start(const Broker::Redrive& redrive) {
  if (redrive.ids.empty() != redrive.all) {
    return error(ErrorCode::invalid, "either the ids of dead letters, or all of them");
  }
  if (redrive.ids.size() > ids_max) {
    return error(ErrorCode::too_large, "{} ids, at most {}", redrive.ids.size(), ids_max);
  }
  if (!(redrive.rate >= 0)) return error(ErrorCode::invalid, "rate: {} is below 0", redrive.rate);
  if (running()) return error(ErrorCode::conflict, "a redrive of {} is running", core_->name);
  auto job = std::make_shared<Job>();
  job->progress.id =
      Uuid::ordered(core_->wall_now().time_since_epoch().count(), core_->shard.random()).to_string();
  job->all = redrive.all;
  job->ids.insert(redrive.ids.begin(), redrive.ids.end());
  job->rate = redrive.rate;
  job->progress.total = redrive.all ? core_->dead.count : static_cast<int64_t>(job->ids.size());
  for (const auto& [partition, set] : core_->redriven) {
    auto range = core_->engine.range(partition_log(core_->dead_topic.id, partition));
    if (!range) return std::unexpected(range.error());
    job->next[partition] = std::max(set.cursor(), range->first);
    job->end[partition] = range->next;
  }
  jobs_[job->progress.id] = job;
  while (jobs_.size() > jobs_kept_max) jobs_.erase(jobs_.begin());
  core_->observer.changed(Change::redrive_started, core_->name);
  asio::co_spawn(core_->shard.executor(), run(core_, job), asio::detached);
  return job->progress;
}

Result<RedriveProgress> Redrives::progress(const std::string& id) const {
  auto job = jobs_.find(id);
  if (job == jobs_.end()) return error(ErrorCode::not_found, "no redrive {} of {}", id, core_->name);
  return job->second->progress;
}

Result<RedriveProgress> Redrives::stop(const std::string& id) {
  auto job = jobs_.find(id);
  if (job == jobs_.end()) return error(ErrorCode::not_found, "no redrive {} of {}", id, core_->name);
  job->second->stopping = true;
  return job->second->progress;
}

void Redrives::stop_all() {
  for (auto& [id, job] : jobs_) job->stopping = true;
}

bool Redrives::running() const {
  return std::ranges::any_of(
      jobs_, [](const auto& job) { return job.second->progress.state == RedriveProgress::State::running; });
}

Task<> Redrives::run(std::shared_ptr<QueueCore> core, std::shared_ptr<Job> job) {
  bool more = true;
  while (more && !job->stopping && !core->stopping) {
    int64_t before = job->progress.moved;
    auto moved = co_await move_piece(core, job);
    if (!moved) {
      SPDLOG_WARN("broker: the redrive of {} stops: {}", core->name, moved.error().message);
      job->stopping = true;
      break;
    }
    more = *moved;
    auto count = static_cast<double>(job->progress.moved - before);
    if (more && job->rate > 0 && count > 0) {
      auto pause = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count / job->rate));
      co_await runtime::sleep_for(core->shard.timers(), pause);
    }
  }
  job->progress.state = more ? RedriveProgress::State::stopped : RedriveProgress::State::done;
  core->observer.changed(Change::redrive_ended, core->name);
}

// False when nothing is left to move.
Task<Result<bool>> Redrives::move_piece(std::shared_ptr<QueueCore> core, std::shared_ptr<Job> job) {
  FifoLock::Turn turn = co_await core->writing.take(core->shard.timers());
  Piece piece;
  if (job->rate > 0)
    piece.max = std::clamp<size_t>(static_cast<size_t>(job->rate / 10), 1, piece_messages_max);
  auto collected = co_await collect(*core, *job, piece);
  if (!collected) co_return std::unexpected(collected.error());
  if (piece.letters.empty()) co_return false;
  if (job->stopping || core->stopping) co_return true;
  auto done = co_await commit(*core, piece);
  if (!done) co_return std::unexpected(done.error());
  job->progress.moved += static_cast<int64_t>(piece.letters.size());
  tell(*core, piece);
  core->changed();
  co_return job->all || job->progress.moved < job->progress.total;
}

Task<Result<void>> Redrives::collect(QueueCore& core, Job& job, Piece& piece) {
  for (auto& [partition, next] : job.next) {
    engine::LogId log = partition_log(core.dead_topic.id, partition);
    while (next < job.end[partition] && piece.letters.size() < piece.max) {
      auto read = co_await core.engine.read(log, next, read_bytes);
      if (!read && read.error().code == ErrorCode::not_found) {  // removed meanwhile
        auto range = core.engine.range(log);
        if (!range) co_return std::unexpected(range.error());
        if (range->first > next) {
          next = range->first;
          continue;
        }
      }
      if (!read) co_return std::unexpected(read.error());
      if (read->batches.empty()) break;
      for (const SharedBytes& batch : read->batches) collect_batch(core, job, partition, batch.view(), piece);
    }
  }
  co_return Result<void>{};
}

void Redrives::collect_batch(QueueCore& core, Job& job, PartitionIndex partition, BytesView bytes,
                             Piece& piece) {
  auto batch = log::BatchView::parse(bytes);
  if (!batch) return;
  Offset& next = job.next[partition];
  bool whole = true;
  SettledSet& redriven = core.redriven.at(partition);
  std::ignore = batch->for_each([&](const log::StoredRecord& record) {
    if (record.offset < next || record.offset >= job.end[partition]) return true;
    whole = piece.letters.size() < piece.max;
    if (!whole) return false;
    next = record.offset + 1;
    if (redriven.contains(record.offset)) return true;
    auto dead = read_dead(record);
    if (!dead || dead->queue != core.name) {
      redriven.add(record.offset);  // somebody else's: it is not read again
      return true;
    }
    if (!job.all && !job.ids.contains(dead->origin.id)) return true;
    QueueCore::Out out = QueueCore::out_of(dead->origin, record);
    OwnedRecord message = make_redriven(record, *dead);
    piece.letters.push_back({partition, record.offset, std::move(*dead), std::move(message), std::move(out),
                             key_hash(record.key)});
    return true;
  });
  // A topic that was compacted once lacks offsets.
  if (whole) next = std::max(next, std::min(batch->next_offset(), job.end[partition]));
}

Task<Result<void>> Redrives::commit(QueueCore& core, Piece& piece) {
  engine::CommitBuilder builder;
  engine::TableChanges changes;
  std::map<PartitionIndex, SettledSet::Undo> undo;
  std::map<PartitionIndex, std::set<int64_t>> buckets;
  for (Piece::Letter& letter : piece.letters) {
    builder.add(core.own_log(), letter.message.view());
    SettledSet& set = core.redriven.at(letter.partition);
    auto& u = undo.try_emplace(letter.partition, SettledSet::Undo{set.cursor()}).first->second;
    set.add(letter.offset);
    u.offsets.push_back(letter.offset);
    if (letter.key != 0 && core.table->find(hold_key(letter.key))) {
      changes.push_back({hold_key(letter.key), std::nullopt});
    }
  }
  for (auto& [partition, u] : undo) {
    buckets[partition] =
        stage_settled(*core.table, dead_source(partition), core.redriven.at(partition), changes);
  }
  DeadCount dead = core.dead;
  dead.count = std::max<int64_t>(0, dead.count - static_cast<int64_t>(piece.letters.size()));
  changes.push_back({std::string(dead_count_key), dead.encode()});
  auto staged = core.table->stage(builder, std::move(changes));
  Result<engine::CommitResult> done = std::unexpected(Error{});
  if (staged) {
    done = co_await core.engine.commit(builder.finish());
  } else {
    done = std::unexpected(staged.error());
  }
  if (done) {
    core.table->apply(std::move(*staged));
    core.dead = dead;
    co_return Result<void>{};
  }
  for (auto& [partition, u] : undo) {
    core.redriven.at(partition).undo(u);
    core.redriven.at(partition).mark_changed(buckets[partition]);
  }
  co_return std::unexpected(done.error());
}

void Redrives::tell(const QueueCore& core, const Piece& piece) {
  for (const Piece::Letter& letter : piece.letters) {
    Place place{Source(letter.dead.origin.at.partition.value()), letter.dead.origin.at.offset};
    core.tell(MessageEvent::redriven, place, letter.out, {}, letter.dead.deliveries, letter.dead.reason);
  }
}

}  // namespace pabal::broker
