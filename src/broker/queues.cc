#include "broker/queues.h"

#include <set>

#include "base/logging.h"
#include "broker/names.h"
#include "broker/well_known.h"

namespace pabal::broker {

using runtime::on;
using runtime::Task;

Queues::Queues(runtime::Shards& shards, engine::Engine& engine, Observer& observer, Topics& topics,
               QueueFaults faults)
    : shards_(shards),
      engine_(engine),
      observer_(observer),
      topics_(topics),
      faults_(faults),
      open_(shards.count()) {}

Result<QueueRecord> Queues::stored(const std::string& name) const {
  const std::string* text = table_->find(name);
  if (!text) return error(ErrorCode::not_found, "there is no queue {}", name);
  return QueueRecord::decode(*text);
}

Result<std::shared_ptr<OpenQueue>> Queues::find_here(const std::string& name) const {
  const Open& open = open_[owner(name).index()];
  auto found = open.find(name);
  if (found == open.end()) return error(ErrorCode::not_found, "there is no queue {}", name);
  return found->second;
}

// -- opening
// ----------------------------------------------------------------------------------------------------------

Task<Result<std::unique_ptr<Queues>>> Queues::open(runtime::Shards& shards, engine::Engine& engine,
                                                   Observer& observer, Topics& topics, QueueFaults faults) {
  std::unique_ptr<Queues> queues(new Queues(shards, engine, observer, topics, faults));
  auto loaded = co_await on<Result<void>>(shards.at(0).executor(), [&] { return queues->load(); });
  if (!loaded) co_return std::unexpected(loaded.error());
  co_return queues;
}

Task<Result<void>> Queues::load() {
  auto table =
      co_await engine::Table::open(engine_, keeper().timers(), queues_log, {.name = "__pabal.queues"});
  if (!table) co_return std::unexpected(table.error());
  table_ = std::move(*table);
  for (const auto& [name, entry] : table_->entries()) {
    auto record = QueueRecord::decode(entry.value);
    if (!record) co_return std::unexpected(record.error());
    auto opened = co_await open_queue(name, *record, {});
    if (!opened) co_return opened;
  }
  topics_.end_start();
  topics_.set_guard([this](const std::string& topic, Topics::Blow blow) { return guard_topic(topic, blow); });
  topics_.set_grown([this](std::string topic, int32_t n) { return topic_grown(std::move(topic), n); });
  co_return co_await forget_orphans();
}

// Logs of queues whose making or deletion a crash cut off.
Task<Result<void>> Queues::forget_orphans() {
  std::set<TopicId> known;
  for (const auto& [name, entry] : table_->entries()) known.insert(QueueRecord::decode(entry.value)->id);
  for (const auto& [log, name] : engine_.logs()) {
    if (!is_queue_log(log) || known.contains(log.topic)) continue;
    SPDLOG_WARN("broker: removing {}: no queue has it", name);
    auto removed = co_await engine_.delete_log(log);
    if (!removed) co_return removed;
  }
  co_return Result<void>{};
}

Task<Result<QueueTopic>> Queues::topic_of(std::string name) {
  if (!is_topic_name(name)) co_return QueueTopic{name, {}, 0};  // a queue whose name no topic can have
  auto record = co_await topics_.record(name);
  if (!record) co_return std::unexpected(record.error());
  co_return QueueTopic{name, record->id, record->settings.partitions};
}

Task<Result<void>> Queues::open_queue(std::string name, QueueRecord record, OpenQueue::Starts starts) {
  auto topic = co_await topic_of(record.settings.topic);
  if (!topic) co_return std::unexpected(topic.error());
  auto dead = co_await topic_of(record.settings.dead_letter);
  if (!dead) co_return std::unexpected(dead.error());
  auto opened = co_await on<Result<void>>(owner(name).executor(),
                                          [&] { return open_here(name, record, *topic, *dead, starts); });
  if (!opened) {
    opened.error().message = fmt::format("queue {}: {}", name, opened.error().message);
    co_return opened;
  }
  auto gate = co_await with<std::function<Result<void>()>>(name, gate_of);
  if (gate && *gate) co_await topics_.set_gate(record.settings.topic, *gate);
  co_return Result<void>{};
}

Task<Result<std::function<Result<void>()>>> Queues::gate_of(OpenQueue& queue) { co_return queue.gate(); }

Task<Result<void>> Queues::open_here(std::string name, QueueRecord record, QueueTopic topic, QueueTopic dead,
                                     OpenQueue::Starts starts) {
  runtime::Shard& shard = owner(name);
  auto run = static_cast<uint32_t>(shard.random().next());
  auto core = std::make_shared<QueueCore>(name, std::move(record), std::move(topic), std::move(dead), engine_,
                                          observer_, shard, faults_, run);
  auto queue = co_await OpenQueue::open(std::move(core), std::move(starts));
  if (!queue) co_return std::unexpected(queue.error());
  open_[shard.index()][name] = std::move(*queue);
  co_return Result<void>{};
}

Task<Result<void>> Queues::close_queue(std::string name, Closing closing) {
  co_return co_await on<Result<void>>(owner(name).executor(), [&] { return close_here(name, closing); });
}

Task<Result<void>> Queues::close_here(std::string name, Closing closing) {
  Open& open = open_[owner(name).index()];
  auto found = open.find(name);
  if (found == open.end()) co_return Result<void>{};
  std::shared_ptr<OpenQueue> queue = std::move(found->second);
  open.erase(found);
  co_await queue->stop();
  if (closing == Closing::to_delete) queue->unpin();
  co_return Result<void>{};
}

// -- changing
// ---------------------------------------------------------------------------------------------------------

Result<void> Queues::guard_topic(const std::string& topic, Topics::Blow blow) const {
  for (const auto& [name, entry] : table_->entries()) {
    auto record = QueueRecord::decode(entry.value);
    if (!record) return std::unexpected(record.error());
    if (blow == Topics::Blow::compaction && record->settings.dead_letter == topic) {
      return error(ErrorCode::conflict,
                   "queue {} puts its dead letters into topic {}, and compaction would drop those of one key",
                   name, topic);
    }
    if (blow == Topics::Blow::deletion &&
        (record->settings.topic == topic || record->settings.dead_letter == topic)) {
      return error(ErrorCode::conflict, "queue {} {} topic {}: delete the queue first", name,
                   record->settings.topic == topic ? "reads" : "puts its dead letters into", topic);
    }
    if (blow == Topics::Blow::rekey && record->settings.topic == topic &&
        record->settings.order == KeyOrder::by_key) {
      return error(ErrorCode::conflict,
                   "queue {} reads topic {} in key order, and more partitions move keys: say \"rekey\": true",
                   name, topic);
    }
  }
  return {};
}

Task<bool> Queues::topic_grown(std::string topic, int32_t partitions) {
  std::vector<std::string> readers;
  for (const auto& [name, entry] : table_->entries()) {
    auto record = QueueRecord::decode(entry.value);
    if (record && record->settings.topic == topic) readers.push_back(name);
  }
  for (const std::string& name : readers) {
    std::function<Task<Result<bool>>(OpenQueue&)> grow = [&](OpenQueue& queue) {
      return add_partitions(queue, partitions);
    };
    auto grown = co_await with<bool>(name, grow);
    if (!grown)
      SPDLOG_WARN("broker: queue {} does not read the new partitions: {}", name, grown.error().message);
  }
  co_return true;
}

Task<Result<bool>> Queues::add_partitions(OpenQueue& queue, int32_t partitions) {
  auto added = co_await queue.add_partitions(partitions);
  if (!added) co_return std::unexpected(added.error());
  co_return true;
}

Task<Result<void>> Queues::write(const std::string& name, std::optional<QueueRecord> record) {
  engine::TableChanges changes;
  changes.push_back({name, record ? std::optional(record->encode()) : std::nullopt});
  co_return co_await table_->change(std::move(changes));
}

Task<Result<Broker::Put>> Queues::put(std::string name, QueueChange change) {
  if (auto sound = check_queue_name(name); !sound) co_return std::unexpected(sound.error());
  co_return co_await on<Result<Broker::Put>>(keeper().executor(), [&] { return put_here(name, change); });
}

Task<Result<Broker::Put>> Queues::put_here(std::string name, QueueChange wanted) {
  auto before = stored(name);
  if (!before && before.error().code != ErrorCode::not_found) co_return std::unexpected(before.error());
  QueueSettings settings;
  if (before) {
    settings = before->settings;
  } else {
    settings.topic = name;
    settings.dead_letter = dead_letter_name(name);
  }
  auto after = changed(settings, wanted);
  if (!after) co_return std::unexpected(after.error());
  if (!before) {
    auto made = co_await make_topics(name, *after);
    if (!made) co_return std::unexpected(made.error());
  }
  FifoLock::Turn turn = co_await topics_.lock().take(keeper().timers());
  before = stored(name);  // others may have been faster
  if (!before) co_return co_await make(std::move(name), std::move(*after));
  after = changed(before->settings, wanted);
  if (!after) co_return std::unexpected(after.error());
  co_return co_await this->change(std::move(name), std::move(*before), std::move(*after));
}

Task<Result<void>> Queues::make_topics(std::string name, const QueueSettings& settings) {
  if (settings.topic != name || is_topic_name(name)) {
    if (auto sound = check_topic_name(settings.topic); !sound) co_return sound;
    bool may_make = topics_.options().auto_create_topics || settings.topic == name;
    auto topic =
        may_make ? co_await topics_.make_sure(settings.topic, {}) : co_await topics_.record(settings.topic);
    if (!topic) co_return std::unexpected(topic.error());
  }
  // Dead letters stay until somebody has dealt with them.
  TopicChange kept;
  kept.retention_time = Duration::zero();
  kept.cleanup = Cleanup::delete_old;
  auto dead = co_await topics_.make_sure(settings.dead_letter, kept);
  if (!dead) co_return std::unexpected(dead.error());
  if (compacts(dead->settings.cleanup)) {
    co_return error(ErrorCode::conflict,
                    "topic {} is compacted, which would drop dead letters of one key: name another one",
                    settings.dead_letter);
  }
  co_return Result<void>{};
}

Task<Result<OpenQueue::Starts>> Queues::starts_of(const QueueTopic& topic, StartPoint from) {
  OpenQueue::Starts starts;
  for (int32_t p = 0; p < topic.partitions; ++p) {
    auto start = co_await topics_.find(topic.name, PartitionIndex(p), from);
    if (!start) co_return std::unexpected(start.error());
    starts.emplace(PartitionIndex(p), *start);
  }
  co_return starts;
}

Task<Result<Broker::Put>> Queues::make(std::string name, QueueSettings settings) {
  if (table_->size() >= queues_max) {
    co_return error(ErrorCode::over_limit, "there are {} queues, the most there may be", queues_max);
  }
  auto topic = co_await topic_of(settings.topic);
  if (!topic) co_return std::unexpected(topic.error());
  auto starts = co_await starts_of(*topic, settings.from);
  if (!starts) co_return std::unexpected(starts.error());
  QueueRecord record;
  record.id = queue_id_from(
      Uuid::ordered(keeper().timers().clock().wall_now().time_since_epoch().count(), keeper().random()));
  record.settings = std::move(settings);
  auto opened = co_await open_queue(name, record, std::move(*starts));
  auto written = opened ? co_await write(name, record) : opened;
  if (!written) {
    std::ignore = co_await close_queue(name, Closing::to_delete);
    std::ignore = co_await delete_logs(record.id);
    co_return std::unexpected(written.error());
  }
  observer_.changed(Change::queue_made, name);
  co_return Broker::Put{true};
}

Task<Result<Broker::Put>> Queues::change(std::string name, QueueRecord before, QueueSettings after) {
  const QueueSettings& old = before.settings;
  if (after.topic != old.topic || after.from != old.from || after.dead_letter != old.dead_letter) {
    co_return error(
        ErrorCode::conflict,
        "queue {} stands: its topic ({}), where it began and its dead letter topic ({}) cannot change; "
        "delete it and make it anew",
        name, old.topic, old.dead_letter);
  }
  if (after == old) co_return Broker::Put{false};
  bool anew = after.order != old.order || after.on_dead != old.on_dead || after.filter != old.filter;
  QueueRecord record{before.id, std::move(after), before.paused_since};
  auto written = co_await write(name, record);
  if (!written) co_return std::unexpected(written.error());
  if (anew) {  // the window is filled by other rules: it is read again
    std::ignore = co_await close_queue(name, Closing::to_reopen);
    auto opened = co_await open_queue(name, record, {});
    if (!opened) co_return std::unexpected(opened.error());
  } else {
    std::ignore = co_await with<bool>(name, [&](OpenQueue& queue) { return set_record(queue, record); });
  }
  observer_.changed(Change::queue_changed, name);
  co_return Broker::Put{false};
}

Task<Result<bool>> Queues::set_record(OpenQueue& queue, const QueueRecord& record) {
  queue.set_record(record);
  co_return true;
}

Task<Result<void>> Queues::remove(std::string name) {
  if (auto sound = check_queue_name(name); !sound) co_return sound;
  co_return co_await on<Result<void>>(keeper().executor(), [&] { return remove_here(name); });
}

Task<Result<void>> Queues::remove_here(std::string name) {
  FifoLock::Turn turn = co_await topics_.lock().take(keeper().timers());
  auto record = stored(name);
  if (!record) co_return std::unexpected(record.error());
  auto written = co_await write(name, std::nullopt);
  if (!written) co_return written;
  if (record->settings.topic == name) co_await topics_.set_gate(name, nullptr);
  std::ignore = co_await close_queue(name, Closing::to_delete);
  std::ignore = co_await delete_logs(record->id);
  observer_.changed(Change::queue_deleted, name);
  co_return Result<void>{};
}

Task<Result<void>> Queues::delete_logs(TopicId id) {
  for (engine::LogId log : {queue_table_log(id), queue_own_log(id)}) {
    auto deleted = co_await engine_.delete_log(log);
    if (!deleted) SPDLOG_WARN("broker: a log of a deleted queue stays: {}", deleted.error().message);
  }
  co_return Result<void>{};
}

Task<Result<void>> Queues::set_paused(std::string name, bool paused) {
  co_return co_await on<Result<void>>(keeper().executor(), [&] { return set_paused_here(name, paused); });
}

Task<Result<void>> Queues::set_paused_here(std::string name, bool paused) {
  FifoLock::Turn turn = co_await topics_.lock().take(keeper().timers());
  auto record = stored(name);
  if (!record) co_return std::unexpected(record.error());
  if (record->paused_since.has_value() == paused) co_return Result<void>{};
  record->paused_since = paused ? std::optional(keeper().timers().clock().wall_now()) : std::nullopt;
  auto written = co_await write(name, *record);
  if (!written) co_return written;
  std::ignore = co_await with<bool>(name, [&](OpenQueue& queue) { return set_record(queue, *record); });
  observer_.changed(paused ? Change::queue_paused : Change::queue_resumed, name);
  co_return Result<void>{};
}

// -- asking
// -----------------------------------------------------------------------------------------------------------

Task<Result<std::vector<std::string>>> Queues::names_here() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : table_->entries()) names.push_back(name);
  co_return names;
}

Task<Result<std::vector<QueueInfo>>> Queues::list() {
  auto names =
      co_await on<Result<std::vector<std::string>>>(keeper().executor(), [&] { return names_here(); });
  if (!names) co_return std::unexpected(names.error());
  std::vector<QueueInfo> all;
  for (const std::string& name : *names) {
    auto info = co_await with<QueueInfo>(name, [](OpenQueue& queue) { return queue.info(); });
    if (info) all.push_back(std::move(*info));  // else it was deleted meanwhile
  }
  co_return all;
}

Task<> Queues::stop() {
  for (size_t i = 0; i < shards_.count(); ++i) {
    std::ignore = co_await on<Result<void>>(shards_.at(i).executor(), [&] { return stop_here(i); });
  }
}

Task<Result<void>> Queues::stop_here(size_t shard) {
  std::vector<std::shared_ptr<OpenQueue>> all;
  for (const auto& [name, queue] : open_[shard]) all.push_back(queue);
  for (const auto& queue : all) co_await queue->stop();
  if (shard == 0) co_await table_->stop();
  co_return Result<void>{};
}

}  // namespace pabal::broker
