#include "flows/flow_json.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/units.h"
#include "flows/group_readers.h"
#include "flows/needs_you.h"
#include "flows/queue_state.h"
#include "flows/words.h"

namespace pabal::flows {
namespace {

using nlohmann::json;

json or_null(std::optional<double> value) { return value ? json(rounded(*value)) : json(nullptr); }
json time_or_null(std::optional<WallTime> at) { return at ? json(format_time(*at)) : json(nullptr); }

// What the edges say about the nodes at their ends.
struct Ends {
  double in = 0;
  double out = 0;
  double calls_in = 0;
  std::optional<double> calls_p99_ms = {};
  WallTime last_seen = {};
};

class Drawing {
 public:
  explicit Drawing(const Facts& facts) : facts_(facts), readers_(facts) {
    for (const auto& topic : facts.topics) existing_.insert({NodeKind::topic, topic.name});
    for (const auto& queue : facts.queues) {
      existing_.insert({NodeKind::queue, queue.info.name});
      const auto& dead_letter = queue.info.settings.dead_letter;
      dead_letter_topics_.insert(dead_letter.empty() ? queue.info.name + ".dead" : dead_letter);
    }
  }

  json draw() {
    for (const auto& [name, edge] : facts_.memory.graph.edges()) observed(name, edge);
    for (const auto& queue : facts_.queues) known(queue.info);
    for (const auto& group : facts_.groups) known(group.look);
    json nodes = json::array();
    for (const auto& topic : facts_.topics) {
      if (is_drawn(topic)) nodes.push_back(topic_json(topic));
    }
    for (const auto& queue : facts_.queues) nodes.push_back(queue_json(queue));
    for (const auto& group : facts_.groups) {
      if (ends_.contains(group_node(group.look))) nodes.push_back(group_node_json(group));
    }
    for (const auto& [node, ends] : ends_) {
      if (node.kind == NodeKind::service || node.kind == NodeKind::client) {
        nodes.push_back(service_json(node, ends));
      }
    }
    return {{"window_s", window_seconds}, {"nodes", std::move(nodes)}, {"edges", std::move(edges_)}};
  }

 private:
  // Only topics and queues that exist are drawn; memory may still hold others.
  bool exists(const NodeName& node) const {
    return (node.kind != NodeKind::topic && node.kind != NodeKind::queue) || existing_.contains(node);
  }

  void observed(const FlowGraph::EdgeName& name, const FlowGraph::Edge& edge) {
    if (!exists(name.from) || !exists(name.to)) return;
    double rate = edge.window.per_second(facts_.now);
    if (name.from.kind == NodeKind::topic && name.to.kind != NodeKind::queue) {
      const auto& groups = readers_.groups_of(name.from.name, name.to.name);
      // Which of them asked is not known: they are believed to read the same.
      double each = rate / static_cast<double>(std::max<size_t>(1, groups.size()));
      for (const std::string& group : groups) {
        line(name.from, {NodeKind::group, group}, edge.last_seen, each);
        line({NodeKind::group, group}, name.to, edge.last_seen, each);
      }
      if (!groups.empty()) return;
    }
    auto p99 = edge.window.quantile_ms(0.99);
    Ends& from = ends_[name.from];
    from.out += rate;
    from.last_seen = std::max(from.last_seen, edge.last_seen);
    Ends& to = ends_[name.to];
    to.in += rate;
    to.last_seen = std::max(to.last_seen, edge.last_seen);
    if (name.kind == EdgeKind::calls) {
      to.calls_in += rate;
      to.calls_p99_ms = std::max(to.calls_p99_ms, p99);
    }
    drawn_.try_emplace({name.from, name.to}, edges_.size());
    edges_.push_back({{"from", name.from.id()},
                      {"to", name.to.id()},
                      {"kind", name_of(name.kind)},
                      {"rate", rounded(rate)},
                      {"p50_ms", or_null(edge.window.quantile_ms(0.5))},
                      {"p99_ms", or_null(p99)},
                      {"errors", edge.window.failures(facts_.now)},
                      {"last_seen", format_time(edge.last_seen)}});
    add_clients(name.from, name.to);
  }

