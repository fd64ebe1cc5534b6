#include "doors/http/topic_json.h"

#include <algorithm>
#include <set>

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

void read_durability(const Field& field, broker::TopicChange& change) {
  change.durability = field.one_of<broker::Durability>({{"flushed", broker::Durability::flushed},
                                                        {"written", broker::Durability::written},
                                                        {"memory", broker::Durability::memory}});
}

void read_cleanup(const Field& field, broker::TopicChange& change) {
  change.cleanup = field.one_of<broker::Cleanup>({{"delete", broker::Cleanup::delete_old},
                                                  {"compact", broker::Cleanup::compact},
                                                  {"compact,delete", broker::Cleanup::compact_and_delete}});
}

std::optional<Deletion> read_deletion(const Field& field) {
  std::optional<int64_t> partition;
  std::optional<Offset> before;
  bool all = false;
  field.object({{"partition", [&](const Field& f) { partition = f.integer(0, partitions_max); }},
                {"before_offset", [&](const Field& f) {
                   all = f.value().text() == "next";
                   if (all) return;
                   if (auto n = f.integer(-1, INT64_MAX)) {
                     all = *n == -1;
                     if (!all) before = Offset(*n);
                   }
                 }}});
  if (!partition || (!before && !all)) {
    if (!field.full())
      field.problem("needs \"partition\" and \"before_offset\": an offset, or \"next\" for all");
    return std::nullopt;
  }
  return Deletion{PartitionIndex(static_cast<int32_t>(*partition)), before};
}

Json partition_json(const broker::PartitionInfo& p) {
  return {{"partition", p.partition.value()},
          {"first_offset", p.range.first.value()},
          {"next_offset", p.range.next.value()},
          {"bytes", p.range.bytes},
          {"lost", p.range.lost}};
}

}  // namespace

Result<broker::TopicChange> read_topic_change(std::string_view body) {
  broker::TopicChange change;
  auto read = read_object(
      body, true,
      {{"partitions",
        [&](const Field& f) {
          if (auto n = f.integer(1, partitions_max)) change.partitions = static_cast<int32_t>(*n);
        }},
       {"retention", [&](const Field& f) { read_retention(f, change); }},
       {"cleanup", [&](const Field& f) { read_cleanup(f, change); }},
       {"tombstones_kept", [&](const Field& f) { change.tombstones_kept = f.duration(retention_max); }},
       {"durability", [&](const Field& f) { read_durability(f, change); }},
       {"max_message_size", [&](const Field& f) { change.message_bytes_max = f.size(); }},
       {"timestamps",
        [&](const Field& f) {
          change.timestamps = f.one_of<broker::Timestamps>(
              {{"create", broker::Timestamps::create}, {"append", broker::Timestamps::append}});
        }},
       {"rekey", [&](const Field& f) { change.rekey = f.boolean().value_or(false); }}});
  if (!read) return std::unexpected(read.error());
  return change;
}

Result<std::vector<Deletion>> read_deletions(std::string_view body) {
  std::vector<Deletion> all;
  auto read = read_object(body, false, {{"partitions", [&](const Field& list) {
                                           list.array(partitions_max, [&](const Field& f) {
                                             if (auto one = read_deletion(f)) all.push_back(*one);
                                           });
                                         }}});
  if (!read) return std::unexpected(read.error());
  if (!all.empty()) return all;
  return std::unexpected(Error{ErrorCode::invalid,
                               "partitions: say at least one, like {\"partition\": 0, \"before_offset\": 17}",
                               {{"partitions", "it is missing or empty"}}});
}

Result<void> check_deletions(const broker::TopicInfo& topic, const std::vector<Deletion>& deletions) {
  std::set<PartitionIndex> seen;
  Problems problems;
  for (size_t i = 0; i < deletions.size() && problems.size() < problems_max; ++i) {
    const Deletion& deletion = deletions[i];
    std::string path = fmt::format("partitions[{}].", i);
    auto found = std::ranges::find(topic.partitions, deletion.partition, &broker::PartitionInfo::partition);
    if (found == topic.partitions.end()) {
      problems.push_back({path + "partition", fmt::format("{} is not from 0 to {}", deletion.partition,
                                                          topic.partitions.size() - 1)});
    } else if (deletion.before && *deletion.before > found->range.next) {
      problems.push_back({path + "before_offset", fmt::format("{} is past the end of the partition, {}",
                                                              *deletion.before, found->range.next)});
    }
    if (!seen.insert(deletion.partition).second) {
      problems.push_back({path + "partition", fmt::format("{} comes twice", deletion.partition)});
    }
  }
  return as_result(std::move(problems));
}

Json topic_json(const broker::TopicInfo& topic) {
  const broker::TopicSettings& s = topic.settings;
  Json retention = {{"time", nullptr}, {"size", nullptr}};
  bool ages = s.cleanup != broker::Cleanup::compact;
  if (ages && s.retention_time != Duration::zero()) retention["time"] = format_duration(s.retention_time);
  if (ages && s.retention_bytes != 0) retention["size"] = format_size(s.retention_bytes);
  Json json = {{"name", topic.name},
               {"id", topic.id.to_string()},
               {"partitions", Json::array()},
               {"retention", retention},
               {"cleanup", broker::name_of(s.cleanup)},
               {"durability", broker::name_of(s.durability)},
               {"max_message_size", format_size(s.message_bytes_max)},
               {"timestamps", s.timestamps == broker::Timestamps::append ? "append" : "create"},
               {"internal", topic.internal}};
  if (broker::compacts(s.cleanup)) json["tombstones_kept"] = format_duration(s.tombstones_kept);
  for (const broker::PartitionInfo& p : topic.partitions) json["partitions"].push_back(partition_json(p));
  return json;
}

}  // namespace pabal::doors
