#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/topic.h"
#include "broker/wakeup.h"
#include "engine/table.h"

namespace pabal::broker {

// The highest sequence stored of each producer of a topic, in the topic's producers table under "p" + name,
// and the turns that calls of one producer take: a later call waits until the earlier one is durable or has
// failed, else a failed call's records would be taken for stored. One shard.
class ProducerSequences {
 public:
  ProducerSequences(const engine::Table& table, runtime::Executor executor)
      : table_(table), executor_(std::move(executor)) {}

  runtime::Task<FifoLock::Turn> take_turn(const std::string& producer, runtime::Timers& timers);

  // Which records of the call are to be stored, and the sequence that is then the highest; nullopt when none
  // is. Invalid: sequences that are missing or do not rise.
  struct Plan {
    std::vector<bool> stored;
    std::optional<int64_t> highest;
  };
  [[nodiscard]] Result<Plan> plan(const Publish& publish) const;
  [[nodiscard]] static engine::TableChange remember(const std::string& producer, int64_t highest);

 private:
  [[nodiscard]] int64_t highest_of(const std::string& producer) const;

  const engine::Table& table_;
  runtime::Executor executor_;
  std::map<std::string, std::unique_ptr<FifoLock>> turns_;  // of producers seen since the start
};

}  // namespace pabal::broker
