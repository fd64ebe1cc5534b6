#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/topic.h"
#include "protocol/kafka/types.h"

// A topic's settings under the names that Kafka has for them, and what it takes for a value. One table (in
// the .cc) knows them all: those that are settings here, and those that are only kept and given back.
namespace pabal::doors {

struct ShownConfig {
  std::string_view name = {};
  std::string value = {};
  std::string initial = {};  // what stands when nothing is said
  kafka::ConfigSource source = kafka::ConfigSource::default_value;
  kafka::ConfigType type = kafka::ConfigType::string;
  bool read_only = false;
  std::string_view about = {};
};

// All, by name. `defaults` are the server's.
[[nodiscard]] std::vector<ShownConfig> topic_configs(const broker::TopicSettings& settings,
                                                     const broker::TopicSettings& defaults);

// Adds to the change what setting `name` to `value` means. invalid, with a sentence: no such name, no such
// value.
[[nodiscard]] Result<void> set_topic_config(std::string_view name, const std::optional<std::string>& value,
                                            broker::TopicChange& change);
// The same for going back to what stands when nothing is said.
[[nodiscard]] Result<void> reset_topic_config(std::string_view name, const broker::TopicSettings& defaults,
                                              broker::TopicChange& change);
// For all that can be changed after a topic was made.
void reset_topic_configs(const broker::TopicSettings& defaults, broker::TopicChange& change);

// With `item` added to the list (or taken from it) that is the value now. invalid for what is no list.
[[nodiscard]] Result<std::string> changed_list(std::string_view name, const broker::TopicSettings& settings,
                                               std::string_view items, bool add);

}  // namespace pabal::doors
