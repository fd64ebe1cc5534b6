#include "flows/overview.h"

#include <algorithm>

#include "base/units.h"
#include "flows/flow_json.h"
#include "flows/needs_you.h"
#include "flows/queue_state.h"

namespace pabal::flows {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr Duration fresh = 500ms;
constexpr Duration growth_window = 10s;
// The page is for people: of more than these it shows the first by name, and says how many there are.
constexpr size_t queues_shown_max = 2'000;
constexpr size_t topics_shown_max = 2'000;
constexpr size_t groups_shown_max = 1'000;
constexpr int recalled_at_once_max = 20;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
json time_or_null(std::optional<WallTime> at) { return at ? json(format_time(*at)) : json(nullptr); }
json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

json durable_json(std::vector<double> commit_seconds) {
  if (commit_seconds.empty()) return {{"p50", nullptr}, {"p99", nullptr}};
  std::ranges::sort(commit_seconds);
  auto at = [&](double q) {
    auto index = static_cast<size_t>(q * static_cast<double>(commit_seconds.size() - 1) + 0.5);
    return rounded(commit_seconds[index] * 1e3);
  };
  return {{"p50", at(0.5)}, {"p99", at(0.99)}};
}

json figures_json(const Facts& facts) {
  json oldest = nullptr;
  Duration oldest_age = {};
  int64_t dead = 0;
  std::optional<WallTime> dead_since;
  for (const auto& queue_facts : facts.queues) {
    const auto& queue = queue_facts.info;
    if (queue.oldest_ready_age && *queue.oldest_ready_age >= oldest_age) {
      oldest_age = *queue.oldest_ready_age;
      oldest = {{"age_s", rounded(seconds(oldest_age))}, {"queue", queue.name}};
    }
    dead += queue.dead;
    if (queue.oldest_dead_at)
      dead_since = std::min(dead_since.value_or(WallTime::max()), *queue.oldest_dead_at);
  }
  return {{"published_per_second", rounded(facts.memory.graph.published().per_second(facts.now))},
          {"delivered_per_second", rounded(facts.memory.graph.delivered().per_second(facts.now))},
          {"durable_ms", durable_json(facts.commit_seconds)},
          {"oldest_waiting", oldest},
          {"dead", dead},
          {"dead_since", time_or_null(dead_since)}};
}

json storage_json(const engine::EngineHealth& health) {
  using State = engine::EngineHealth::State;
  const char* state = health.state == State::ok          ? "ok"
                      : health.state == State::disk_full ? "disk_full"
                                                         : "read_only";
  return {{"state", state},
          {"reason", text_or_null(health.reason)},
          {"bytes", health.bytes},
          {"free_bytes", health.free_bytes}};
}

json need_json(const Need& need) {
  return {{"id", need.id},
          {"severity", need.red ? "red" : "amber"},
          {"kind", need.kind},
          {"title", need.title},
          {"text", need.text},
          {"since", time_or_null(need.since)},
          {"queue", text_or_null(need.queue)},
          {"service", text_or_null(need.service)},
          {"group", text_or_null(need.group)},
          {"actions", need.actions}};
}

json happening_json(const Happenings::Happening& happening) {
  std::string text = happening.text;
  if (happening.times > 1) text += fmt::format(" ({} times)", happening.times);
  return {{"at", format_time(happening.at)},
          {"text", text},
          {"queue", text_or_null(happening.queue)},
          {"topic", text_or_null(happening.topic)},
          {"service", text_or_null(happening.service)}};
}

json topics_json(const Facts& facts) {
  std::map<std::string, double> published;
  for (const auto& [name, edge] : facts.memory.graph.edges()) {
    if (name.kind == EdgeKind::publishes) published[name.to.name] += edge.window.per_second(facts.now);
  }
  json list = json::array();
  for (const auto& topic : facts.topics) {
    if (topic.internal) continue;
    if (list.size() == topics_shown_max) break;
    int64_t records = 0;
    uint64_t bytes = 0;
    for (const auto& partition : topic.partitions) {
      records += partition.range.next - partition.range.first;
      bytes += partition.range.bytes;
    }
    list.push_back({{"name", topic.name},
                    {"partitions", topic.settings.partitions},
                    {"published_per_second", rounded(published[topic.name])},
                    {"records", records},
                    {"bytes", bytes}});
  }
  return list;
}

}  // namespace

Overview::Overview(broker::Broker& broker, engine::Engine& engine, Observatory& observatory,
                   std::string version, QueueJson queue_json, GroupJson group_json)
    : broker_(broker),
      engine_(engine),
      observatory_(observatory),
      version_(std::move(version)),
      queue_json_(std::move(queue_json)),
      group_json_(std::move(group_json)) {}

runtime::Task<Result<std::shared_ptr<const Overview::Snapshot>>> Overview::current() {
  return runtime::on<Result<std::shared_ptr<const Snapshot>>>(observatory_.collector(),
                                                              [this] { return current_here(); });
}