  // Where those at the ends of the latest edge connect from, when they said so.
  void add_clients(const NodeName& from, const NodeName& to) {
    json clients = readers_.clients_json(from, to);
    if (!clients.empty()) edges_.back()["clients"] = std::move(clients);
  }

  void known(const GroupLook& group) {
    NodeName node = group_node(group);
    for (const std::string& topic : group.topics()) {
      NodeName its_topic{NodeKind::topic, topic};
      if (exists(its_topic)) line(its_topic, node, std::nullopt);
    }
    for (const auto& member : group.info.members) line(node, kafka_client_node(member.client), std::nullopt);
  }

  // Lines that exist by what is set up, even before anything went along them.
  void known(const broker::QueueInfo& queue) {
    NodeName node{NodeKind::queue, queue.name};
    NodeName topic{NodeKind::topic, topic_of(queue)};
    if (exists(topic)) line(topic, node, std::nullopt);
    for (const auto& consumer : queue.consumers)
      line(node, caller_node(shown(queue, consumer)), consumer.last_seen);
    const auto* consumers = facts_.memory.graph.consumers_of(queue.name);
    if (!consumers) return;
    for (const auto& [service, consumer] : *consumers) {
      line(node, service_node(service), consumer.left.value_or(consumer.since));
    }
  }

  void line(const NodeName& from, const NodeName& to, std::optional<WallTime> last_seen, double rate = 0) {
    Ends& ends = ends_[to];
    if (last_seen) ends.last_seen = std::max(ends.last_seen, *last_seen);
    ends.in += rate;
    ends_[from].out += rate;
    auto [drawn, first] = drawn_.try_emplace({from, to}, edges_.size());
    if (!first) return add_to_line(edges_[drawn->second], last_seen, rate);
    edges_.push_back({{"from", from.id()},
                      {"to", to.id()},
                      {"kind", name_of(EdgeKind::delivers)},
                      {"rate", rounded(rate)},
                      {"p50_ms", nullptr},
                      {"p99_ms", nullptr},
                      {"errors", 0},
                      {"last_seen", time_or_null(last_seen)}});
    add_clients(from, to);
  }

  // Several clients of one group are one line.
  static void add_to_line(json& edge, std::optional<WallTime> last_seen, double rate) {
    if (rate == 0) return;
    edge["rate"] = rounded(edge["rate"].get<double>() + rate);
    std::string before = edge["last_seen"].is_string() ? edge["last_seen"].get<std::string>() : "";
    if (last_seen) edge["last_seen"] = std::max(before, format_time(*last_seen));
  }

  const std::string& shown(const broker::QueueInfo& queue, const broker::ConsumerInfo& consumer) const {
    return Observatory::shown_name(facts_.memory, queue.name, consumer.service);
  }

  static NodeName service_node(const std::string& name) {
    return name == caller_node("").name ? caller_node("") : caller_node(name);
  }

  bool is_drawn(const broker::TopicInfo& topic) const {
    if (topic.internal) return false;
    return ends_.contains({NodeKind::topic, topic.name}) || !dead_letter_topics_.contains(topic.name);
  }

  json topic_json(const broker::TopicInfo& topic) const {
    NodeName node{NodeKind::topic, topic.name};
    auto ends = ends_.find(node);
    uint64_t bytes = 0;
    for (const auto& partition : topic.partitions) bytes += partition.range.bytes;
    bool broken = facts_.health.state != engine::EngineHealth::State::ok;
    return {{"id", node.id()},
            {"kind", "topic"},
            {"name", topic.name},
            {"state", broken ? "stuck" : "ok"},
            {"reason", broken ? json(facts_.health.reason) : json(nullptr)},
            {"since", nullptr},
            {"rate", rounded(ends == ends_.end() ? 0 : ends->second.in)},
            {"partitions", topic.settings.partitions},
            {"bytes", bytes}};
  }

