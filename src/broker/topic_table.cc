#include "broker/topic_table.h"

#include <nlohmann/json.hpp>

#include "base/units.h"

namespace pabal::broker {
namespace {

using Json = nlohmann::json;

int64_t ms_of(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

template <class T>
T field(const Json& json, const char* name, T otherwise) {
  auto it = json.find(name);
  if (it == json.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>) {
    return it->is_string() ? it->template get<T>() : otherwise;
  } else {
    return it->is_number() ? it->template get<T>() : otherwise;
  }
}

}  // namespace

std::string TopicRecord::encode() const {
  return Json{{"id", id.to_string()},
              {"partitions", settings.partitions},
              {"retention_ms", ms_of(settings.retention_time)},
              {"retention_bytes", settings.retention_bytes},
              {"cleanup", settings.cleanup == Cleanup::compact ? "compact" : "delete"},
              {"timestamps", settings.timestamps == Timestamps::append ? "append" : "create"}}
      .dump();
}

Result<TopicRecord> TopicRecord::decode(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  TopicRecord record;
  std::optional<Uuid> id;
  if (json.is_object()) id = Uuid::parse(field<std::string>(json, "id", ""));
  if (!id) return error(ErrorCode::corrupt, "{:?} is no topic's record", text.substr(0, 100));
  record.id = *id;
  TopicSettings& settings = record.settings;
  settings.partitions = field(json, "partitions", settings.partitions);
  settings.retention_time =
      std::chrono::milliseconds(field(json, "retention_ms", ms_of(settings.retention_time)));
  settings.retention_bytes = field(json, "retention_bytes", settings.retention_bytes);
  if (field<std::string>(json, "cleanup", "") == "compact") settings.cleanup = Cleanup::compact;
  if (field<std::string>(json, "timestamps", "") == "append") settings.timestamps = Timestamps::append;
  return record;
}

Result<TopicSettings> changed(TopicSettings settings, const TopicChange& change) {
  int32_t partitions = change.partitions.value_or(settings.partitions);
  if (partitions < 1 || partitions > partitions_max) {
    return std::unexpected(
        Error{ErrorCode::invalid,
              fmt::format("{} partitions: from 1 to {}", partitions, partitions_max),
              {{"partitions", fmt::format("{} is not from 1 to {}", partitions, partitions_max)}}});
  }
  if (partitions < settings.partitions) {
    return error(ErrorCode::conflict, "{} partitions stand, {} were asked for: partitions never shrink",
                 settings.partitions, partitions);
  }
  if (change.cleanup == Cleanup::compact) {
    return error(ErrorCode::unsupported, "cleanup \"compact\" is not built yet; \"delete\" is");
  }
  settings.partitions = partitions;
  settings.retention_time = change.retention_time.value_or(settings.retention_time);
  settings.retention_bytes = change.retention_bytes.value_or(settings.retention_bytes);
  settings.timestamps = change.timestamps.value_or(settings.timestamps);
  return settings;
}

engine::LogId producers_log(TopicId topic) {
  // An id of its own that follows from the topic's: a version-8 UUID (RFC 9562), which no topic has.
  topic.bytes[6] = static_cast<uint8_t>((topic.bytes[6] & 0x0F) | 0x80);
  return {topic, PartitionIndex(0)};
}

engine::LogId partition_log(TopicId topic, PartitionIndex partition) { return {topic, partition}; }

engine::LogSettings log_settings(const std::string& name, const TopicSettings& settings) {
  return {name, settings.retention_time, settings.retention_bytes};
}

}  // namespace pabal::broker
