#include "broker/producer_sequences.h"

#include <charconv>
#include <limits>

namespace pabal::broker {
namespace {

constexpr size_t idle_turns_max = 1024;  // kept for producers that are silent now
constexpr int64_t none_stored = std::numeric_limits<int64_t>::min();

}  // namespace

runtime::Task<FifoLock::Turn> ProducerSequences::take_turn(const std::string& producer,
                                                           runtime::Timers& timers) {
  if (turns_.size() > idle_turns_max) std::erase_if(turns_, [](const auto& t) { return t.second->idle(); });
  auto& lock = turns_[producer];
  if (!lock) lock = std::make_unique<FifoLock>(executor_);
  co_return co_await lock->take(timers);
}

int64_t ProducerSequences::highest_of(const std::string& producer) const {
  const std::string* text = table_.find("p" + producer);
  int64_t highest = none_stored;
  if (text) std::from_chars(text->data(), text->data() + text->size(), highest);
  return highest;
}

Result<ProducerSequences::Plan> ProducerSequences::plan(const Publish& publish) const {
  int64_t highest = highest_of(publish.producer);
  Plan plan{std::vector<bool>(publish.records.size(), true), std::nullopt};
  if (publish.sequence) {
    if (*publish.sequence <= highest) {
      plan.stored.assign(publish.records.size(), false);
    } else {
      plan.highest = publish.sequence;
    }
    return plan;
  }
  std::optional<int64_t> before;
  for (size_t i = 0; i < publish.records.size(); ++i) {
    std::optional<int64_t> sequence = publish.records[i].sequence;
    if (!sequence || (before && *sequence <= *before)) {
      std::string problem = sequence ? fmt::format("{} comes after {}: sequences rise", *sequence, *before)
                                     : "is missing: every record of a producer has one, or the call does";
      return std::unexpected(Error{ErrorCode::invalid,
                                   fmt::format("records[{}].sequence {}", i, problem),
                                   {{fmt::format("records[{}].sequence", i), problem}}});
    }
    before = sequence;
    plan.stored[i] = *sequence > highest;
    if (plan.stored[i]) plan.highest = sequence;
  }
  return plan;
}

engine::TableChange ProducerSequences::remember(const std::string& producer, int64_t highest) {
  return {"p" + producer, std::to_string(highest)};
}

}  // namespace pabal::broker
