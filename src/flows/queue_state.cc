#include "flows/queue_state.h"

#include <algorithm>

#include "flows/words.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

// Below these nothing is said: a consumer may be starting, a burst may be on its way out.
constexpr Duration unattended_min = 3s;
constexpr Duration behind_age_min = 30s;
constexpr Duration consumer_recent = 15s;
constexpr int64_t failing_deliveries_min = 3;
constexpr double failing_share_min = 0.5;

const FlowGraph::Consumer* remembered(const Facts& facts, const std::string& queue,
                                      const std::string& service) {
  const auto* consumers = facts.memory.graph.consumers_of(queue);
  if (!consumers) return nullptr;
  auto found = consumers->find(service);
  return found == consumers->end() ? nullptr : &found->second;
}

bool is_present(const Facts& facts, const std::string& queue, const broker::ConsumerInfo& consumer) {
  if (consumer.waiting) return true;
  if (!consumer.here) return false;
  const auto* seen = remembered(
      facts, queue, caller_node(Observatory::shown_name(facts.memory, queue, consumer.service)).name);
  if (seen && seen->left) return false;
  return consumer.leased > 0 || facts.wall_now - consumer.last_seen < consumer_recent;
}

Duration oldest_of(const broker::QueueInfo& queue) {
  return queue.oldest_ready_age.value_or(Duration::zero());
}

QueueState paused(const Facts& facts, const broker::QueueInfo& queue) {
  std::string reason = "It is paused";
  if (queue.paused_since) {
    reason += fmt::format(" for {}", lasting(facts.wall_now - *queue.paused_since));
  }
  return {Trouble::paused, reason + ". " + waiting_sentence(queue), queue.paused_since};
}

QueueState resting(const Facts& facts, const broker::QueueInfo& queue, const Resting& rest) {
  auto until = rest.next_probe - facts.wall_now;
  std::string next = until > 1s ? fmt::format("tried again in {}", lasting(until)) : "tried again now";
  return {
      Trouble::resting,
      fmt::format("{} has not taken anything for {} ({}); it is {}. {}", rest.url,
                  lasting(facts.wall_now - rest.since), quotable(rest.reason), next, waiting_sentence(queue)),
      rest.since};
}

std::optional<QueueState> unattended(const Facts& facts, const broker::QueueInfo& queue,
                                     const Attendance& who) {
  if (waiting_of(queue) == 0 || queue.settings.push || who.present > 0) return std::nullopt;
  Duration alone = who.left ? Duration(facts.wall_now - *who.left) : oldest_of(queue);
  if (alone < unattended_min) return std::nullopt;
  if (!who.left) {
    return QueueState{
        Trouble::no_consumer, "Nobody has consumed it since the server started. " + waiting_sentence(queue),
        queue.oldest_ready_age
            ? std::optional(facts.wall_now - std::chrono::floor<std::chrono::milliseconds>(oldest_of(queue)))
            : std::nullopt};
  }
  bool only_silent = who.why.empty() || who.why.starts_with("it has not asked");
  std::string why = only_silent ? "" : fmt::format(": {}", quotable(who.why));
  return QueueState{Trouble::no_consumer,
                    fmt::format("Its last one ({}) left {} ago{}. {}", who.last, lasting(alone), why,
                                waiting_sentence(queue)),
                    who.left};
}

// Consumers are there, but most of what they take comes back.
std::optional<QueueState> failing(const Facts& facts, const broker::QueueInfo& queue) {
  int64_t delivered = 0;
  int64_t failed = 0;
  std::string last;
  std::string who;
  NodeName node{NodeKind::queue, queue.name};
  const auto& edges = facts.memory.graph.edges();
  auto its = edges.lower_bound({EdgeKind::delivers, node, {}});
  for (; its != edges.end() && its->first.kind == EdgeKind::delivers && its->first.from == node; ++its) {
    const auto& [name, edge] = *its;
    delivered += edge.window.count(facts.now);
    int64_t failures = edge.window.failures(facts.now);
    if (failures > 0) last = edge.last_failure, who = name.to.name;
    failed += failures;
  }
  bool many =
      failed >= failing_deliveries_min &&
      static_cast<double>(failed) >= failing_share_min * static_cast<double>(std::max(delivered, failed));
  if (!many) return std::nullopt;
  std::string why = last.empty() ? "" : fmt::format(", last with “{}”", quotable(last));
  return QueueState{
      Trouble::failing,
      fmt::format("{} of {} deliveries of the last {} s failed at {}{}. They are tried again; "
                  "nothing is lost.",
                  counted(failed), counted(std::max(delivered, failed)), window_seconds, who, why)};
}

