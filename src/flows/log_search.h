#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "flows/trace_memory.h"

namespace pabal::flows {

struct LogSearchRequest {
  std::string id;
  std::vector<std::string> headers;  // further headers whose value may be the id
  // By topic and partition: only records below these offsets are looked at; all when there is none.
  std::map<std::pair<std::string, int32_t>, int64_t> below;
  size_t bytes_max = 32_MiB;
  size_t entries_max = 1'000;
  Deadline deadline = Deadline::never();
};

struct LogMatches {
  std::vector<TraceEntry> entries;  // kinds published and dead
  bool whole = true;                // every record below was looked at
  int64_t bytes = 0;                // how much was read
  // The oldest time from which every record was looked at; nullopt when there was nothing to look at.
  std::optional<WallTime> from;
};

// Looks for records of one flow in the latest part of all topics: those whose key, ce_id, correlationid or
// search header is the id, and all that share a correlation id with them.
runtime::Task<LogMatches> search_logs(broker::Broker& broker, const Clock& clock, LogSearchRequest request);

}  // namespace pabal::flows
