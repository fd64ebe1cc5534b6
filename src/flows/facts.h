#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/queue.h"
#include "broker/topic.h"
#include "engine/engine.h"
#include "flows/group_look.h"
#include "flows/group_state.h"
#include "flows/observatory.h"

namespace pabal::flows {

// Who works on a queue, from what the broker says now and what was observed.
struct Attendance {
  int64_t present = 0;                // consumers that are there
  std::string last = {};              // the one that left last, when nobody is there
  std::optional<WallTime> left = {};  // when
  std::string why = {};
};

// What may be wrong with a queue; the first that applies.
enum class Trouble { none, paused, resting, no_consumer, stalled, failing, behind };

struct QueueState {
  Trouble trouble = Trouble::none;
  std::string reason = {};  // one or two sentences
  std::optional<WallTime> since = {};
};

struct QueueFacts {
  broker::QueueInfo info;
  Attendance attendance = {};
  QueueState state = {};
  std::optional<WallTime> left_before = {};  // when its last consumer left, as it was told before
  double growth = 0;                         // of its backlog, messages per second, where that is known
};

struct GroupFacts {
  GroupLook look;
  GroupJudgement state = {};
};

// All that the overview is computed from, at one moment. What is said about them (judge, flow_json,
// needs_you) are pure functions of this.
struct Facts {
  Instant now = {};
  WallTime wall_now = {};
  std::vector<QueueFacts> queues = {};
  std::vector<broker::TopicInfo> topics = {};  // by name
  std::vector<GroupFacts> groups = {};
  engine::EngineHealth health = {};
  std::vector<double> commit_seconds = {};
  const Observatory::Memory& memory;  // observed; belongs to the collector
};

[[nodiscard]] inline const std::string& topic_of(const broker::QueueInfo& queue) {
  return queue.settings.topic.empty() ? queue.name : queue.settings.topic;
}

}  // namespace pabal::flows