// Somebody has just come back; what has waited for it says nothing about it.
bool is_freshly_attended(const Facts& facts, const std::string& queue) {
  const auto* consumers = facts.memory.graph.consumers_of(queue);
  return consumers && std::ranges::any_of(*consumers, [&](const auto& consumer) {
           return consumer.second.present > 0 && facts.wall_now - consumer.second.since < behind_age_min;
         });
}

std::optional<QueueState> behind(const Facts& facts, const QueueFacts& its) {
  const broker::QueueInfo& queue = its.info;
  Duration oldest = oldest_of(queue);
  bool catches_up = its.growth < 0 || is_freshly_attended(facts, queue.name);
  if (oldest < behind_age_min || catches_up) return std::nullopt;
  std::string trend;
  if (its.growth >= 0.1) trend = fmt::format(", {:.1f} more every second", its.growth);
  return QueueState{Trouble::behind,
                    fmt::format("Its oldest message has waited {}; {} done per second. {}{}.",
                                lasting(oldest), fmt::format("{:.1f} are", queue.acked_per_second),
                                counted(waiting_of(queue), "message waits", "messages wait"), trend),
                    facts.wall_now - std::chrono::floor<std::chrono::milliseconds>(oldest)};
}

Attendance attendance_of(const Facts& facts, const broker::QueueInfo& queue) {
  Attendance out;
  for (const auto& consumer : queue.consumers) out.present += is_present(facts, queue.name, consumer) ? 1 : 0;
  if (out.present > 0) return out;
  if (const auto* consumers = facts.memory.graph.consumers_of(queue.name)) {
    for (const auto& [service, consumer] : *consumers) {
      if (!consumer.left || (out.left && *consumer.left < *out.left)) continue;
      out.last = service, out.left = consumer.left, out.why = consumer.why;
    }
  }
  for (const auto& consumer : queue.consumers) {
    if (out.left && *out.left >= consumer.last_seen) continue;
    out.last = caller_node(consumer.service).name, out.left = consumer.last_seen, out.why.clear();
  }
  return out;
}

QueueState state_of(const Facts& facts, const QueueFacts& its) {
  const broker::QueueInfo& queue = its.info;
  if (queue.paused) return paused(facts, queue);
  if (auto rest = facts.memory.resting.find(queue.name); rest != facts.memory.resting.end()) {
    return resting(facts, queue, rest->second);
  }
  if (auto state = unattended(facts, queue, its.attendance)) return *state;
  if (queue.stalled) return {Trouble::stalled, *queue.stalled, std::nullopt};
  if (auto state = failing(facts, queue)) return *state;
  if (auto state = behind(facts, its)) return *state;
  return {};
}

bool somebody_came_after(const Facts& facts, const std::string& queue, WallTime time) {
  const auto* consumers = facts.memory.graph.consumers_of(queue);
  return consumers &&
         std::ranges::any_of(*consumers, [&](const auto& consumer) { return consumer.second.since > time; });
}

}  // namespace

void judge(Facts& facts) {
  for (auto& queue : facts.queues) {
    queue.attendance = attendance_of(facts, queue.info);
    // The broker gives up on a consumer some time after it was last seen; what was told stays true.
    auto& left = queue.attendance.left;
    if (left && queue.left_before && !somebody_came_after(facts, queue.info.name, *queue.left_before)) {
      left = std::min(*left, *queue.left_before);
    }
    queue.state = state_of(facts, queue);
  }
  for (auto& group : facts.groups) group.state = judge_group(group.look, facts.wall_now);
}

int64_t waiting_of(const broker::QueueInfo& queue) { return queue.ready + queue.unscanned + queue.delayed; }

std::string waiting_sentence(const broker::QueueInfo& queue) {
  int64_t waiting = waiting_of(queue);
  std::string lost = queue.lost_to_retention > 0
                         ? fmt::format("{} taken by retention",
                                       counted(queue.lost_to_retention, "message was", "messages were"))
                         : "none is lost";
  if (waiting == 0) return queue.lost_to_retention > 0 ? lost + "." : "Nothing waits.";
  if (waiting == 1 && queue.lost_to_retention == 0) return "1 message waits; it is not lost.";
  return fmt::format("{}, {}.", counted(waiting, "message waits", "messages wait"), lost);
}

}  // namespace pabal::flows
