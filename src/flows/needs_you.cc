#include "flows/needs_you.h"

#include <algorithm>
#include <map>
#include <set>

#include "flows/queue_state.h"
#include "flows/words.h"

namespace pabal::flows {
namespace {

constexpr int64_t failing_calls_min = 3;
constexpr double failing_share_min = 0.2;

std::optional<Need> of_storage(const Facts& facts) {
  using State = engine::EngineHealth::State;
  if (facts.health.state == State::ok) return std::nullopt;
  std::string because = facts.health.reason.empty() ? "" : fmt::format(" {}", facts.health.reason);
  if (facts.health.state == State::disk_full) {
    return Need{
        .id = "disk_full",
        .red = true,
        .kind = "disk_full",
        .title = "The disk is full",
        .text = fmt::format("Publishing is refused until there is space; reading, acks and dead letters go "
                            "on, and nothing acknowledged is lost.{}",
                            because)};
  }
  return Need{
      .id = "read_only",
      .red = true,
      .kind = "read_only",
      .title = "The storage takes no writes",
      .text = fmt::format("What is stored can be read. It writes again after the cause is gone and the "
                          "server was restarted.{}",
                          because)};
}

Need of_damage(const engine::EngineHealth::Damaged& log) {
  return Need{.id = fmt::format("damaged.{}", log.log),
              .red = true,
              .kind = "damaged",
              .title = fmt::format("Partition {} of {} is damaged", log.log.partition, log.name),
              .text = fmt::format("It takes no more records; what is whole can be read, and all other "
                                  "partitions go on. {}",
                                  log.problem)};
}

// Once for each topic, until the next start.
void of_losses(const engine::EngineHealth& health, std::vector<Need>& needs) {
  struct Sum {
    int64_t offsets = 0;
    int64_t partitions = 0;
    bool in_memory = false;
  };
  std::map<std::string, Sum> by_topic;
  for (const auto& lost : health.lost) {
    Sum& sum = by_topic[lost.name];
    sum.offsets += lost.to - lost.from;
    ++sum.partitions;
    sum.in_memory = lost.durability == engine::Durability::memory;
  }
  for (const auto& [topic, sum] : by_topic) {
    std::string_view why =
        sum.in_memory
            ? "Its records are kept in memory only (durability memory), and the server was restarted."
            : "It is not flushed (durability written), and the server did not stop in order.";
    needs.push_back(
        {.id = "lost." + topic,
         .red = false,
         .kind = "lost",
         .title = fmt::format("{} may have lost records", topic),
         .text = fmt::format("Up to {} in {} were taken at the last start. {} No offset is given twice.",
                             counted(sum.offsets, "record", "records"),
                             counted(sum.partitions, "partition", "partitions"), why)});
  }
}

std::string title_of(Trouble trouble, const std::string& queue) {
  switch (trouble) {
    case Trouble::paused:
      return queue + " is paused";
    case Trouble::resting:
      return fmt::format("the endpoint of {} does not answer", queue);
    case Trouble::no_consumer:
      return queue + " has no consumer";
    case Trouble::stalled:
      return queue + " is stalled";
    case Trouble::failing:
      return queue + " keeps failing";
    case Trouble::behind:
      return queue + " is falling behind";
    case Trouble::none:
      break;
  }
  return queue;
}

std::string kind_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::resting:
      return "resting";
    case Trouble::no_consumer:
      return "no_consumer";
    case Trouble::paused:
    case Trouble::stalled:
      return "stalled";
    default:
      return "slow";
  }
}

std::optional<Need> of_queue(const QueueFacts& its) {
  const QueueState& state = its.state;
  const broker::QueueInfo& queue = its.info;
  bool waits = waiting_of(queue) > 0;
  if (state.trouble == Trouble::none || (state.trouble == Trouble::paused && !waits)) return std::nullopt;
  bool red = state.trouble == Trouble::no_consumer || state.trouble == Trouble::stalled ||
             (state.trouble == Trouble::resting && waits);
  Need need{.id = fmt::format("{}:{}", kind_of(state.trouble), queue.name),
            .red = red,
            .kind = kind_of(state.trouble),
            .title = title_of(state.trouble, queue.name),
            .text = state.reason,
            .since = state.since,
            .queue = queue.name,
            .actions = {"queue"}};
  if (state.trouble == Trouble::paused) need.actions.insert(need.actions.begin(), "resume");
  return need;
}

