#include "broker/topics.h"

#include <algorithm>
#include <set>

#include "base/logging.h"
#include "broker/names.h"
#include "broker/side_by_side.h"
#include "broker/well_known.h"

namespace pabal::broker {

using runtime::on;
using runtime::Task;

namespace {

const std::string start_pin = "start";

Result<void> check_id(const TopicRecord& record, const std::string& name, std::optional<TopicId> id) {
  if (!id || *id == record.id) return {};
  return error(ErrorCode::not_found, "topic {} with the id {} was deleted; there is another of that name",
               name, id->to_string());
}

}  // namespace

Topics::Topics(runtime::Shards& shards, engine::Engine& engine, Observer& observer, BrokerOptions options)
    : shards_(shards),
      engine_(engine),
      observer_(observer),
      options_(options),
      producers_(std::make_shared<ProducerBudget>(options.producers)),
      lock_(shards.at(0).executor()),
      open_(shards.count()),
      names_(shards.count()) {}

runtime::Shard& Topics::owner(const std::string& name) const {
  return shards_.owner_of(std::hash<std::string>{}(name));
}

Result<std::shared_ptr<OpenTopic>> Topics::find_here(const std::string& name) {
  Open& open = open_[owner(name).index()];
  auto found = open.find(name);
  if (found == open.end()) return error(ErrorCode::not_found, "there is no topic {}", name);
  return found->second;
}

Result<TopicRecord> Topics::stored(const std::string& name) const {
  const std::string* text = table_->find(name);
  if (!text) return error(ErrorCode::not_found, "there is no topic {}", name);
  return TopicRecord::decode(*text);
}

// -- opening
// --------------------------------------------------------------------------------------------------------

Task<Result<std::unique_ptr<Topics>>> Topics::open(runtime::Shards& shards, engine::Engine& engine,
                                                   Observer& observer, BrokerOptions options) {
  std::unique_ptr<Topics> topics(new Topics(shards, engine, observer, options));
  auto loaded = co_await on<Result<void>>(shards.at(0).executor(), [&] { return topics->load(); });
  if (!loaded) co_return std::unexpected(loaded.error());
  co_return topics;
}

Task<Result<void>> Topics::load() {
  auto table =
      co_await engine::Table::open(engine_, keeper().timers(), topics_log, {.name = "__pabal.topics"});
  if (!table) co_return std::unexpected(table.error());
  table_ = std::move(*table);
  Names names;
  for (const auto& [name, entry] : table_->entries()) {
    auto record = TopicRecord::decode(entry.value);
    if (!record) co_return std::unexpected(record.error());
    auto loaded = co_await load_topic(name, *record);
    if (!loaded) co_return loaded;
    names.emplace(record->id, name);
  }
  for (Names& known : names_) known = names;  // no shard has been asked yet
  co_return co_await forget_orphans();
}

Task<Result<void>> Topics::load_topic(std::string name, TopicRecord record) {
  for (int32_t i = 0; i < record.settings.partitions; ++i) {
    engine::LogId log = partition_log(record.id, PartitionIndex(i));
    if (!engine_.range(log)) {  // opening writes, and a start should not need to
      auto opened = co_await engine_.open_log(log, log_settings(name, record.settings));
      if (!opened) co_return opened;
    }
    engine_.pin(log, start_pin, Offset(0));
  }
  co_await show(name, record);
  co_return Result<void>{};
}

void Topics::end_start() {
  for (const auto& [name, entry] : table_->entries()) {
    auto record = TopicRecord::decode(entry.value);
    for (int32_t i = 0; record && i < record->settings.partitions; ++i) {
      engine_.pin(partition_log(record->id, PartitionIndex(i)), start_pin, std::nullopt);
    }
  }
}

// Logs of topics whose making or deletion a crash cut off.
Task<Result<void>> Topics::forget_orphans() {
  std::set<TopicId> known;
  for (const auto& [name, entry] : table_->entries()) {
    TopicId id = TopicRecord::decode(entry.value)->id;
    known.insert(id);
    known.insert(producers_log(id).topic);
  }
  for (const auto& [log, name] : engine_.logs()) {
    if (is_well_known(log.topic) || is_queue_log(log) || known.contains(log.topic)) continue;
    SPDLOG_WARN("broker: removing partition {} of {}: no topic has it", log.partition, name);
    auto removed = co_await engine_.delete_log(log);
    if (!removed) co_return removed;
  }
  co_return Result<void>{};
}

Task<> Topics::show(std::string name, TopicRecord record) {
  co_await on<bool>(owner(name).executor(), [&] { return show_here(name, record); });
}

Task<bool> Topics::show_here(std::string name, TopicRecord record) {
  runtime::Shard& shard = owner(name);
  auto& topic = open_[shard.index()][name];
  if (topic) {
    topic->set_settings(record.settings);
  } else {
    topic = std::make_shared<OpenTopic>(name, record, engine_, observer_, shard, producers_);
  }
  co_return true;
}

Task<bool> Topics::hide_here(std::string name) {
  Open& open = open_[owner(name).index()];
  auto found = open.find(name);
  if (found == open.end()) co_return false;
  std::shared_ptr<OpenTopic> topic = std::move(found->second);
  open.erase(found);
  co_await topic->stop();
  co_return true;
}

Task<> Topics::tell_name(TopicId id, std::string name) {
  for (size_t i = 0; i < shards_.count(); ++i) {
    co_await on<bool>(shards_.at(i).executor(), [&] { return tell_name_here(i, id, name); });
  }
}

Task<bool> Topics::tell_name_here(size_t shard, TopicId id, const std::string& name) {
  if (name.empty()) {
    names_[shard].erase(id);
  } else {
    names_[shard][id] = name;
  }
  co_return true;
}

std::optional<std::string> Topics::name_of(TopicId id, const runtime::Shard& here) const {
  const Names& names = names_[here.index()];
  auto found = names.find(id);
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

// -- changing
// -------------------------------------------------------------------------------------------------------

Task<Result<Broker::Put>> Topics::put(std::string name, TopicChange change) {
  if (auto sound = check_topic_name(name); !sound) co_return std::unexpected(sound.error());
  co_return co_await on<Result<Broker::Put>>(keeper().executor(), [&] { return put_here(name, change); });
}

// What would stand after the change, or why it cannot be.
Result<TopicRecord> Topics::after(const std::string& name, const Result<TopicRecord>& before,
                                  const TopicChange& change) const {
  if (!before) {
    if (change.must == TopicChange::Must::change) return before;
    TopicRecord fresh{.id = {}, .settings = options_.topic_defaults};
    fresh.settings.partitions = change.partitions.value_or(fresh.settings.partitions);
    auto settings = changed(fresh.settings, change);
    if (!settings) return std::unexpected(settings.error());
    return TopicRecord{.id = {}, .settings = std::move(*settings)};
  }
  if (change.must == TopicChange::Must::make) return error(ErrorCode::conflict, "there is a topic {}", name);
  const TopicSettings& standing = before->settings;
  if (auto fixed = check_durability(standing, change); !fixed) return std::unexpected(fixed.error());
  auto settings = changed(standing, change);
  if (!settings) return std::unexpected(settings.error());
  if (settings->partitions > standing.partitions && !change.rekey && guard_) {
    if (auto fine = guard_(name, Blow::rekey); !fine) return std::unexpected(fine.error());
  }
  bool begins = compacts(settings->cleanup) && !compacts(standing.cleanup);
  if (begins && guard_) {
    if (auto fine = guard_(name, Blow::compaction); !fine) return std::unexpected(fine.error());
  }
  return TopicRecord{.id = before->id, .settings = std::move(*settings)};
}

Task<Result<Broker::Put>> Topics::put_here(std::string name, TopicChange change) {
  FifoLock::Turn turn = co_await lock_.take(keeper().timers());
  auto before = stored(name);
  bool created = !before && before.error().code == ErrorCode::not_found;
  if (!before && !created) co_return std::unexpected(before.error());
  auto wanted = after(name, before, change);
  if (!wanted) co_return std::unexpected(wanted.error());
  if (!created && *wanted == *before) co_return Broker::Put{false};
  int32_t had = created ? 0 : before->settings.partitions;
  if (auto fine = check_limits(wanted->settings.partitions - had, created); !fine) {
    co_return std::unexpected(fine.error());
  }
  if (change.validate_only) co_return Broker::Put{created};
  if (created) {
    wanted->id =
        Uuid::ordered(keeper().timers().clock().wall_now().time_since_epoch().count(), keeper().random());
  }
  co_return co_await write(std::move(name), had, std::move(*wanted));
}

Result<void> Topics::check_limits(int32_t more_partitions, bool one_more) const {
  if (one_more && table_->size() >= topics_max) {
    return error(ErrorCode::over_limit, "there are {} topics, the most there may be", topics_max);
  }
  int64_t partitions = more_partitions;
  for (const auto& [name, entry] : table_->entries()) {
    if (auto record = TopicRecord::decode(entry.value)) partitions += record->settings.partitions;
  }
  if (partitions > partitions_max) {
    return error(ErrorCode::over_limit, "it would make {} partitions of all topics, at most {}", partitions,
                 partitions_max);
  }
  return {};
}

Task<Result<void>> Topics::open_logs(const std::string& name, const TopicRecord& record) {
  engine::LogSettings settings = log_settings(name, record.settings);
  co_return co_await side_by_side(0, record.settings.partitions, [&](int32_t i) {
    return engine_.open_log(partition_log(record.id, PartitionIndex(i)), settings);
  });
}

// One that stays is taken for an orphan by the next start.
Task<> Topics::delete_logs(const std::string& name, const TopicRecord& record) {
  (void)co_await side_by_side(0, record.settings.partitions, [&](int32_t i) {
    return delete_partition(name, partition_log(record.id, PartitionIndex(i)));
  });
}

Task<Result<void>> Topics::delete_partition(const std::string& name, engine::LogId log) {
  auto deleted = co_await engine_.delete_log(log);
  if (!deleted && deleted.error().code != ErrorCode::not_found) {
    SPDLOG_WARN("broker: partition {} of {}: {}", log.partition, name, deleted.error().message);
  }
  co_return Result<void>{};
}

// `had`: how many partitions it had; 0 makes it.
Task<Result<Broker::Put>> Topics::write(std::string name, int32_t had, TopicRecord record) {
  auto written = co_await open_logs(name, record);
  if (written) {
    engine::TableChanges changes;
    changes.push_back({name, record.encode()});
    written = co_await table_->change(std::move(changes));
  }
  if (!written && had == 0) co_await delete_logs(name, record);
  if (!written) co_return std::unexpected(written.error());
  co_await show(name, record);
  if (had == 0) co_await tell_name(record.id, name);
  if (grown_ && had > 0 && record.settings.partitions > had) {
    co_await grown_(name, record.settings.partitions);
  }
  observer_.changed(had == 0 ? Change::topic_made : Change::topic_changed, name);
  co_return Broker::Put{had == 0};
}

Task<Result<void>> Topics::remove(std::string name, std::optional<TopicId> id) {
  if (auto sound = check_topic_name(name); !sound) co_return std::unexpected(sound.error());
  co_return co_await on<Result<void>>(keeper().executor(), [&] { return remove_here(name, id); });
}

Task<Result<void>> Topics::remove_here(std::string name, std::optional<TopicId> id) {
  FifoLock::Turn turn = co_await lock_.take(keeper().timers());
  auto record = stored(name);
  if (!record) co_return std::unexpected(record.error());
  if (auto same = check_id(*record, name, id); !same) co_return same;
  if (guard_) {
    if (auto fine = guard_(name, Blow::deletion); !fine) co_return fine;
  }
  engine::TableChanges changes;
  changes.push_back({name, std::nullopt});
  auto written = co_await table_->change(std::move(changes));
  if (!written) co_return written;
  co_await tell_name(record->id, "");
  co_await on<bool>(owner(name).executor(), [&] { return hide_here(name); });
  co_await delete_logs(name, *record);
  std::ignore = co_await engine_.delete_log(producers_log(record->id));  // there may be none
  std::ignore = co_await engine_.delete_log(idempotence_log(record->id));
  if (deleted_) co_await deleted_(name);
  observer_.changed(Change::topic_deleted, name);
  co_return Result<void>{};
}

Task<Result<TopicRecord>> Topics::make_sure(std::string name, TopicChange change) {
  auto there = co_await record(name);
  if (there || there.error().code != ErrorCode::not_found) co_return there;
  auto made = co_await put(name, change);
  if (!made) co_return std::unexpected(made.error());
  co_return co_await record(name);
}

Task<> Topics::set_gate(std::string name, std::function<Result<void>()> gate) {
  co_await on<bool>(owner(name).executor(), [&] { return set_gate_here(name, gate); });
}

Task<bool> Topics::set_gate_here(std::string name, std::function<Result<void>()> gate) {
  auto topic = find_here(name);
  if (topic) (*topic)->set_gate(std::move(gate));
  co_return topic.has_value();
}

// -- asking
// ---------------------------------------------------------------------------------------------------------

TopicInfo Topics::info_of(const std::string& name, const TopicRecord& record) const {
  TopicInfo info{record.id, name, record.settings, {}, is_internal_name(name)};
  for (int32_t i = 0; i < record.settings.partitions; ++i) {
    auto range = engine_.range(partition_log(record.id, PartitionIndex(i)));
    info.partitions.push_back({PartitionIndex(i), range.value_or(engine::LogRange{})});
  }
  return info;
}

Task<Result<TopicInfo>> Topics::info(std::string name) {
  co_return co_await on<Result<TopicInfo>>(keeper().executor(), [&] { return info_here(name); });
}

Task<Result<TopicInfo>> Topics::info_here(std::string name) {
  auto record = stored(name);
  if (!record) co_return std::unexpected(record.error());
  co_return info_of(name, *record);
}

Task<Result<std::vector<TopicInfo>>> Topics::list() {
  co_return co_await on<Result<std::vector<TopicInfo>>>(keeper().executor(), [&] { return list_here(); });
}

Task<Result<std::vector<TopicInfo>>> Topics::list_here() {
  std::vector<TopicInfo> all;
  for (const auto& [name, entry] : table_->entries()) {
    auto record = TopicRecord::decode(entry.value);
    if (!record) co_return std::unexpected(record.error());
    all.push_back(info_of(name, *record));
  }
  for (const auto& [log, name] : engine_.logs()) {
    if (!is_well_known(log.topic)) continue;
    auto found = std::ranges::find(all, log.topic, &TopicInfo::id);
    if (found == all.end()) {
      found = all.insert(found, TopicInfo{log.topic, name, {.retention_time = {}}, {}, true});
    }
    found->settings.partitions = std::max(found->settings.partitions, log.partition.value() + 1);
    found->partitions.push_back({log.partition, engine_.range(log).value_or(engine::LogRange{})});
  }
  std::ranges::sort(all, {}, &TopicInfo::name);
  co_return all;
}

Task<Result<TopicRecord>> Topics::record(std::string name) {
  co_return co_await on<Result<TopicRecord>>(owner(name).executor(), [&] { return record_here(name); });
}

Task<Result<TopicRecord>> Topics::record_here(std::string name) {
  auto topic = find_here(name);
  if (!topic) co_return std::unexpected(topic.error());
  co_return (*topic)->record();
}

// -- records
// --------------------------------------------------------------------------------------------------------

Task<Result<PublishResult>> Topics::publish(Publish publish) {
  if (auto sound = check_topic_name(publish.topic); !sound) co_return std::unexpected(sound.error());
  runtime::Executor executor = owner(publish.topic).executor();
  while (true) {
    auto result = co_await on<Result<PublishResult>>(executor, [&] { return publish_here(publish); });
    if (result || result.error().code != ErrorCode::not_found || !options_.auto_create_topics)
      co_return result;
    auto made = co_await put(publish.topic, {});
    if (!made) co_return std::unexpected(made.error());
  }
}

Task<Result<PublishResult>> Topics::publish_here(const Publish& publish) {
  auto topic = find_here(publish.topic);
  if (!topic) co_return std::unexpected(topic.error());
  std::shared_ptr<OpenTopic> held = *topic;
  auto result = co_await held->publish(publish);
  // Deleted meanwhile: that is how it stands, and no reason to make it anew.
  if (!result && result.error().code == ErrorCode::not_found) {
    co_return error(ErrorCode::unavailable, "topic {} was deleted meanwhile", publish.topic);
  }
  co_return result;
}

Task<Result<AppendResult>> Topics::append(AppendBatches append) {
  if (auto sound = check_topic_name(append.topic); !sound) co_return std::unexpected(sound.error());
  co_return co_await on<Result<AppendResult>>(owner(append.topic).executor(),
                                              [&] { return append_here(append); });
}

Task<Result<AppendResult>> Topics::append_here(AppendBatches& append) {
  auto topic = find_here(append.topic);
  if (!topic) co_return std::unexpected(topic.error());
  std::shared_ptr<OpenTopic> held = *topic;
  if (auto same = check_id(held->record(), append.topic, append.id); !same) {
    co_return std::unexpected(same.error());
  }
  co_return co_await held->append(std::move(append));
}

Task<Result<engine::ReadResult>> Topics::read(ReadRequest request) {
  auto topic = co_await record(request.topic);
  if (!topic) co_return std::unexpected(topic.error());
  if (auto same = check_id(*topic, request.topic, request.id); !same) co_return std::unexpected(same.error());
  co_return co_await engine_.read(partition_log(topic->id, request.partition), request.from,
                                  request.bytes_max);
}

Task<Result<Offset>> Topics::delete_records(std::string name, PartitionIndex partition,
                                            std::optional<Offset> before) {
  auto topic = co_await record(name);
  if (!topic) co_return std::unexpected(topic.error());
  engine::LogId log = partition_log(topic->id, partition);
  auto range = engine_.range(log);
  if (!range) {
    co_return error(ErrorCode::not_found, "{} has partitions 0 to {}; {} is none of them", name,
                    topic->settings.partitions - 1, partition);
  }
  Offset first = before.value_or(range->next);
  if (first > range->next) {
    co_return error(ErrorCode::invalid, "partition {} of {} ends at offset {}; {} is past it", partition,
                    name, range->next, first);
  }
  auto trimmed = co_await engine_.trim(log, first);
  if (!trimmed) co_return std::unexpected(trimmed.error());
  co_return std::max(first, range->first);
}

Task<Result<Offset>> Topics::find(std::string name, PartitionIndex partition, StartPoint at) {
  auto topic = co_await record(name);
  if (!topic) co_return std::unexpected(topic.error());
  engine::LogId log = partition_log(topic->id, partition);
  if (const WallTime* time = std::get_if<WallTime>(&at)) co_return co_await engine_.find_time(log, *time);
  auto range = engine_.range(log);
  if (!range) co_return std::unexpected(range.error());
  co_return std::get<StartAt>(at) == StartAt::earliest ? range->first : range->next;
}

Task<Result<void>> Topics::wait_for_records(std::string name, std::vector<PartitionOffset> seen,
                                            Deadline deadline) {
  co_return co_await on<Result<void>>(owner(name).executor(),
                                      [&] { return wait_here(name, seen, deadline); });
}

Task<Result<void>> Topics::wait_here(std::string name, std::vector<PartitionOffset> seen, Deadline deadline) {
  auto topic = find_here(name);
  if (!topic) co_return std::unexpected(topic.error());
  std::shared_ptr<OpenTopic> held = *topic;
  co_return co_await held->wait_for_records(std::move(seen), deadline);
}

Task<> Topics::stop() {
  for (size_t i = 0; i < shards_.count(); ++i) {
    co_await on<bool>(shards_.at(i).executor(), [&] { return stop_here(i); });
  }
}

Task<bool> Topics::stop_here(size_t shard) {
  std::vector<std::shared_ptr<OpenTopic>> all;
  for (const auto& [name, topic] : open_[shard]) all.push_back(topic);
  for (const auto& topic : all) co_await topic->stop();
  if (shard == 0) co_await table_->stop();
  co_return true;
}

}  // namespace pabal::broker
