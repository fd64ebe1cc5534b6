#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "doors/http/position.h"
#include "doors/http/query.h"

namespace pabal::doors {

// Where a reader of a topic asks to begin: `partition`, `offset`, `from`, `after`.
struct RecordStart {
  std::optional<PartitionIndex> partition = {};
  std::optional<Offset> offset = {};
  broker::StartPoint from = broker::StartAt::earliest;
  std::optional<Position> after = {};

  // `from` when the query does not say: earliest to read, latest to follow.
  static RecordStart read(Query& query, broker::StartAt otherwise);
};

struct Reset {
  PartitionIndex partition;
  Offset asked;
  Offset first_offset;
};

// The offsets to read next in each partition asked for, within what the topic still keeps. `resets` gets the
// partitions whose position had been removed. Errors: invalid (a partition or offset that is not there).
runtime::Task<Result<Position>> resolve_start(broker::Broker& broker, const broker::TopicInfo& topic,
                                              RecordStart start, std::vector<Reset>& resets);

}  // namespace pabal::doors
