#include "broker/topic_table.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "broker/names.h"

namespace pabal::broker {
namespace {

using Json = nlohmann::json;

int64_t ms_of(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

std::string text_field(const Json& json, const char* name) {
  auto it = json.find(name);
  return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// Takes a whole number into `field`, which keeps its value when the record has none. False for anything else.
template <class T>
bool take_number(const Json& json, const char* name, int64_t min, int64_t max, T& field) {
  auto it = json.find(name);
  if (it == json.end()) return true;
  if (!it->is_number_integer()) return false;
  auto number = it->get<int64_t>();
  if (number < min || number > max) return false;
  field = static_cast<T>(number);
  return true;
}

// Names and values of text; a record of before there were any has none.
bool take_kept(const Json& json, std::map<std::string, std::string>& kept) {
  auto it = json.find("kept");
  if (it == json.end()) return true;
  if (!it->is_object()) return false;
  for (const auto& [name, value] : it->items()) {
    if (!value.is_string()) return false;
    kept.emplace(name, value.get<std::string>());
  }
  return true;
}

Error bad_setting(const char* field, const std::string& problem) {
  return {ErrorCode::invalid, fmt::format("{}: {}", field, problem), {{field, problem}}};
}

Result<void> check_kept(const std::map<std::string, std::string>& kept) {
  if (kept.size() > kept_settings_max) {
    return error(ErrorCode::invalid, "{} settings without effect, at most {} are kept", kept.size(),
                 kept_settings_max);
  }
  for (const auto& [name, value] : kept) {
    if (!is_utf8(name) || !is_utf8(value)) {
      return error(ErrorCode::invalid, "the setting {:?} is not UTF-8", name.substr(0, kept_name_bytes_max));
    }
    if (name.size() > kept_name_bytes_max || value.size() > kept_value_bytes_max) {
      return error(ErrorCode::invalid, "{:?} has {} bytes and its value {}; at most {} and {}",
                   name.substr(0, kept_name_bytes_max), name.size(), value.size(), kept_name_bytes_max,
                   kept_value_bytes_max);
    }
  }
  return {};
}

constexpr Durability durabilities[] = {Durability::flushed, Durability::written, Durability::memory};

// A record of before there were others has none.
bool take_durability(const Json& json, Durability& durability) {
  if (!json.contains("durability")) return true;
  std::string name = text_field(json, "durability");
  auto found = std::ranges::find(durabilities, name, [](Durability each) { return name_of(each); });
  if (found == std::end(durabilities)) return false;
  durability = *found;
  return true;
}

}  // namespace

std::string_view name_of(Durability durability) {
  if (durability == Durability::written) return "written";
  return durability == Durability::memory ? "memory" : "flushed";
}

std::string_view name_of(Cleanup cleanup) {
  if (cleanup == Cleanup::compact_and_delete) return "compact,delete";
  return compacts(cleanup) ? "compact" : "delete";
}

std::string TopicRecord::encode() const {
  Json json = {{"id", id.to_string()},
               {"partitions", settings.partitions},
               {"retention_ms", ms_of(settings.retention_time)},
               {"retention_bytes", settings.retention_bytes},
               {"durability", name_of(settings.durability)},
               {"cleanup", name_of(settings.cleanup)},
               {"tombstones_kept_ms", ms_of(settings.tombstones_kept)},
               {"timestamps", settings.timestamps == Timestamps::append ? "append" : "create"}};
  if (settings.message_bytes_max != batch_bytes_max) json["message_bytes_max"] = settings.message_bytes_max;
  if (!settings.kept.empty()) json["kept"] = settings.kept;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<TopicRecord> TopicRecord::decode(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  TopicRecord record;
  TopicSettings& settings = record.settings;
  std::optional<Uuid> id;
  if (json.is_object()) id = Uuid::parse(text_field(json, "id"));
  int64_t retention_ms = ms_of(settings.retention_time);
  int64_t tombstones_ms = ms_of(settings.tombstones_kept);
  if (!id || !take_number(json, "partitions", 1, partitions_max, settings.partitions) ||
      !take_number(json, "retention_ms", 0, ms_of(Duration::max()), retention_ms) ||
      !take_number(json, "tombstones_kept_ms", 0, ms_of(Duration::max()), tombstones_ms) ||
      !take_number(json, "retention_bytes", 0, std::numeric_limits<int64_t>::max(),
                   settings.retention_bytes) ||
      !take_number(json, "message_bytes_max", 1, batch_bytes_max, settings.message_bytes_max) ||
      !take_durability(json, settings.durability) || !take_kept(json, settings.kept)) {
    return error(ErrorCode::corrupt, "{:?} is no topic's record", text.substr(0, 100));
  }
  record.id = *id;
  settings.retention_time = std::chrono::milliseconds(retention_ms);
  settings.tombstones_kept = std::chrono::milliseconds(tombstones_ms);
  for (Cleanup cleanup : {Cleanup::compact, Cleanup::compact_and_delete}) {
    if (text_field(json, "cleanup") == name_of(cleanup)) settings.cleanup = cleanup;
  }
  if (text_field(json, "timestamps") == "append") settings.timestamps = Timestamps::append;
  return record;
}

namespace {

Result<void> check_partitions(const TopicSettings& standing, const TopicChange& change) {
  int32_t wanted = change.partitions.value_or(standing.partitions);
  if (wanted < 1 || wanted > partitions_max) {
    return std::unexpected(
        bad_setting("partitions", fmt::format("{} is not from 1 to {}", wanted, partitions_max)));
  }
  if (wanted < standing.partitions) {
    return error(ErrorCode::conflict, "{} partitions stand, {} were asked for: partitions never shrink",
                 standing.partitions, wanted);
  }
  bool moves_keys = compacts(standing.cleanup) && wanted > standing.partitions;
  if (moves_keys && !change.rekey) {
    return error(ErrorCode::conflict,
                 "the topic is compacted, and more partitions move keys away from their earlier records: say "
                 "\"rekey\": true");
  }
  return {};
}

Result<void> check_retention(const TopicSettings& standing, const TopicChange& change) {
  bool for_ever = change.cleanup.value_or(standing.cleanup) == Cleanup::compact;
  bool limits = change.retention_time.value_or(Duration::zero()) > Duration::zero() ||
                change.retention_bytes.value_or(0) > 0;
  if (!for_ever || !limits || change.retention_may_rest) return {};
  return std::unexpected(Error{
      ErrorCode::invalid,
      "a compacted topic keeps the latest record of each key for ever: leave retention out, say null, or let "
      "cleanup be \"compact,delete\"",
      {{"retention", "does not go together with cleanup \"compact\""}}});
}

Result<void> check_message_bytes(const TopicChange& change) {
  size_t bytes = change.message_bytes_max.value_or(batch_bytes_max);
  if (bytes >= 1 && bytes <= batch_bytes_max) return {};
  return std::unexpected(
      bad_setting("max_message_size", fmt::format("{} bytes is not from 1 to {}", bytes, batch_bytes_max)));
}

}  // namespace

Result<TopicSettings> changed(TopicSettings settings, const TopicChange& change) {
  if (auto fine = check_partitions(settings, change); !fine) return std::unexpected(fine.error());
  if (auto fine = check_retention(settings, change); !fine) return std::unexpected(fine.error());
  if (auto fine = check_message_bytes(change); !fine) return std::unexpected(fine.error());
  settings.cleanup = change.cleanup.value_or(settings.cleanup);
  settings.tombstones_kept = change.tombstones_kept.value_or(settings.tombstones_kept);
  settings.partitions = change.partitions.value_or(settings.partitions);
  settings.retention_time = change.retention_time.value_or(settings.retention_time);
  settings.retention_bytes = change.retention_bytes.value_or(settings.retention_bytes);
  settings.timestamps = change.timestamps.value_or(settings.timestamps);
  settings.durability = change.durability.value_or(settings.durability);
  settings.message_bytes_max = change.message_bytes_max.value_or(settings.message_bytes_max);
  for (const auto& [name, value] : change.kept) {
    settings.kept.erase(name);
    if (value) settings.kept.emplace(name, *value);
  }
  if (auto fine = check_kept(settings.kept); !fine) return std::unexpected(fine.error());
  return settings;
}

Result<void> check_durability(const TopicSettings& standing, const TopicChange& change) {
  if (!change.durability || *change.durability == standing.durability) return {};
  std::string problem = fmt::format(
      "\"{}\" stands and \"{}\" was asked for: a topic keeps the durability it was made with; make another "
      "topic",
      name_of(standing.durability), name_of(*change.durability));
  return std::unexpected(Error{ErrorCode::conflict, "durability: " + problem, {{"durability", problem}}});
}

engine::LogId producers_log(TopicId topic) {
  // An id of its own that follows from the topic's: a version-8 UUID (RFC 9562), which no topic has.
  topic.bytes[6] = static_cast<uint8_t>((topic.bytes[6] & 0x0F) | 0x80);
  return {topic, PartitionIndex(0)};
}

engine::LogId idempotence_log(TopicId topic) { return {producers_log(topic).topic, PartitionIndex(1)}; }

engine::LogId partition_log(TopicId topic, PartitionIndex partition) { return {topic, partition}; }

engine::LogSettings log_settings(const std::string& name, const TopicSettings& settings) {
  engine::LogSettings log{.name = name, .durability = settings.durability};
  if (settings.cleanup != Cleanup::compact) {
    log.retention_time = settings.retention_time;
    log.retention_bytes = settings.retention_bytes;
  }
  if (compacts(settings.cleanup)) {
    log.compact = true;
    log.tombstones_kept = settings.tombstones_kept;
  }
  return log;
}

}  // namespace pabal::broker
