#include "doors/http/record_start.h"

#include "base/units.h"

namespace pabal::doors {
namespace {

std::optional<broker::StartPoint> read_from(Query& query) {
  auto text = query.text("from");
  if (!text) return std::nullopt;
  if (*text == "latest") return broker::StartAt::latest;
  if (*text == "earliest") return broker::StartAt::earliest;
  if (auto time = parse_time(*text)) return *time;
  query.problem("from", "read '" + *text + "'; right is latest, earliest or a time as in RFC 3339");
  return std::nullopt;
}

std::optional<Position> read_after(Query& query) {
  auto text = query.text("after");
  if (!text) return std::nullopt;
  auto position = Position::parse(*text);
  if (!position) query.problem("after", "read '" + *text + "'; right is the `next` of an earlier answer");
  return position;
}

// A position, moved into what is kept. One past the end is of an earlier topic of this name.
Offset within(const broker::PartitionInfo& p, Offset asked, std::vector<Reset>& resets) {
  if (asked >= p.range.first && asked <= p.range.next) return asked;
  resets.push_back({p.partition, asked, p.range.first});
  return p.range.first;
}

Result<Offset> at_offset(const broker::PartitionInfo& p, Offset asked, std::vector<Reset>& resets) {
  if (asked <= p.range.next) return within(p, asked, resets);
  return error(ErrorCode::invalid, "partition {} ends at offset {}; {} is past it", p.partition, p.range.next,
               asked);
}

}  // namespace

RecordStart RecordStart::read(Query& query, broker::StartAt otherwise) {
  RecordStart start;
  if (auto p = query.integer("partition", 0, INT32_MAX))
    start.partition = PartitionIndex(static_cast<int32_t>(*p));
  if (auto o = query.integer("offset", 0, INT64_MAX)) start.offset = Offset(*o);
  auto from = read_from(query);
  start.from = from.value_or(otherwise);
  start.after = read_after(query);
  int ways = (start.offset ? 1 : 0) + (from ? 1 : 0) + (start.after ? 1 : 0);
  if (ways > 1) query.problem("offset", "from and after exclude each other");
  return start;
}

runtime::Task<Result<Position>> resolve_start(broker::Broker& broker, const broker::TopicInfo& topic,
                                              RecordStart start, std::vector<Reset>& resets) {
  Position position;
  if (start.offset && !start.partition && topic.partitions.size() > 1) {
    co_return error(ErrorCode::invalid,
                    "{} has {} partitions; say which one `offset` is meant for with partition=", topic.name,
                    topic.partitions.size());
  }
  for (const broker::PartitionInfo& p : topic.partitions) {
    if (start.partition && *start.partition != p.partition) continue;
    Result<Offset> next = p.range.first;
    if (start.after) {
      next = within(p, start.after->at(p.partition).value_or(p.range.first), resets);
    } else if (start.offset) {
      next = at_offset(p, *start.offset, resets);
    } else if (start.from != broker::StartPoint(broker::StartAt::earliest)) {
      next = co_await broker.find(topic.name, p.partition, start.from);
    }
    if (!next) co_return std::unexpected(next.error());
    position.set(p.partition, *next);
  }
  if (position.all().empty()) {
    co_return error(ErrorCode::not_found, "{} has no partition {}; it has {}", topic.name,
                    start.partition.value_or(PartitionIndex(0)), topic.partitions.size());
  }
  co_return position;
}

}  // namespace pabal::doors
