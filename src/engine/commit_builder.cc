#include "engine/commit_builder.h"

#include <algorithm>

namespace pabal::engine {

CommitBuilder::Place CommitBuilder::add(const LogId& log, const log::RecordView& record) {
  auto part = std::ranges::find(parts_, log, &Part::log);
  if (part == parts_.end()) part = parts_.insert(parts_.end(), Part{log, {}});
  int32_t delta = part->batch.record_count();
  part->batch.add(record);
  return {static_cast<size_t>(part - parts_.begin()), delta};
}

size_t CommitBuilder::size() const {
  size_t bytes = 0;
  for (const Part& part : parts_) bytes += part.batch.size();
  return bytes;
}

Commit CommitBuilder::finish() {
  Commit commit;
  commit.may_use_reserve = may_use_reserve_;
  for (Part& part : parts_) commit.appends.push_back({part.log, part.batch.finish()});
  parts_.clear();
  may_use_reserve_ = false;
  return commit;
}

}  // namespace pabal::engine