runtime::Task<Result<std::shared_ptr<const Overview::Snapshot>>> Overview::current_here() {
  bool is_fresh = latest_ && observatory_.clock().now() - latest_->computed < fresh;
  if (is_fresh || (latest_ && computing_)) co_return latest_;
  computing_ = true;
  auto snapshot = co_await compute();
  computing_ = false;
  if (snapshot) latest_ = *snapshot;
  co_return snapshot;
}

runtime::Task<Result<std::shared_ptr<const Overview::Snapshot>>> Overview::compute() {
  Facts facts{.memory = observatory_.memory()};
  auto queues = co_await broker_.queues();
  if (!queues) co_return std::unexpected(queues.error());
  auto topics = co_await broker_.topics();
  if (!topics) co_return std::unexpected(topics.error());
  co_await observatory_.gather();
  for (auto& queue : *queues) facts.queues.push_back({.info = std::move(queue)});
  facts.topics = std::move(*topics);
  for (auto& view : co_await broker_.group_views(groups_shown_max)) {
    facts.groups.push_back({.look = look_at(std::move(view), facts.topics)});
  }
  facts.health = engine_.health();
  facts.commit_seconds = engine_.recent_commit_seconds();
  co_await recall_dead_letters(facts);
  facts.now = observatory_.clock().now();
  facts.wall_now = observatory_.clock().wall_now();
  note_growth(facts);
  for (auto& queue : facts.queues) {
    if (auto told = left_.find(queue.info.name); told != left_.end()) queue.left_before = told->second;
  }
  judge(facts);
  left_.clear();
  for (const auto& queue : facts.queues) {
    if (queue.attendance.left) left_.emplace(queue.info.name, *queue.attendance.left);
  }
  json flow = flow_json(facts);
  json overview = overview_json(facts);
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->computed = facts.now;
  // What peers wrote need not be UTF-8; it is shown with replacement characters.
  snapshot->flow = flow.dump(-1, ' ', false, json::error_handler_t::replace);
  overview["flow"] = std::move(flow);
  snapshot->overview = overview.dump(-1, ' ', false, json::error_handler_t::replace);
  co_return snapshot;
}

// After a restart the reason of the last dead letter is asked of the broker, once.
runtime::Task<> Overview::recall_dead_letters(const Facts& facts) {
  int asked = 0;
  for (const auto& queue : facts.queues) {
    auto& last_dead = observatory_.memory().last_dead;
    if (queue.info.dead == 0 || last_dead.contains(queue.info.name)) continue;
    if (++asked > recalled_at_once_max) co_return;
    auto found = co_await broker_.messages(
        {.queue = queue.info.name, .state = broker::MessageState::dead, .limit = 1});
    if (!found || found->empty()) continue;
    const auto& letter = found->front();
    last_dead.try_emplace(queue.info.name, DeadLetter{.at = letter.died_at.value_or(letter.enqueued_at),
                                                      .reason = letter.last_reason,
                                                      .deliveries = letter.deliveries,
                                                      .topic = letter.topic,
                                                      .partition = letter.at.partition.value(),
                                                      .offset = letter.at.offset.value()});
  }
}

// How fast each backlog grows, from one look to another some seconds later.
void Overview::note_growth(Facts& facts) {
  for (auto& queue : facts.queues) {
    int64_t waiting = waiting_of(queue.info);
    auto [known, first] = backlogs_.try_emplace(queue.info.name, Backlog{facts.now, waiting, 0});
    Backlog& before = known->second;
    if (!first && facts.now - before.at >= growth_window) {
      before = {facts.now, waiting,
                static_cast<double>(waiting - before.waiting) / seconds(facts.now - before.at)};
    }
    queue.growth = before.growth;
  }
  if (backlogs_.size() <= 2 * facts.queues.size() + 100) return;
  backlogs_.clear();  // many queues have gone; what grows is seen again in some seconds
}

json Overview::overview_json(const Facts& facts) const {
  json queues = json::array();
  for (const auto& queue : facts.queues) {
    if (queues.size() == queues_shown_max) break;
    queues.push_back(queue_json_(queue.info));
  }
  json groups = json::array();
  for (const auto& group : facts.groups) groups.push_back(group_json_(group.look));
  json needs = json::array();
  for (const auto& need : needs_you(facts)) needs.push_back(need_json(need));
  json happened = json::array();
  for (const auto& happening : facts.memory.happenings.latest())
    happened.push_back(happening_json(happening));
  return {{"now", format_time(facts.wall_now)},
          {"version", version_},
          {"uptime_s", rounded(seconds(observatory_.uptime()))},
          {"window_s", window_seconds},
          {"figures", figures_json(facts)},
          {"storage", storage_json(facts.health)},
          {"needs_you", std::move(needs)},
          {"just_happened", std::move(happened)},
          {"queues", std::move(queues)},
          {"queues_total", facts.queues.size()},
          {"groups", std::move(groups)},
          {"topics", topics_json(facts)},
          {"topics_total", std::ranges::count(facts.topics, false, &broker::TopicInfo::internal)},
          {"observations_dropped", observatory_.dropped()}};
}

}  // namespace pabal::flows
