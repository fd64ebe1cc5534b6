#include "flows/flow_graph.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "flows/clients.h"

namespace pabal::flows {
namespace {

constexpr std::string_view unnamed_caller = "HTTP";

NodeName topic_node(std::string_view name) { return {NodeKind::topic, std::string(name)}; }
NodeName queue_node(std::string_view name) { return {NodeKind::queue, std::string(name)}; }

}  // namespace

std::string_view name_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::service:
      return "service";
    case NodeKind::topic:
      return "topic";
    case NodeKind::queue:
      return "queue";
    case NodeKind::client:
      return "client";
    case NodeKind::group:
      return "group";
  }
  return "";
}

std::string_view name_of(EdgeKind kind) {
  switch (kind) {
    case EdgeKind::publishes:
      return "publishes";
    case EdgeKind::delivers:
      return "delivers";
    case EdgeKind::calls:
      return "calls";
  }
  return "";
}

std::string NodeName::id() const { return fmt::format("{}:{}", name_of(kind), name); }

NodeName caller_node(std::string_view service) {
  if (service.empty()) return {NodeKind::client, std::string(unnamed_caller)};
  if (service == unnamed_kafka_client) return {NodeKind::client, std::string(service)};
  return {NodeKind::service, std::string(service)};
}

FlowGraph::Edge* FlowGraph::edge(EdgeKind kind, NodeName from, NodeName to) {
  EdgeName name{kind, std::move(from), std::move(to)};
  auto known = edges_.find(name);
  if (known != edges_.end()) return &known->second;
  if (edges_.size() >= limits_.edges_max) {
    ++refused_;
    return nullptr;
  }
  return &edges_[std::move(name)];
}

void FlowGraph::count(EdgeKind kind, NodeName from, NodeName to, const Seen& seen, bool failed) {
  Edge* e = edge(kind, std::move(from), std::move(to));
  if (!e) return;
  e->window.add(seen.instant, seen.duration, failed, seen.count());
  e->last_seen = std::max(e->last_seen, seen.at);
  e->last_instant = std::max(e->last_instant, seen.instant);
  if (failed) e->last_failure = seen.reason;
}

void FlowGraph::see(const Seen& seen) {
  switch (seen.kind) {
    case SeenKind::published:
      published_.add(seen.instant, seen.duration, false, seen.count());
      count(EdgeKind::publishes, caller_node(seen.service), topic_node(seen.topic), seen, false);
      break;
    case SeenKind::delivered:
      delivered(seen);
      break;
    case SeenKind::nacked:
    case SeenKind::expired:
    case SeenKind::dead:
      failed(seen);
      break;
    case SeenKind::call:
      count(EdgeKind::calls, caller_node(seen.service), {NodeKind::service, std::string(seen.peer)}, seen,
            seen.failed);
      break;
    case SeenKind::joined:
      joined(seen);
      break;
    case SeenKind::left:
      left(seen);
      break;
    case SeenKind::fetched:
      fetched(seen);
      break;
    case SeenKind::acked:
    case SeenKind::redriven:
    case SeenKind::changed:
    case SeenKind::produced:
      break;
  }
}

void FlowGraph::delivered(const Seen& seen) {
  delivered_.add(seen.instant, seen.duration);
  // A message that comes again has come out of the topic once.
  if (seen.delivery <= 1) {
    count(EdgeKind::delivers, topic_node(seen.topic), queue_node(seen.queue), seen, false);
  }
  count(EdgeKind::delivers, queue_node(seen.queue), caller_node(seen.service), seen, false);
}

// Straight from the topic: which group a reader is in is known when it is drawn.
void FlowGraph::fetched(const Seen& seen) {
  auto records = static_cast<uint32_t>(std::clamp<int64_t>(seen.offset, 0, UINT32_MAX));
  delivered_.add_count(seen.instant, records);
  Edge* e = edge(EdgeKind::delivers, topic_node(seen.topic), caller_node(seen.service));
  if (!e) return;
  e->window.add_count(seen.instant, records);
  e->last_seen = std::max(e->last_seen, seen.at);
  e->last_instant = std::max(e->last_instant, seen.instant);
}

void FlowGraph::failed(const Seen& seen) {
  // A dead letter is the end of a delivery that was already counted as failed, unless the consumer said so.
  if (seen.kind == SeenKind::dead) return;
  Edge* e = edge(EdgeKind::delivers, queue_node(seen.queue), caller_node(seen.service));
  if (!e) return;
  e->window.add_failure(seen.instant);
  e->last_failure = seen.reason;
}

FlowGraph::Consumer* FlowGraph::consumer(const Seen& seen) {
  std::string queue(seen.queue);
  std::string service = caller_node(seen.service).name;
  auto known = consumers_.find(queue);
  if (known != consumers_.end() && known->second.contains(service)) return &known->second[service];
  if (consumer_count_ >= limits_.consumers_max) {
    ++refused_;
    return nullptr;
  }
  ++consumer_count_;
  return &consumers_[queue][service];
}

void FlowGraph::joined(const Seen& seen) {
  Consumer* c = consumer(seen);
  if (!c) return;
  if (c->present++ == 0) c->since = seen.at;
  c->left.reset();
  c->why.clear();
  c->last_instant = seen.instant;
}

void FlowGraph::left(const Seen& seen) {
  Consumer* c = consumer(seen);
  if (!c) return;
  c->last_instant = seen.instant;
  c->present = std::max(0, c->present - 1);
  if (c->present > 0) return;
  c->left = seen.at;
  c->why = seen.reason;
}

void FlowGraph::forget(Instant now) {
  std::erase_if(edges_, [&](const auto& e) { return now - e.second.last_instant > limits_.remembered; });
  for (auto queue = consumers_.begin(); queue != consumers_.end();) {
    consumer_count_ -= std::erase_if(queue->second, [&](const auto& c) {
      return c.second.present == 0 && now - c.second.last_instant > limits_.remembered;
    });
    queue = queue->second.empty() ? consumers_.erase(queue) : std::next(queue);
  }
}

void FlowGraph::rename_consumer(const std::string& queue, const std::string& from, const std::string& to) {
  NodeName queue_name = queue_node(queue);
  auto edge = edges_.extract({EdgeKind::delivers, queue_name, caller_node(from)});
  if (edge) {
    edge.key().to = caller_node(to);
    edges_.insert(std::move(edge));  // unless the other name has one of its own
  }
  auto its = consumers_.find(queue);
  if (its == consumers_.end()) return;
  auto consumer = its->second.extract(from);
  if (!consumer) return;
  consumer.key() = to;
  if (!its->second.insert(std::move(consumer)).inserted) --consumer_count_;
}

void FlowGraph::remove(const NodeName& node) {
  std::erase_if(edges_, [&](const auto& e) { return e.first.from == node || e.first.to == node; });
  if (node.kind != NodeKind::queue) return;
  if (auto gone = consumers_.find(node.name); gone != consumers_.end()) {
    consumer_count_ -= gone->second.size();
    consumers_.erase(gone);
  }
}

const FlowGraph::Consumers* FlowGraph::consumers_of(const std::string& queue) const {
  auto known = consumers_.find(queue);
  return known == consumers_.end() ? nullptr : &known->second;
}

}  // namespace pabal::flows
