#include <algorithm>
#include <map>

#include "broker/topic_table.h"
#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"
#include "doors/kafka/topic_configs.h"
#include "doors/kafka/visible_topics.h"

// Topics made, grown, cut and removed. Every topic of a call is one change of its own.
namespace pabal::doors {
namespace {

using broker::TopicChange;
using kafka::KafkaError;
using Creatable = kafka::CreateTopicsRequest::CreatableTopic;
using Created = kafka::CreateTopicsResponse::CreatableTopicResult;
using Growing = kafka::CreatePartitionsRequest::Topic;

constexpr int32_t by_default = -1;  // of partitions, and of replicas
constexpr Offset to_the_end{-1};

// What is asked for twice in one call is refused twice, as Kafka does.
template <class Topics>
std::map<std::string, int> times_named(const Topics& topics) {
  std::map<std::string, int> times;
  for (const auto& topic : topics) ++times[topic.name];
  return times;
}

Refusal named_twice(const std::string& name) {
  return {KafkaError::invalid_request, fmt::format("topic {:?} comes twice in one call", name)};
}

bool is_here(const std::vector<kafka::BrokerId>& replicas) {
  return replicas.size() == 1 && replicas.front() == only_broker;
}

// By hand: each partition is to be on the one server there is.
std::expected<int32_t, Refusal> assigned(const Creatable& topic) {
  if (topic.num_partitions != by_default || topic.replication_factor != by_default) {
    return std::unexpected(Refusal{KafkaError::invalid_request,
                                   "partitions and replicas are either counted or assigned, not both"});
  }
  std::vector<bool> seen(topic.assignments.size());
  for (const auto& one : topic.assignments) {
    auto at = static_cast<size_t>(one.partition_index.value());
    if (one.partition_index.value() < 0 || at >= seen.size() || seen[at] || !is_here(one.broker_ids)) {
      return std::unexpected(
          Refusal{KafkaError::invalid_replica_assignment,
                  fmt::format("partition {}: right is each from 0 to {} once, on broker {} alone",
                              one.partition_index, seen.size() - 1, only_broker)});
    }
    seen[at] = true;
  }
  return static_cast<int32_t>(seen.size());
}

// What the topic is to be made as.
std::expected<TopicChange, Refusal> read_topic(const Creatable& topic) {
  TopicChange change{.retention_may_rest = true, .must = TopicChange::Must::make};
  if (!topic.assignments.empty()) {
    auto count = assigned(topic);
    if (!count) return std::unexpected(count.error());
    change.partitions = *count;
  } else {
    if (topic.num_partitions != by_default) change.partitions = topic.num_partitions;
    if (topic.replication_factor != by_default && topic.replication_factor != 1) {
      return std::unexpected(
          Refusal{KafkaError::invalid_replication_factor,
                  fmt::format("{} replicas; there is one server: right is 1", topic.replication_factor)});
    }
  }
  for (const auto& config : topic.configs) {
    auto set = set_topic_config(config.name, config.value, change);
    if (!set) return std::unexpected(Refusal{KafkaError::invalid_config, set.error().message});
  }
  return change;
}

// Why a topic could not be made or changed, where `taken` is what a conflict means.
Refusal refusal_of(const Error& problem, KafkaError taken) {
  KafkaError code = kafka_error_of(problem.code);
  bool partitions = !problem.fields.empty() && problem.fields.front().field == "partitions";
  if (problem.code == ErrorCode::conflict) code = taken;
  if (problem.code == ErrorCode::over_limit) code = KafkaError::policy_violation;  // no use in trying again
  if (problem.code == ErrorCode::invalid) {
    code = partitions ? KafkaError::invalid_partitions : KafkaError::invalid_config;
  }
  return {code, problem.message};
}

void show_made(const broker::TopicInfo& info, const KafkaCall& call, Created& out) {
  out.topic_id = info.id;
  out.num_partitions = info.settings.partitions;
  out.replication_factor = 1;
  for (ShownConfig& config : topic_configs(info.settings, call.parts.broker.options().topic_defaults)) {
    out.configs->push_back({.name = std::string(config.name),
                            .value = std::move(config.value),
                            .read_only = config.read_only,
                            .config_source = config.source});
  }
}

runtime::Task<std::optional<Refusal>> create(KafkaCall& call, const Creatable& topic, bool validate_only,
                                             Created& out) {
  if (auto sound = broker::check_topic_name(topic.name); !sound) {
    co_return Refusal{KafkaError::invalid_topic, sound.error().message};
  }
  auto change = read_topic(topic);
  if (!change) co_return change.error();
  change->validate_only = validate_only;
  auto made = co_await call.parts.broker.put_topic(topic.name, *change);
  if (!made) co_return refusal_of(made.error(), KafkaError::topic_already_exists);
  if (validate_only) {
    broker::TopicSettings base = call.parts.broker.options().topic_defaults;
    base.partitions = change->partitions.value_or(base.partitions);
    auto settings = broker::changed(std::move(base), *change);
    if (settings)
      show_made({.id = {}, .name = topic.name, .settings = std::move(*settings), .partitions = {}}, call,
                out);
    co_return std::nullopt;
  }
  auto info = co_await call.parts.broker.topic(topic.name);
  if (info) show_made(*info, call, out);
  co_return std::nullopt;
}

// The topic that is meant: by name, or, since version 6, by id.
runtime::Task<Refusal> remove(KafkaCall& call, const kafka::DeleteTopicsRequest::State& wanted,
                              kafka::DeleteTopicsResponse::DeletableTopicResult& out) {
  bool by_id = wanted.topic_id != TopicId{};
  out = {.name = wanted.name, .topic_id = wanted.topic_id};
  if (by_id == wanted.name.has_value()) {
    co_return Refusal{KafkaError::invalid_request, "a topic is deleted by its name or by its id"};
  }
  if (by_id) out.name = call.parts.broker.topic_name(wanted.topic_id, call.shard);
  if (!out.name) co_return Refusal{KafkaError::unknown_topic_id, "there is no topic with this id"};
  auto info = co_await visible_topic(call, *out.name);
  if (!info) co_return Refusal{kafka_error_of(info.error().code), info.error().message};
  if (!by_id) out.topic_id = info->id;
  auto removed = co_await call.parts.broker.delete_topic(*out.name, out.topic_id);
  if (!removed) co_return refusal_of(removed.error(), KafkaError::policy_violation);
  co_return Refusal{};
}

runtime::Task<Refusal> grow(KafkaCall& call, const Growing& topic, bool validate_only) {
  auto info = co_await visible_topic(call, topic.name);
  if (!info) co_return Refusal{kafka_error_of(info.error().code), info.error().message};
  int32_t have = info->settings.partitions;
  if (topic.count <= have) {
    co_return Refusal{KafkaError::invalid_partitions,
                      fmt::format("{} partitions were asked for; there are {}, and they never get fewer",
                                  topic.count, have)};
  }
  if (topic.assignments && !topic.assignments->empty()) {
    auto here = [](const auto& one) { return is_here(one.broker_ids); };
    bool fits = std::cmp_equal(topic.assignments->size(), topic.count - have);
    if (!fits || !std::ranges::all_of(*topic.assignments, here)) {
      co_return Refusal{KafkaError::invalid_replica_assignment,
                        fmt::format("{} assignments for {} more partitions; right is one each, on broker {}",
                                    topic.assignments->size(), topic.count - have, only_broker)};
    }
  }
  TopicChange change{
      .partitions = topic.count, .must = TopicChange::Must::change, .validate_only = validate_only};
  auto grown = co_await call.parts.broker.put_topic(topic.name, change);
  if (grown) co_return Refusal{};
  Refusal refusal = refusal_of(grown.error(), KafkaError::policy_violation);
  if (grown.error().code == ErrorCode::conflict) {
    refusal.message += fmt::format(" (pabal topic set {} --partitions {} --rekey)", topic.name, topic.count);
  }
  co_return refusal;
}

}  // namespace

Answer<kafka::CreateTopicsResponse> create_topics(KafkaCall& call, kafka::CreateTopicsRequest request) {
  kafka::CreateTopicsResponse response;
  std::map<std::string, int> times = times_named(request.topics);
  for (const Creatable& topic : request.topics) {
    Created out{.name = topic.name, .error_message = std::nullopt};
    std::optional<Refusal> refusal = named_twice(topic.name);
    if (times.at(topic.name) == 1) refusal = co_await create(call, topic, request.validate_only, out);
    if (refusal) {
      out.error_code = refusal->code;
      out.error_message = std::move(refusal->message);
    }
    response.topics.push_back(std::move(out));
  }
  co_return response;
}

Answer<kafka::DeleteTopicsResponse> delete_topics(KafkaCall& call, kafka::DeleteTopicsRequest request) {
  for (std::string& name : request.topic_names) request.topics.push_back({.name = std::move(name)});
  kafka::DeleteTopicsResponse response;
  for (const auto& wanted : request.topics) {
    auto& out = response.responses.emplace_back();
    Refusal refusal = co_await remove(call, wanted, out);
    out.error_code = refusal.code;
    if (refusal.code != KafkaError::none) out.error_message = std::move(refusal.message);
  }
  co_return response;
}

Answer<kafka::CreatePartitionsResponse> create_partitions(KafkaCall& call,
                                                          kafka::CreatePartitionsRequest request) {
  kafka::CreatePartitionsResponse response;
  std::map<std::string, int> times = times_named(request.topics);
  for (const Growing& topic : request.topics) {
    Refusal refusal = named_twice(topic.name);
    if (times.at(topic.name) == 1) refusal = co_await grow(call, topic, request.validate_only);
    auto& out = response.results.emplace_back();
    out.name = topic.name;
    out.error_code = refusal.code;
    if (refusal.code != KafkaError::none) out.error_message = std::move(refusal.message);
  }
  co_return response;
}

Answer<kafka::DeleteRecordsResponse> delete_records(KafkaCall& call, kafka::DeleteRecordsRequest request) {
  kafka::DeleteRecordsResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& wanted : topic.partitions) {
      std::optional<Offset> before = wanted.offset;
      if (wanted.offset == to_the_end) before.reset();
      Result<Offset> first = error(ErrorCode::invalid, "an offset below -1");
      if (!before || *before >= Offset(0)) {
        first = co_await call.parts.broker.delete_records(topic.name, wanted.partition_index, before);
      }
      auto& partition = out.partitions.emplace_back();
      partition.partition_index = wanted.partition_index;
      partition.low_watermark = first.value_or(Offset(-1));
      if (first) continue;
      bool range = first.error().code == ErrorCode::invalid;
      partition.error_code = range ? KafkaError::offset_out_of_range : kafka_error_of(first.error().code);
    }
  }
  co_return response;
}

}  // namespace pabal::doors
