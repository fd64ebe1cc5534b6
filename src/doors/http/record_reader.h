#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "doors/http/query.h"
#include "log/record.h"

namespace pabal::doors {

// Which records a reader wants: `key=`, `header.<name>=`; all of them must fit.
struct RecordFilter {
  std::optional<std::string> key = {};
  std::vector<std::pair<std::string, std::string>> headers = {};

  static RecordFilter read(Query& query);
  [[nodiscard]] bool matches(const log::RecordView& record) const;
};

// How much one call may look at and bring; at least one record is looked at.
struct ReadBudget {
  size_t records;        // that match
  size_t scanned_bytes;  // of batches
};

// Reads one partition from `next` on, calls `each` for every record that matches, and moves `next` behind the
// last one looked at. Returns when the end of the log or of the budget is reached; the budget keeps what is
// left.
runtime::Task<Result<void>> read_records(broker::Broker& broker, std::string topic, PartitionIndex partition,
                                         const RecordFilter& filter, Offset& next, ReadBudget& budget,
                                         const std::function<void(const log::StoredRecord&)>& each);

}  // namespace pabal::doors
