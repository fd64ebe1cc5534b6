#include <algorithm>

#include "broker/open_queue.h"
#include "broker/topic_table.h"
#include "engine/commit_builder.h"

// Looking at a queue, posting to it, purging it.

namespace pabal::broker {

using runtime::Task;

namespace {

constexpr size_t post_messages_max = records_per_publish_max;
constexpr size_t looked_at_max = 10'000;  // messages read for one look
constexpr size_t look_piece = 200;
constexpr size_t look_read_bytes = 256_KiB;

bool is_in(MessageState wanted, QueueState::State state) {
  switch (state) {
    case QueueState::State::waiting:
    case QueueState::State::ready:
      return wanted == MessageState::ready;
    case QueueState::State::leased:
      return wanted == MessageState::leased;
    case QueueState::State::delayed:
      return wanted == MessageState::delayed;
  }
  return false;
}

bool is_wanted(const Broker::Look& look, const MessageLook& message) {
  return (!look.key || message.key == look.key) && (!look.id || message.id == *look.id);
}

MessageLook look_at(const MessageOrigin& origin, const log::RecordView& record, bool strip) {
  MessageLook message;
  message.id = origin.id;
  message.key = owned(record.key);
  message.body = owned(record.value);
  message.headers = headers_of(record, strip);
  message.enqueued_at = origin.enqueued_at;
  message.topic = origin.topic;
  message.at = origin.at;
  return message;
}

Result<void> check_post(size_t index, const PostMessage& message, WallTime now) {
  size_t bytes = (message.key ? message.key->size() : 0) + (message.body ? message.body->size() : 0);
  auto bad = [&](ErrorCode code, std::string field, std::string problem) {
    std::string path = fmt::format("messages[{}].{}", index, field);
    return std::unexpected(Error{code, fmt::format("{}: {}", path, problem), {{path, problem}}});
  };
  if (bytes > record_bytes_max)
    return bad(ErrorCode::too_large, "body", fmt::format("at most {} bytes", record_bytes_max));
  if (message.headers.size() > headers_per_record_max) {
    return bad(ErrorCode::too_large, "headers", fmt::format("at most {}", headers_per_record_max));
  }
  size_t header_bytes = 0;
  for (const QueueHeader& header : message.headers) {
    header_bytes += header.name.size() + (header.value ? header.value->size() : 0);
    if (header.name.starts_with(own_header_prefix)) {
      return bad(ErrorCode::invalid, "headers",
                 fmt::format("{}: headers that begin with pabal- are the server's", header.name));
    }
  }
  if (header_bytes > header_bytes_max) {
    return bad(ErrorCode::too_large, "headers", fmt::format("at most {} bytes", header_bytes_max));
  }
  if (message.due &&
      *message.due > now + std::chrono::duration_cast<std::chrono::milliseconds>(OpenQueue::delay_max)) {
    return bad(ErrorCode::invalid, "delay", "at most 366d");
  }
  if (message.ttl && *message.ttl <= Duration::zero())
    return bad(ErrorCode::invalid, "ttl", "must be above 0");
  return {};
}

}  // namespace

Task<Result<std::vector<std::string>>> OpenQueue::post(const std::vector<PostMessage>& messages) {
  if (core_->stopping) co_return error(ErrorCode::unavailable, "the queue is being closed");
  if (messages.empty()) co_return error(ErrorCode::invalid, "no messages");
  if (messages.size() > post_messages_max) {
    co_return error(ErrorCode::too_large, "{} messages in one call, at most {}", messages.size(),
                    post_messages_max);
  }
  WallTime now = core_->wall_now();
  engine::CommitBuilder builder;
  std::vector<std::string> ids;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (auto sound = check_post(i, messages[i], now); !sound) co_return std::unexpected(sound.error());
    ids.push_back(Uuid::ordered(now.time_since_epoch().count(), core_->shard.random()).to_string());
    builder.add(core_->own_log(), make_posted(messages[i], ids.back(), now).view());
  }
  if (auto room = check_room(messages.size(), builder.size()); !room) co_return std::unexpected(room.error());
  auto done = co_await core_->engine.commit(builder.finish());
  if (!done) co_return std::unexpected(done.error());
  co_return ids;
}

// -- looking
// ----------------------------------------------------------------------------------------------------------

