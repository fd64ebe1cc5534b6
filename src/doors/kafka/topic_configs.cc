#include "doors/kafka/topic_configs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <limits>

namespace pabal::doors {
namespace {

using broker::TopicChange;
using broker::TopicSettings;
using enum kafka::ConfigType;
using std::chrono::milliseconds;

constexpr std::string_view for_ever = "-1";
constexpr std::string_view never = "9223372036854775807";
constexpr int64_t any_number = std::numeric_limits<int64_t>::min();

std::string text_of(Duration d) {
  return fmt::to_string(std::chrono::duration_cast<milliseconds>(d).count());
}

// Values have been checked: a number is one, and within its limits.
int64_t number_of(std::string_view value) {
  int64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

Duration duration_of(std::string_view value) {
  auto max = std::chrono::duration_cast<milliseconds>(Duration::max());
  return milliseconds(std::min<int64_t>(number_of(value), max.count()));
}

// Zero stands for no limit here, and for a limit of nothing in Kafka: the least there is, then.
std::string show_retention_ms(const TopicSettings& s) {
  return s.retention_time == Duration::zero() ? std::string(for_ever) : text_of(s.retention_time);
}
void set_retention_ms(std::string_view value, TopicChange& change) {
  int64_t ms = number_of(value);
  Duration least = milliseconds(1);
  change.retention_time = ms < 0 || value == never ? Duration::zero() : std::max(duration_of(value), least);
}
std::string show_retention_bytes(const TopicSettings& s) {
  return s.retention_bytes == 0 ? std::string(for_ever) : fmt::to_string(s.retention_bytes);
}
void set_retention_bytes(std::string_view value, TopicChange& change) {
  int64_t bytes = number_of(value);
  change.retention_bytes = bytes < 0 ? 0 : std::max<uint64_t>(static_cast<uint64_t>(bytes), 1);
}
std::string show_cleanup(const TopicSettings& s) { return std::string(broker::name_of(s.cleanup)); }
void set_cleanup(std::string_view value, TopicChange& change) {
  using broker::Cleanup;
  bool both = value.contains(',');
  change.cleanup = both                 ? Cleanup::compact_and_delete
                   : value == "compact" ? Cleanup::compact
                                        : Cleanup::delete_old;
}
std::string show_tombstones(const TopicSettings& s) { return text_of(s.tombstones_kept); }
void set_tombstones(std::string_view value, TopicChange& change) {
  change.tombstones_kept = duration_of(value);
}
std::string show_timestamps(const TopicSettings& s) {
  return s.timestamps == broker::Timestamps::append ? "LogAppendTime" : "CreateTime";
}
void set_timestamps(std::string_view value, TopicChange& change) {
  change.timestamps = value == "LogAppendTime" ? broker::Timestamps::append : broker::Timestamps::create;
}
std::string show_message_bytes(const TopicSettings& s) { return fmt::to_string(s.message_bytes_max); }
void set_message_bytes(std::string_view value, TopicChange& change) {
  change.message_bytes_max = static_cast<size_t>(number_of(value));
}
std::string show_durability(const TopicSettings& s) { return std::string(broker::name_of(s.durability)); }
void set_durability(std::string_view value, TopicChange& change) {
  using broker::Durability;
  change.durability = value == "written"  ? Durability::written
                      : value == "memory" ? Durability::memory
                                          : Durability::flushed;
}

struct TopicConfig {
  std::string_view name;
  kafka::ConfigType type;
  std::string_view about;
  int64_t min = any_number;
  int64_t max = std::numeric_limits<int64_t>::max();
  std::string_view values = {};  // allowed ones, with bars between; empty: any
  // What it is here; else it is kept without effect, and `initial` stands until it is set.
  std::string (*show)(const TopicSettings&) = nullptr;
  void (*set)(std::string_view value, TopicChange&) = nullptr;
  std::string_view initial = {};
  bool shown_unset = true;  // not what newer Kafkas no longer know
  bool for_good = false;    // said when the topic is made

  [[nodiscard]] bool has_effect() const { return show != nullptr; }
};

constexpr std::string_view no_effect = "Kept and given back; without effect here";
constexpr std::string_view one_replica = "Kept and given back; there is one replica of everything here";
constexpr std::string_view not_tiered = "Kept and given back; nothing is tiered here";
constexpr std::string_view older = "Kept and given back; newer Kafkas do not know it";

// By name.
constexpr std::array configs = {
    TopicConfig{
        .name = "cleanup.policy",
        .type = list,
        .about = "delete: records go by age and size; compact: of each key the latest is kept; or both",
        .values = "delete|compact|compact,delete|delete,compact",
        .show = show_cleanup,
        .set = set_cleanup},
    TopicConfig{.name = "compression.type",
                .type = string,
                .about = "Kept and given back; batches stay compressed as their producer did it",
                .values = "producer|uncompressed|gzip|snappy|lz4|zstd",
                .initial = "producer"},
    TopicConfig{.name = "delete.retention.ms",
                .type = long_integer,
                .about = "How long a compacted topic keeps a record without a value",
                .min = 0,
                .show = show_tombstones,
                .set = set_tombstones},
    TopicConfig{.name = "file.delete.delay.ms",
                .type = long_integer,
                .about = no_effect,
                .min = 0,
                .initial = "60000"},
    TopicConfig{.name = "flush.messages",
                .type = long_integer,
                .about = "Kept and given back; pabal.durability says what an acknowledgement promises",
                .min = 1,
                .initial = "1"},
    TopicConfig{.name = "flush.ms",
                .type = long_integer,
                .about = "Kept and given back; pabal.durability says what an acknowledgement promises",
                .min = 0,
                .initial = never},
    TopicConfig{.name = "follower.replication.throttled.replicas", .type = list, .about = one_replica},
    TopicConfig{
        .name = "index.interval.bytes", .type = integer, .about = no_effect, .min = 0, .initial = "4096"},
    TopicConfig{.name = "leader.replication.throttled.replicas", .type = list, .about = one_replica},
    TopicConfig{.name = "local.retention.bytes",
                .type = long_integer,
                .about = not_tiered,
                .min = -2,
                .initial = "-2"},
    TopicConfig{
        .name = "local.retention.ms", .type = long_integer, .about = not_tiered, .min = -2, .initial = "-2"},
    TopicConfig{.name = "max.compaction.lag.ms",
                .type = long_integer,
                .about = no_effect,
                .min = 1,
                .initial = never},
    TopicConfig{.name = "max.message.bytes",
                .type = integer,
                .about = "The most bytes of one record batch, as it comes; of other doors: of key and value",
                .min = 1,
                .max = broker::batch_bytes_max,
                .show = show_message_bytes,
                .set = set_message_bytes},
    TopicConfig{.name = "message.downconversion.enable",
                .type = boolean,
                .about = older,
                .initial = "true",
                .shown_unset = false},
    TopicConfig{.name = "message.format.version", .type = string, .about = older, .shown_unset = false},
    TopicConfig{.name = "message.timestamp.after.max.ms",
                .type = long_integer,
                .about = no_effect,
                .min = 0,
                .initial = never},
    TopicConfig{.name = "message.timestamp.before.max.ms",
                .type = long_integer,
                .about = no_effect,
                .min = 0,
                .initial = never},
    TopicConfig{.name = "message.timestamp.difference.max.ms",
                .type = long_integer,
                .about = older,
                .min = 0,
                .initial = never,
                .shown_unset = false},
    TopicConfig{.name = "message.timestamp.type",
                .type = string,
                .about = "CreateTime: as the producer says; LogAppendTime: when the record arrives",
                .values = "CreateTime|LogAppendTime",
                .show = show_timestamps,
                .set = set_timestamps},
    TopicConfig{.name = "min.cleanable.dirty.ratio", .type = floating, .about = no_effect, .initial = "0.5"},
    TopicConfig{
        .name = "min.compaction.lag.ms", .type = long_integer, .about = no_effect, .min = 0, .initial = "0"},
    TopicConfig{
        .name = "min.insync.replicas", .type = integer, .about = one_replica, .min = 1, .initial = "1"},
    TopicConfig{.name = "pabal.durability",
                .type = string,
                .about = "What an acknowledgement promises: flushed to the disk, written, or in memory",
                .values = "flushed|written|memory",
                .show = show_durability,
                .set = set_durability,
                .for_good = true},
    TopicConfig{.name = "preallocate", .type = boolean, .about = no_effect, .initial = "false"},
    TopicConfig{.name = "remote.log.copy.disable", .type = boolean, .about = not_tiered, .initial = "false"},
    TopicConfig{
        .name = "remote.log.delete.on.disable", .type = boolean, .about = not_tiered, .initial = "false"},
    TopicConfig{.name = "remote.storage.enable", .type = boolean, .about = not_tiered, .initial = "false"},
    TopicConfig{.name = "retention.bytes",
                .type = long_integer,
                .about = "The most bytes of a partition, the oldest records go first; -1: no limit",
                .min = -1,
                .show = show_retention_bytes,
                .set = set_retention_bytes},
    TopicConfig{.name = "retention.ms",
                .type = long_integer,
                .about = "How long records are kept, counted from their arrival; -1: for ever",
                .min = -1,
                .show = show_retention_ms,
                .set = set_retention_ms},
    TopicConfig{.name = "segment.bytes",
                .type = integer,
                .about = "Kept and given back; segments have 128 MiB, of compacted topics 16 MiB",
                .min = 14,
                .initial = "134217728"},
    TopicConfig{
        .name = "segment.index.bytes", .type = integer, .about = no_effect, .min = 4, .initial = "10485760"},
    TopicConfig{
        .name = "segment.jitter.ms", .type = long_integer, .about = no_effect, .min = 0, .initial = "0"},
    TopicConfig{
        .name = "segment.ms", .type = long_integer, .about = no_effect, .min = 1, .initial = "604800000"},
    TopicConfig{
        .name = "unclean.leader.election.enable", .type = boolean, .about = one_replica, .initial = "false"},
};

Result<const TopicConfig*> find(std::string_view name) {
  const auto* found = std::ranges::find(configs, name, &TopicConfig::name);
  if (found != configs.end()) return found;
  return error(ErrorCode::invalid,
               "{:?} is no setting of a topic; right is one that Kafka knows, like retention.ms",
               name.substr(0, broker::kept_name_bytes_max));
}

bool is_among(std::string_view value, std::string_view values) {
  for (size_t from = 0; from <= values.size();) {
    size_t bar = std::min(values.find('|', from), values.size());
    if (values.substr(from, bar - from) == value) return true;
    from = bar + 1;
  }
  return false;
}

// What would be right, when the value is not.
std::optional<std::string> right_instead(const TopicConfig& config, std::string_view value) {
  const char* end = value.data() + value.size();
  if (config.type == boolean && value != "true" && value != "false") return "true or false";
  if (config.type == integer || config.type == long_integer) {
    int64_t max = config.type == integer ? std::min<int64_t>(config.max, INT32_MAX) : config.max;
    int64_t number = 0;
    auto [stop, problem] = std::from_chars(value.data(), end, number);
    bool whole = problem == std::errc() && stop == end;
    if (!whole || number < config.min || number > max) {
      return fmt::format("a whole number from {} to {}", config.min, max);
    }
  }
  if (config.type == floating) {
    double number = 0;
    auto [stop, problem] = std::from_chars(value.data(), end, number);
    if (problem != std::errc() || stop != end || !(number >= 0 && number <= 1)) return "a number from 0 to 1";
  }
  if (config.values.empty() || is_among(value, config.values)) return std::nullopt;
  std::string names(config.values);
  std::ranges::replace(names, '|', ' ');
  return fmt::format("one of: {}", names);
}

std::string value_of(const TopicConfig& config, const TopicSettings& settings) {
  if (config.has_effect()) return config.show(settings);
  auto kept = settings.kept.find(std::string(config.name));
  return std::string(kept != settings.kept.end() ? std::string_view(kept->second) : config.initial);
}

void reset(const TopicConfig& config, const TopicSettings& defaults, TopicChange& change) {
  if (config.has_effect()) {
    config.set(config.show(defaults), change);
  } else {
    change.kept[std::string(config.name)] = std::nullopt;
  }
}

std::vector<std::string> items_of(std::string_view text) {
  std::vector<std::string> items;
  for (size_t from = 0; from < text.size();) {
    size_t comma = std::min(text.find(',', from), text.size());
    if (comma > from) items.emplace_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return items;
}

}  // namespace

std::vector<ShownConfig> topic_configs(const TopicSettings& settings, const TopicSettings& defaults) {
  std::vector<ShownConfig> all;
  for (const TopicConfig& config : configs) {
    bool kept = settings.kept.contains(std::string(config.name));
    if (!config.shown_unset && !kept) continue;
    ShownConfig shown{.name = config.name,
                      .value = value_of(config, settings),
                      .initial = config.has_effect() ? config.show(defaults) : std::string(config.initial),
                      .type = config.type,
                      .read_only = config.for_good,
                      .about = config.about};
    if (kept || (config.has_effect() && shown.value != shown.initial)) {
      shown.source = kafka::ConfigSource::topic;
    }
    all.push_back(std::move(shown));
  }
  return all;
}

Result<void> set_topic_config(std::string_view name, const std::optional<std::string>& value,
                              TopicChange& change) {
  auto config = find(name);
  if (!config) return std::unexpected(config.error());
  if (!value) return error(ErrorCode::invalid, "{} without a value", name);
  if (auto right = right_instead(**config, *value)) {
    return error(ErrorCode::invalid, "{}: read {:?}; right is {}", name,
                 std::string_view(*value).substr(0, broker::kept_name_bytes_max), *right);
  }
  if ((*config)->has_effect()) {
    (*config)->set(*value, change);
  } else {
    change.kept[std::string(name)] = *value;
  }
  return {};
}

Result<void> reset_topic_config(std::string_view name, const TopicSettings& defaults, TopicChange& change) {
  auto config = find(name);
  if (!config) return std::unexpected(config.error());
  reset(**config, defaults, change);
  return {};
}

void reset_topic_configs(const TopicSettings& defaults, TopicChange& change) {
  for (const TopicConfig& config : configs) {
    if (!config.for_good) reset(config, defaults, change);
  }
}

Result<std::string> changed_list(std::string_view name, const TopicSettings& settings, std::string_view items,
                                 bool add) {
  auto config = find(name);
  if (!config) return std::unexpected(config.error());
  if ((*config)->type != list) {
    return error(ErrorCode::invalid, "{} is no list: it can be set, and nothing be added or taken away",
                 name);
  }
  std::vector<std::string> now = items_of(value_of(**config, settings));
  for (std::string& item : items_of(items)) {
    std::erase(now, item);
    if (add) now.push_back(std::move(item));
  }
  return fmt::format("{}", fmt::join(now, ","));
}

}  // namespace pabal::doors
