#pragma once

#include <memory>
#include <string>

#include "engine/condition.h"
#include "engine/embedded.h"
#include "engine/log_state.h"
#include "engine/segment_writer.h"

namespace pabal::engine {

// What the agents of one embedded engine share. Made by recovery; each part says whose it is.
struct EmbeddedParts {
  explicit EmbeddedParts(const EmbeddedOptions& o) : options(o), clock(o.shards->clock()), cache(*o.files) {}

  [[nodiscard]] std::string journal_dir() const { return options.data_dir + "/journal"; }
  [[nodiscard]] std::string log_dir(const LogId& log) const {
    return fmt::format("{}/topics/{}/{}", options.data_dir, log.topic, log.partition);
  }
  [[nodiscard]] std::shared_ptr<LogState> make_log(const LogId& log, const log::LogCheckpoint& state) {
    return std::make_shared<LogState>(log, cache, log_dir(log), state, options.limits.segments);
  }

  const EmbeddedOptions options;
  const Clock& clock;
  uint64_t journal_id = 0;
  log::FileCache cache;
  LogTable table;
  Condition condition;
  std::unique_ptr<SegmentWriter> writer;  // the segments executor's
};

}  // namespace pabal::engine