Task<Result<std::vector<MessageLook>>> OpenQueue::look(const Broker::Look& look) {
  if (look.limit < 1 || static_cast<size_t>(look.limit) > look_max) {
    co_return error(ErrorCode::invalid, "limit: {} is not from 1 to {}", look.limit, look_max);
  }
  if (look.state == MessageState::dead) co_return co_await look_dead(look);
  std::vector<Place> places;
  uint64_t key = look.key ? key_hash(as_bytes(*look.key)) : 0;
  for (const auto& [place, entry] : core_->state.entries()) {
    if (places.size() >= looked_at_max) break;
    if (is_in(look.state, entry.state) && (!look.key || entry.key == key)) places.push_back(place);
  }
  std::vector<MessageLook> found;
  for (size_t i = 0; i < places.size() && found.size() < static_cast<size_t>(look.limit); i += look_piece) {
    std::vector<Place> piece(
        places.begin() + static_cast<ptrdiff_t>(i),
        places.begin() + static_cast<ptrdiff_t>(std::min(i + look_piece, places.size())));
    auto read =
        co_await core_->reader.read_each(std::move(piece), [&](Place place, const log::StoredRecord& record) {
          const QueueState::Entry* entry = core_->state.find(place);
          if (!entry || !is_in(look.state, entry->state) || found.size() >= static_cast<size_t>(look.limit))
            return;
          MessageLook message = look_at(core_->origin_of(place, record), record, place.source == own_source);
          if (!is_wanted(look, message)) return;
          message.state = look.state;
          message.deliveries = entry->deliveries;
          message.due = entry->due;
          const std::string* tried = core_->table->find(retry_key(place));
          auto retry = tried ? Retry::decode(*tried) : Result<Retry>(Retry{});
          if (retry) message.last_reason = retry->reason;
          found.push_back(std::move(message));
        });
    if (!read) co_return std::unexpected(read.error());
  }
  co_return found;
}

Task<Result<std::vector<MessageLook>>> OpenQueue::look_dead(const Broker::Look& look) {
  std::vector<MessageLook> found;
  auto limit = static_cast<size_t>(look.limit);
  for (auto& [partition, redriven] : core_->redriven) {
    engine::LogId log = partition_log(core_->dead_topic.id, partition);
    auto range = core_->engine.range(log);
    if (!range) co_return std::unexpected(range.error());
    Offset next = std::max(redriven.cursor(), range->first);
    while (next < range->next && found.size() < limit) {
      auto read = co_await core_->engine.read(log, next, look_read_bytes);
      if (!read) co_return std::unexpected(read.error());
      if (read->batches.empty()) break;
      for (const SharedBytes& bytes : read->batches) {
        auto batch = log::BatchView::parse(bytes.view());
        if (!batch) co_return std::unexpected(batch.error());
        std::ignore = batch->for_each([&](const log::StoredRecord& record) {
          if (found.size() >= limit) return false;
          if (record.offset < next || redriven.contains(record.offset)) return true;
          auto dead = read_dead(record);
          if (!dead || dead->queue != core_->name) return true;
          MessageLook message = look_at(dead->origin, record, true);
          message.state = MessageState::dead;
          message.deliveries = dead->deliveries;
          message.last_reason = dead->reason;
          message.died_at = dead->died_at;
          if (is_wanted(look, message)) found.push_back(std::move(message));
          return true;
        });
        next = batch->next_offset();
      }
    }
  }
  co_return found;
}

Task<std::optional<std::string>> OpenQueue::stalled() {
  auto culprit = core_->state.stalled_by();
  if (!culprit) co_return std::nullopt;
  std::string key;
  std::vector<Place> places = {*culprit};
  auto read =
      co_await core_->reader.read_each(std::move(places), [&](Place, const log::StoredRecord& record) {
        if (record.key) key = as_text(*record.key);
      });
  if (!read) co_return std::nullopt;
  const QueueState::Entry* entry = core_->state.find(*culprit);
  if (!entry) co_return std::nullopt;
  std::string why = "waits for its key's dead letter to be redriven";
  if (entry->state == QueueState::State::leased) why = "is out with a consumer";
  if (entry->state == QueueState::State::delayed) why = "waits for its next try";
  co_return fmt::format(
      "It has looked {} records ahead and finds nothing to deliver: the oldest open message, {} (key {:?}), "
      "{}",
      core_->settings().look_ahead, *culprit, key, why);
}

