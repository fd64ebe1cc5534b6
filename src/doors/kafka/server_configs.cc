#include "doors/kafka/server_configs.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "broker/group_types.h"

namespace pabal::doors {
namespace {

using enum kafka::ConfigType;

std::string text_of(bool yes) { return yes ? "true" : "false"; }
std::string ms_of(Duration d) {
  return fmt::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

// A limit or setting of the server that is no topic's default.
struct ServerConfig {
  std::string_view name;
  kafka::ConfigType type;
  std::string (*show)(const KafkaCall&);
};

constexpr std::array configs = {
    ServerConfig{"auto.create.topics.enable", boolean,
                 [](const KafkaCall& c) { return text_of(c.parts.auto_create_topics); }},
    ServerConfig{"broker.id", integer, [](const KafkaCall&) { return fmt::to_string(only_broker.value()); }},
    ServerConfig{"default.replication.factor", integer, [](const KafkaCall&) { return std::string("1"); }},
    ServerConfig{"delete.topic.enable", boolean, [](const KafkaCall&) { return text_of(true); }},
    ServerConfig{"group.initial.rebalance.delay.ms", integer,
                 [](const KafkaCall&) { return ms_of(broker::first_members_delay); }},
    ServerConfig{"group.max.session.timeout.ms", integer,
                 [](const KafkaCall&) { return ms_of(broker::session_timeout_max); }},
    ServerConfig{"group.max.size", integer,
                 [](const KafkaCall&) { return fmt::to_string(broker::group_members_max); }},
    ServerConfig{"group.min.session.timeout.ms", integer,
                 [](const KafkaCall&) { return ms_of(broker::session_timeout_min); }},
    ServerConfig{"log.dirs", string, [](const KafkaCall& c) { return c.parts.data_directory; }},
    ServerConfig{"node.id", integer, [](const KafkaCall&) { return fmt::to_string(only_broker.value()); }},
    ServerConfig{"num.partitions", integer,
                 [](const KafkaCall& c) {
                   return fmt::to_string(c.parts.broker.options().topic_defaults.partitions);
                 }},
    ServerConfig{"offset.metadata.max.bytes", integer,
                 [](const KafkaCall&) { return fmt::to_string(broker::offset_metadata_bytes_max); }},
    ServerConfig{"offsets.retention.minutes", integer,
                 [](const KafkaCall&) {
                   using std::chrono::minutes;
                   return fmt::to_string(
                       std::chrono::duration_cast<minutes>(broker::idle_offsets_kept).count());
                 }},
};

// The server's names for what a topic has when nothing is said.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> of_topics = {{
    {"log.cleaner.delete.retention.ms", "delete.retention.ms"},
    {"log.cleanup.policy", "cleanup.policy"},
    {"log.message.timestamp.type", "message.timestamp.type"},
    {"log.retention.bytes", "retention.bytes"},
    {"log.retention.ms", "retention.ms"},
    {"message.max.bytes", "max.message.bytes"},
}};

}  // namespace

std::vector<ShownConfig> server_configs(const KafkaCall& call) {
  constexpr std::string_view about = "Read-only: pabal serve sets it, or it is a limit of the server";
  std::vector<ShownConfig> all;
  for (const ServerConfig& config : configs) {
    all.push_back({.name = config.name, .value = config.show(call), .type = config.type, .about = about});
  }
  const broker::TopicSettings& defaults = call.parts.broker.options().topic_defaults;
  for (ShownConfig& topic : topic_configs(defaults, defaults)) {
    for (const auto& [name, topic_name] : of_topics) {
      if (topic.name != topic_name) continue;
      all.push_back({.name = name, .value = std::move(topic.value), .type = topic.type, .about = about});
    }
  }
  for (ShownConfig& config : all) {
    config.initial = config.value;
    config.source = kafka::ConfigSource::static_broker;
    config.read_only = true;
  }
  std::ranges::sort(all, {}, &ShownConfig::name);
  return all;
}

}  // namespace pabal::doors