  json queue_json(const QueueFacts& its) const {
    const broker::QueueInfo& queue = its.info;
    const QueueState& state = its.state;
    NodeName node{NodeKind::queue, queue.name};
    auto ends = ends_.find(node);
    bool slow = state.trouble == Trouble::failing || state.trouble == Trouble::behind;
    bool quiet = state.trouble == Trouble::paused && waiting_of(queue) == 0;
    std::string_view name = state.trouble == Trouble::none || quiet ? "ok" : slow ? "slow" : "stuck";
    return {{"id", node.id()},
            {"kind", "queue"},
            {"name", queue.name},
            {"state", name},
            {"reason", state.reason.empty() ? json(nullptr) : json(state.reason)},
            {"since", time_or_null(state.since)},
            {"rate", rounded(ends == ends_.end() ? 0 : ends->second.out)},
            {"topic", topic_of(queue)},
            {"ready", queue.ready},
            {"leased", queue.leased},
            {"delayed", queue.delayed},
            {"dead", queue.dead},
            {"unscanned", queue.unscanned},
            {"oldest_ready_age_s",
             queue.oldest_ready_age
                 ? json(rounded(std::chrono::duration<double>(*queue.oldest_ready_age).count()))
                 : json(nullptr)},
            {"consumers", its.attendance.present}};
  }

  json group_node_json(const GroupFacts& its) const {
    const GroupLook& group = its.look;
    NodeName node = group_node(group);
    const Ends& ends = ends_.at(node);
    return {{"id", node.id()},
            {"kind", "group"},
            {"name", group.info.name},
            {"state", its.state.trouble == GroupTrouble::none ? "ok" : "slow"},
            {"reason", its.state.reason.empty() ? json(nullptr) : json(its.state.reason)},
            {"since", time_or_null(its.state.since)},
            {"rate", rounded(ends.in)},
            {"lag", group.lag ? json(*group.lag) : json(nullptr)},
            {"members", group.info.members.size()},
            {"group_state", name_of(group.info.state)},
            {"last_seen", ends.last_seen == WallTime{} ? json(nullptr) : json(format_time(ends.last_seen))}};
  }

  json service_json(const NodeName& node, const Ends& ends) const {
    double rate = ends.calls_in > 0 ? ends.calls_in : ends.in > 0 ? ends.in : ends.out;
    json out = {
        {"id", node.id()},
        {"kind", name_of(node.kind)},
        {"name", node.name},
        {"state", "ok"},
        {"reason", nullptr},
        {"since", nullptr},
        {"rate", rounded(rate)},
        {"p99_ms", or_null(ends.calls_p99_ms)},
        {"last_seen", ends.last_seen == WallTime{} ? json(nullptr) : json(format_time(ends.last_seen))},
        {"via", via_of(node.name)}};
    if (json clients = readers_.clients_json(node); !clients.empty()) out["clients"] = std::move(clients);
    if (!tell_if_gone(node.name, out)) tell_if_failing(node.name, out);
    return out;
  }

  std::string via_of(const std::string& service) const {
    for (const auto& queue : facts_.queues) {
      for (const auto& consumer : queue.info.consumers) {
        if (consumer.via == "push" && shown(queue.info, consumer) == service) return "push";
      }
    }
    return readers_.is_kafka_client(service) ? "Kafka" : "HTTP";
  }

  // It left a queue that nobody else attends, and something waits there.
  bool tell_if_gone(const std::string& service, json& out) const {
    for (const auto& queue : facts_.queues) {
      if (queue.state.trouble != Trouble::no_consumer) continue;
      const Attendance& who = queue.attendance;
      if (who.last != service || !who.left) continue;
      out["state"] = "gone";
      out["since"] = format_time(*who.left);
      out["reason"] =
          fmt::format("It left {} {} ago; {} there.", queue.info.name, lasting(facts_.wall_now - *who.left),
                      counted(waiting_of(queue.info), "message waits", "messages wait"));
      return true;
    }
    return false;
  }

  void tell_if_failing(const std::string& service, json& out) const {
    auto failing = failing_calls(facts_, service);
    if (!failing) return;
    out["state"] = failing->failed == failing->calls ? "stuck" : "slow";
    out["reason"] = sentence_of(*failing);
  }

  const Facts& facts_;
  GroupReaders readers_;
  std::set<NodeName> existing_;
  std::set<std::string> dead_letter_topics_;
  std::map<NodeName, Ends> ends_;
  std::map<std::pair<NodeName, NodeName>, size_t> drawn_;  // where in edges_
  json edges_ = json::array();
};

}  // namespace

double rounded(double value) { return std::round(value * 1e3) / 1e3; }

json flow_json(const Facts& facts) { return Drawing(facts).draw(); }

}  // namespace pabal::flows
