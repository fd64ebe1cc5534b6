#include <algorithm>
#include <set>

#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"
#include "doors/kafka/server_configs.h"
#include "doors/kafka/topic_configs.h"
#include "doors/kafka/visible_topics.h"

// Settings of topics, and of the server, which are only shown.
namespace pabal::doors {
namespace {

using broker::TopicChange;
using kafka::ConfigOperation;
using kafka::ConfigResource;
using kafka::ConfigSource;
using kafka::KafkaError;
using Described = kafka::DescribeConfigsResponse::Result;
using Entry = Described::ResourceResult;

// The names of a resource: of a topic, or of the server, which is also meant by no name.
struct Target {
  ConfigResource type;
  const std::string& name;
};

std::optional<Refusal> refuse_server(const Target& target) {
  if (target.name.empty() || target.name == fmt::to_string(only_broker.value())) return std::nullopt;
  return Refusal{KafkaError::invalid_request,
                 fmt::format("broker {:?}: there is one, {}", target.name, only_broker)};
}

Refusal refuse_type(ConfigResource type) {
  return {KafkaError::invalid_request,
          fmt::format("settings of resources of type {}: topics (2) and the broker (4) have some",
                      std::to_underlying(type))};
}

Entry entry_of(const ShownConfig& config, const kafka::DescribeConfigsRequest& request) {
  Entry entry{.name = std::string(config.name),
              .value = config.value,
              .read_only = config.read_only,
              .config_source = config.source,
              .config_type = config.type,
              .documentation = std::nullopt};
  if (request.include_documentation) entry.documentation = std::string(config.about);
  if (!request.include_synonyms) return entry;
  if (config.source != ConfigSource::default_value) {
    entry.synonyms.push_back(
        {.name = std::string(config.name), .value = config.value, .source = config.source});
  }
  if (config.source != ConfigSource::static_broker) {
    entry.synonyms.push_back(
        {.name = std::string(config.name), .value = config.initial, .source = ConfigSource::default_value});
  }
  return entry;
}

runtime::Task<std::expected<std::vector<ShownConfig>, Refusal>> configs_of(KafkaCall& call, Target target) {
  using Nothing = std::unexpected<Refusal>;
  if (target.type == ConfigResource::broker) {
    if (auto refusal = refuse_server(target)) co_return Nothing(std::move(*refusal));
    // No name means what all brokers have been told, which is nothing.
    if (target.name.empty()) co_return std::vector<ShownConfig>();
    co_return server_configs(call);
  }
  if (target.type != ConfigResource::topic) co_return Nothing(refuse_type(target.type));
  auto info = co_await visible_topic(call, target.name);
  if (!info) co_return Nothing(Refusal{kafka_error_of(info.error().code), info.error().message});
  co_return topic_configs(info->settings, call.parts.broker.options().topic_defaults);
}

// What a request of either kind asks for of one topic.
using Change = std::expected<TopicChange, Refusal>;

TopicChange empty_change(bool validate_only) {
  return {.retention_may_rest = true, .must = TopicChange::Must::change, .validate_only = validate_only};
}

// What is not named goes back to what stands when nothing is said.
runtime::Task<Change> read_change(KafkaCall& call, const kafka::AlterConfigsRequest::Resource& resource,
                                  bool validate_only) {
  TopicChange change = empty_change(validate_only);
  reset_topic_configs(call.parts.broker.options().topic_defaults, change);
  for (const auto& config : resource.configs) {
    auto set = set_topic_config(config.name, config.value, change);
    if (!set) co_return std::unexpected(Refusal{KafkaError::invalid_config, set.error().message});
  }
  co_return change;
}

using Step = kafka::IncrementalAlterConfigsRequest::AlterConfigsResource::AlterableConfig;

Result<void> apply(const Step& step, const broker::TopicSettings& settings,
                   const broker::TopicSettings& defaults, TopicChange& change) {
  switch (step.config_operation) {
    case ConfigOperation::set:
      return set_topic_config(step.name, step.value, change);
    case ConfigOperation::remove:
      return reset_topic_config(step.name, defaults, change);
    case ConfigOperation::append:
    case ConfigOperation::subtract: {
      bool add = step.config_operation == ConfigOperation::append;
      auto list = changed_list(step.name, settings, step.value.value_or(""), add);
      if (!list) return std::unexpected(list.error());
      return set_topic_config(step.name, *list, change);
    }
  }
  return error(ErrorCode::invalid, "{}: operation {}; 0 to 3 are known", step.name,
               std::to_underlying(step.config_operation));
}

runtime::Task<Change> read_change(KafkaCall& call,
                                  const kafka::IncrementalAlterConfigsRequest::AlterConfigsResource& resource,
                                  bool validate_only) {
  auto info = co_await visible_topic(call, resource.resource_name);
  if (!info) {
    co_return std::unexpected(Refusal{kafka_error_of(info.error().code), info.error().message});
  }
  TopicChange change = empty_change(validate_only);
  for (const Step& step : resource.configs) {
    auto applied = apply(step, info->settings, call.parts.broker.options().topic_defaults, change);
    if (!applied) co_return std::unexpected(Refusal{KafkaError::invalid_config, applied.error().message});
  }
  co_return change;
}

template <class Resource>
std::optional<Refusal> refuse_shape(const Resource& resource) {
  if (resource.resource_type == ConfigResource::broker) {
    return Refusal{KafkaError::invalid_request,
                   "the server's settings are read-only here: its configuration file and flags set them"};
  }
  if (resource.resource_type != ConfigResource::topic) return refuse_type(resource.resource_type);
  std::set<std::string_view> names;
  for (const auto& config : resource.configs) {
    if (names.insert(config.name).second) continue;
    return Refusal{KafkaError::invalid_request, fmt::format("{:?} comes twice", config.name)};
  }
  return std::nullopt;
}

template <class Resource>
runtime::Task<Refusal> alter(KafkaCall& call, const Resource& resource, bool validate_only) {
  if (auto refusal = refuse_shape(resource)) co_return std::move(*refusal);
  Change change = co_await read_change(call, resource, validate_only);
  if (!change) co_return change.error();
  if (broker::is_internal_name(resource.resource_name)) {
    co_return Refusal{KafkaError::unknown_topic_or_partition, "the server's own topics are not changed"};
  }
  auto done = co_await call.parts.broker.put_topic(resource.resource_name, std::move(*change));
  if (done) co_return Refusal{};
  ErrorCode code = done.error().code;
  bool judged = code == ErrorCode::invalid || code == ErrorCode::conflict;
  co_return Refusal{judged ? KafkaError::invalid_config : kafka_error_of(code), done.error().message};
}

// The answers of both calls have the same shape.
template <class Response, class Resources>
Answer<Response> alter_all(KafkaCall& call, const Resources& resources, bool validate_only) {
  Response response;
  for (const auto& resource : resources) {
    Refusal refusal = co_await alter(call, resource, validate_only);
    auto& out = response.responses.emplace_back();
    out.error_code = refusal.code;
    out.error_message = std::nullopt;
    if (refusal.code != KafkaError::none) out.error_message = std::move(refusal.message);
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
  }
  co_return response;
}

}  // namespace

Answer<kafka::DescribeConfigsResponse> describe_configs(KafkaCall& call,
                                                        kafka::DescribeConfigsRequest request) {
  kafka::DescribeConfigsResponse response;
  for (const auto& resource : request.resources) {
    Described& out = response.results.emplace_back(Described{.error_message = std::nullopt,
                                                             .resource_type = resource.resource_type,
                                                             .resource_name = resource.resource_name});
    auto configs = co_await configs_of(call, {resource.resource_type, resource.resource_name});
    if (!configs) {
      out.error_code = configs.error().code;
      out.error_message = configs.error().message;
      continue;
    }
    const auto& keys = resource.configuration_keys;
    for (const ShownConfig& config : *configs) {
      bool wanted = !keys || keys->empty() || std::ranges::find(*keys, config.name) != keys->end();
      if (wanted) out.configs.push_back(entry_of(config, request));
    }
  }
  co_return response;
}

Answer<kafka::AlterConfigsResponse> alter_configs(KafkaCall& call, kafka::AlterConfigsRequest request) {
  co_return co_await alter_all<kafka::AlterConfigsResponse>(call, request.resources, request.validate_only);
}

Answer<kafka::IncrementalAlterConfigsResponse> incremental_alter_configs(
    KafkaCall& call, kafka::IncrementalAlterConfigsRequest request) {
  co_return co_await alter_all<kafka::IncrementalAlterConfigsResponse>(call, request.resources,
                                                                       request.validate_only);
}

}  // namespace pabal::doors