std::optional<Need> of_dead_letters(const Facts& facts, const broker::QueueInfo& queue) {
  if (queue.dead == 0) return std::nullopt;
  Need need{.id = "dead_letters:" + queue.name,
            .red = true,
            .kind = "dead_letters",
            .title = fmt::format("{} in {}", counted(queue.dead, "dead letter", "dead letters"), queue.name),
            .text = {},
            .since = queue.oldest_dead_at,
            .queue = queue.name,
            .actions = {"queue", "redrive"}};
  auto last = facts.memory.last_dead.find(queue.name);
  if (last != facts.memory.last_dead.end()) {
    const DeadLetter& dead = last->second;
    need.text = fmt::format("{}“{}”, {}, from {}/{} at {}. ", queue.dead > 1 ? "The last: " : "",
                            dead.reason.empty() ? "no reason given" : quotable(dead.reason),
                            counted(dead.deliveries, "attempt", "attempts"), dead.topic, dead.partition,
                            counted(dead.offset));
    if (!need.since) need.since = dead.at;
  }
  need.text += queue.settings.on_dead == broker::OnDead::hold ? "Its key waits for it; the rest flows."
                                                              : "The rest flows; it waits to be redriven.";
  return need;
}

std::optional<Need> of_group(const GroupFacts& its) {
  const std::string& name = its.look.info.name;
  Need need{
      .id = {}, .kind = {}, .title = {}, .text = its.state.reason, .since = its.state.since, .group = name};
  switch (its.state.trouble) {
    case GroupTrouble::none:
      return std::nullopt;
    case GroupTrouble::removed_unread:
      need.kind = "lost";
      need.title = fmt::format("{} has missed records", name);
      break;
    case GroupTrouble::no_members:
      need.kind = "no_consumer";
      need.title = fmt::format("consumer group {} has no members", name);
      break;
    case GroupTrouble::rebalancing:
      need.kind = "stalled";
      need.title = fmt::format("{} keeps rebalancing", name);
      break;
  }
  need.id = fmt::format("group.{}:{}", need.kind, name);
  return need;
}

void of_services(const Facts& facts, std::vector<Need>& needs) {
  std::set<std::string> called;
  for (const auto& [name, edge] : facts.memory.graph.edges()) {
    if (name.kind == EdgeKind::calls) called.insert(name.to.name);
  }
  for (const auto& service : called) {
    auto failing = failing_calls(facts, service);
    if (!failing) continue;
    needs.push_back({.id = "failing_calls:" + service,
                     .red = failing->failed == failing->calls,
                     .kind = "slow",
                     .title = fmt::format("calls to {} fail", service),
                     .text = sentence_of(*failing),
                     .service = service});
  }
}

}  // namespace

std::optional<FailingCalls> failing_calls(const Facts& facts, const std::string& service) {
  FailingCalls sum;
  for (const auto& [name, edge] : facts.memory.graph.edges()) {
    if (name.kind != EdgeKind::calls || name.to.name != service) continue;
    sum.calls += edge.window.count(facts.now);
    int64_t failed = edge.window.failures(facts.now);
    if (failed > 0) sum.last_failure = edge.last_failure;
    sum.failed += failed;
    sum.last_seen = std::max(sum.last_seen, edge.last_seen);
  }
  bool many = sum.failed >= failing_calls_min &&
              static_cast<double>(sum.failed) >= failing_share_min * static_cast<double>(sum.calls);
  return many ? std::optional(sum) : std::nullopt;
}

std::string sentence_of(const FailingCalls& failing) {
  std::string why =
      failing.last_failure.empty() ? "" : fmt::format(", last with “{}”", quotable(failing.last_failure));
  return fmt::format("{} of {} in the last {} s failed{}. Whoever calls it waits for this.",
                     counted(failing.failed), counted(failing.calls, "call", "calls"), window_seconds, why);
}

std::vector<Need> needs_you(const Facts& facts) {
  std::vector<Need> needs;
  if (auto need = of_storage(facts)) needs.push_back(std::move(*need));
  for (const auto& log : facts.health.damaged) needs.push_back(of_damage(log));
  of_losses(facts.health, needs);
  for (const auto& queue : facts.queues) {
    if (auto need = of_queue(queue)) needs.push_back(std::move(*need));
    if (auto need = of_dead_letters(facts, queue.info)) needs.push_back(std::move(*need));
  }
  for (const auto& group : facts.groups) {
    if (auto need = of_group(group)) needs.push_back(std::move(*need));
  }
  of_services(facts, needs);
  std::ranges::sort(needs, {}, [](const Need& n) {
    return std::tuple(!n.red, n.kind == "dead_letters", n.since.value_or(WallTime::max()), n.id);
  });
  return needs;
}

}  // namespace pabal::flows
