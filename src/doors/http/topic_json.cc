#include "doors/http/topic_json.h"

#include "base/units.h"

namespace pabal::doors {
namespace {

constexpr int64_t partitions_max = 100'000;
constexpr Duration retention_max = std::chrono::days(10'000);

void read_retention(const Field& field, broker::TopicChange& change) {
  field.object({
      {"time",
       [&](const Field& f) {
         change.retention_time = f.is_null() ? Duration::zero() : f.duration(retention_max);
       }},
      {"size", [&](const Field& f) { change.retention_bytes = f.is_null() ? uint64_t{0} : f.size(); }},
  });
}

// What this server can do so far, and a clear no to the rest.
void read_durability(const Field& field) {
  auto read = field.one_of<int>({{"flushed", 0}, {"written", 1}, {"memory", 2}});
  if (read && *read != 0) field.problem("is not built yet in this version; \"flushed\" is");
}

void read_cleanup(const Field& field, broker::TopicChange& change) {
  change.cleanup = field.one_of<broker::Cleanup>(
      {{"delete", broker::Cleanup::delete_old}, {"compact", broker::Cleanup::compact}});
}

Json partition_json(const broker::PartitionInfo& p) {
  return {{"partition", p.partition.value()},
          {"first_offset", p.range.first.value()},
          {"next_offset", p.range.next.value()},
          {"bytes", p.range.bytes}};
}

}  // namespace

Result<broker::TopicChange> read_topic_change(std::string_view body) {
  broker::TopicChange change;
  auto read =
      read_object(body, true,
                  {{"partitions",
                    [&](const Field& f) {
                      if (auto n = f.integer(1, partitions_max)) change.partitions = static_cast<int32_t>(*n);
                    }},
                   {"retention", [&](const Field& f) { read_retention(f, change); }},
                   {"cleanup", [&](const Field& f) { read_cleanup(f, change); }},
                   {"durability", [&](const Field& f) { read_durability(f); }},
                   {"timestamps",
                    [&](const Field& f) {
                      change.timestamps = f.one_of<broker::Timestamps>(
                          {{"create", broker::Timestamps::create}, {"append", broker::Timestamps::append}});
                    }},
                   {"rekey", [&](const Field& f) { change.rekey = f.boolean().value_or(false); }}});
  if (!read) return std::unexpected(read.error());
  return change;
}

Json topic_json(const broker::TopicInfo& topic) {
  const broker::TopicSettings& s = topic.settings;
  Json retention = {{"time", nullptr}, {"size", nullptr}};
  if (s.retention_time != Duration::zero()) retention["time"] = format_duration(s.retention_time);
  if (s.retention_bytes != 0) retention["size"] = format_size(s.retention_bytes);
  Json json = {{"name", topic.name},
               {"id", topic.id.to_string()},
               {"partitions", Json::array()},
               {"retention", retention},
               {"cleanup", s.cleanup == broker::Cleanup::compact ? "compact" : "delete"},
               {"durability", "flushed"},
               {"timestamps", s.timestamps == broker::Timestamps::append ? "append" : "create"},
               {"internal", topic.internal}};
  for (const broker::PartitionInfo& p : topic.partitions) json["partitions"].push_back(partition_json(p));
  return json;
}

}  // namespace pabal::doors