Task<Result<QueueInfo>> OpenQueue::info() {
  QueueInfo info;
  info.name = core_->name;
  info.settings = core_->settings();
  QueueState::Counts counts = core_->state.counts();
  info.ready = counts.ready + counts.waiting;
  info.leased = counts.leased;
  info.delayed = counts.delayed;
  info.unscanned = counts.unscanned;
  info.dead = core_->dead.count;
  if (core_->dead.count > 0) info.oldest_dead_at = core_->dead.since;
  if (auto oldest = core_->state.oldest_ready()) {
    info.oldest_ready_age = std::max(Duration::zero(), age_of(*oldest, core_->wall_now()));
  }
  info.delivered_per_second = core_->delivered.per_second(core_->now());
  info.acked_per_second = core_->acked.per_second(core_->now());
  info.retried_per_second = core_->retried.per_second(core_->now());
  info.consumers = core_->consumers.infos(core_->wall_now());
  info.paused_since = core_->record.paused_since;
  info.paused = info.paused_since.has_value();
  info.lost_to_retention = core_->lost_to_retention;
  info.stalled = co_await stalled();
  co_return info;
}

// -- purging
// ----------------------------------------------------------------------------------------------------------

struct OpenQueue::Purge {
  std::vector<Place> places;
  std::map<Source, SettledSet::Undo> undo;
  std::map<Source, Offset> ends;
  std::map<Source, std::set<int64_t>> buckets;
  engine::TableChanges changes;
  int64_t count = 0;
};

OpenQueue::Purge OpenQueue::begin_purge() {
  Purge purge;
  for (const auto& [place, entry] : core_->state.entries()) {
    if (entry.state != QueueState::State::leased && !entry.frozen) purge.places.push_back(place);
  }
  for (Source source : core_->state.sources()) {
    SettledSet& settled = core_->state.settled(source);
    purge.undo.emplace(source, SettledSet::Undo{settled.cursor()});
    Offset end = core_->state.end(source);
    purge.ends[source] = end;
    purge.undo.at(source).ranges = settled.open_ranges(core_->state.scanned_to(source), end);
    for (auto [from, to] : purge.undo.at(source).ranges) {
      settled.add(from, to);
      purge.count += to - from;
    }
  }
  for (Place place : purge.places) {
    std::ignore = core_->state.freeze(place);
    core_->state.settled(place.source).add(place.offset);
    purge.undo.at(place.source).offsets.push_back(place.offset);
    if (core_->table->find(retry_key(place))) purge.changes.push_back({retry_key(place), std::nullopt});
    ++purge.count;
  }
  for (Source source : core_->state.sources()) {
    purge.buckets[source] = stage_settled(*core_->table, source, core_->state.settled(source), purge.changes);
  }
  return purge;
}

void OpenQueue::end_purge(Purge& purge, bool done) {
  for (Place place : purge.places) {
    if (done) {
      core_->state.settle(place, core_->wall_now());
    } else {
      core_->state.thaw(place);
    }
  }
  for (auto& [source, undo] : purge.undo) {
    if (done) {
      core_->state.scanned(source, purge.ends[source]);
      continue;
    }
    core_->state.settled(source).undo(undo);
    core_->state.settled(source).mark_changed(purge.buckets[source]);
    for (auto [from, to] : undo.ranges) core_->state.scan_again({source, from});
  }
}

Task<Result<int64_t>> OpenQueue::purge() {
  if (core_->stopping) co_return error(ErrorCode::unavailable, "the queue is being closed");
  FifoLock::Turn turn = co_await core_->writing.take(core_->shard.timers());
  Purge purge = begin_purge();
  engine::CommitBuilder builder;
  builder.use_reserve();
  auto staged = core_->table->stage(builder, std::move(purge.changes));
  Result<engine::CommitResult> done = std::unexpected(staged ? Error{} : staged.error());
  if (staged && builder.empty()) done = engine::CommitResult{};
  if (staged && !builder.empty()) done = co_await core_->engine.commit(builder.finish());
  if (done) core_->table->apply(std::move(*staged));
  end_purge(purge, done.has_value());
  if (!done) co_return std::unexpected(done.error());
  core_->observer.changed(Change::queue_purged, core_->name);
  core_->changed();
  co_return purge.count;
}

}  // namespace pabal::broker
