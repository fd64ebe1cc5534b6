#include "cli/flow_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "base/units.h"
#include "flows/words.h"

namespace pabal::cli {
namespace {

constexpr double rate_max = 1e15;  // shown

std::string rate_text(double rate) {
  if (rate == 0) return "quiet";
  return rate < 10 ? fmt::format("{:.1f}/s", rate)
                   : flows::counted(static_cast<int64_t>(std::min(rate, rate_max) + 0.5)) + "/s";
}

std::string ms_text(const Json& value) {
  if (!value.is_number()) return "–";
  double ms = value.get<double>();
  if (ms >= 1000) return flows::lasting(seconds_of(ms / 1e3));
  return ms < 10 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
}

class Drawing {
 public:
  Drawing(const Json& flow, const Screen& screen) : screen_(screen) {
    for (const auto& node : member_of(flow, "nodes")) nodes_.emplace(text_at(node, "id"), &node);
    for (const auto& edge : member_of(flow, "edges")) {
      out_[text_at(edge, "from")].push_back(&edge);
      in_[text_at(edge, "to")].push_back(&edge);
    }
  }

  std::vector<std::string> draw() {
    for (const auto& [id, node] : nodes_) {
      if (text_at(*node, "kind") == "topic") topic(id, *node);
    }
    calls();
    troubles();
    if (lines_.empty()) lines_.emplace_back("Nothing flows yet.");
    return std::move(lines_);
  }

 private:
  std::string name_of(const std::string& id) const {
    auto node = nodes_.find(id);
    return printable(node == nodes_.end() ? id : text_at(*node->second, "name"));
  }
  std::string coloured(const std::string& id, const std::string& text) const {
    auto node = nodes_.find(id);
    std::string state = node == nodes_.end() ? "ok" : text_at(*node->second, "state");
    if (state == "slow") return screen_.amber(text);
    return state == "ok" || state.empty() ? text : screen_.red(text);
  }
  static const std::vector<const Json*>& edges_of(
      const std::map<std::string, std::vector<const Json*>>& edges, const std::string& id) {
    static const std::vector<const Json*> none;
    auto found = edges.find(id);
    return found == edges.end() ? none : found->second;
  }

  void topic(const std::string& id, const Json& node) {
    if (!lines_.empty()) lines_.emplace_back();
    int64_t partitions = count_at(node, "partitions");
    lines_.push_back(screen_.bold(coloured(id, name_of(id))) +
                     screen_.dim(fmt::format("  {}, {}", rate_text(number_at(node, "rate")),
                                             flows::counted(partitions, "partition", "partitions"))));
    std::vector<const Json*> queues = edges_of(out_, id);
    for (const Json* edge : edges_of(in_, id)) {
      lines_.push_back(fmt::format("  {} {}  {}", queues.empty() ? "└◀─" : "├◀─",
                                   name_of(text_at(*edge, "from")),
                                   screen_.dim(measures(*edge, "durable in"))));
    }
    Widths widths;
    for (const Json* edge : queues) {
      std::string queue_id = text_at(*edge, "to");
      widths.name = std::max(widths.name, width_of(name_of(queue_id)));
      widths.waiting = std::max(widths.waiting, width_of(waiting_text(queue_id)));
    }
    for (const Json* edge : queues) queue(text_at(*edge, "to"), widths, edge == queues.back());
  }

  struct Widths {
    size_t name = 0;
    size_t waiting = 0;
  };

  std::string measures(const Json& edge, std::string_view what) const {
    std::string text = rate_text(number_at(edge, "rate"));
    if (member_of(edge, "p99_ms").is_number()) {
      text += fmt::format(", {} {}, p99 {}", what, ms_text(member_of(edge, "p50_ms")),
                          ms_text(member_of(edge, "p99_ms")));
    }
    if (int64_t errors = count_at(edge, "errors"); errors > 0) {
      text += fmt::format(", {} failed", flows::counted(errors));
    }
    return text;
  }

  std::string waiting_text(const std::string& id) const {
    auto node = nodes_.find(id);
    if (node == nodes_.end()) return "";
    const Json& its = *node->second;
    std::string kind = text_at(its, "kind");
    if (kind == "group") {
      bool known = member_of(its, "lag").is_number();
      return known ? flows::counted(count_at(its, "lag")) + " behind" : "nothing committed";
    }
    if (kind != "queue") return "";  // a reader that is in no group
    std::string text = flows::counted(count_at(its, "ready") + count_at(its, "unscanned")) + " waiting";
    if (member_of(its, "oldest_ready_age_s").is_number()) {
      text += ", " + flows::lasting(seconds_of(number_at(its, "oldest_ready_age_s")));
    }
    if (int64_t dead = count_at(its, "dead"); dead > 0)
      text += fmt::format(", {} dead", flows::counted(dead));
    return text;
  }

  // One that reads a topic itself, neither from a queue nor in a group.
  bool is_reader(const std::string& id) const {
    auto node = nodes_.find(id);
    if (node == nodes_.end()) return false;
    std::string kind = text_at(*node->second, "kind");
    return kind == "service" || kind == "client";
  }

  // Or a consumer group, or one that reads the topic itself.
  void queue(const std::string& id, Widths widths, bool last) {
    std::string head =
        fmt::format("  {} {}  {}", last ? "└─▶" : "├─▶", coloured(id, fitted(name_of(id), widths.name)),
                    coloured(id, fitted(waiting_text(id), widths.waiting)));
    const auto& consumers = edges_of(out_, id);
    if (is_reader(id)) return lines_.push_back(head);
    if (consumers.empty()) lines_.push_back(head + "  " + coloured(id, "nobody consumes it"));
    std::string below =
        fmt::format("  {}  {}", last ? " " : "│", std::string(widths.name + widths.waiting + 3, ' '));
    for (size_t i = 0; i < consumers.size(); ++i) {
      lines_.push_back((i == 0 ? head : below) + "  " + consumer(*consumers[i]));
    }
  }

  std::string consumer(const Json& edge) const {
    std::string id = text_at(edge, "to");
    auto node = nodes_.find(id);
    bool gone = node != nodes_.end() && text_at(*node->second, "state") == "gone";
    if (gone) {
      auto since = parse_time(text_at(*node->second, "since"));
      std::string for_how_long =
          since ? " for " + flows::lasting(time_between(*since, system_clock().wall_now())) : "";
      return screen_.red(fmt::format("✗ {} is gone{}", name_of(id), for_how_long));
    }
    return fmt::format("──▶ {}  {}", coloured(id, name_of(id)), screen_.dim(measures(edge, "after")));
  }

  void calls() {
    std::vector<std::string> drawn;
    for (const auto& [from, edges] : out_) {
      for (const Json* edge : edges) {
        if (text_at(*edge, "kind") != "calls") continue;
        std::string to = text_at(*edge, "to");
        drawn.push_back(fmt::format("  {} ┄┄▶ {}  {}", name_of(from), coloured(to, name_of(to)),
                                    screen_.dim(measures(*edge, "in"))));
      }
    }
    if (drawn.empty()) return;
    if (!lines_.empty()) lines_.emplace_back();
    lines_.push_back(screen_.bold("calls"));
    lines_.insert(lines_.end(), drawn.begin(), drawn.end());
  }

  void troubles() {
    bool any = false;
    for (const auto& [id, node] : nodes_) {
      std::string reason = printable(text_at(*node, "reason"));
      if (reason.empty() || text_at(*node, "state") == "ok") continue;
      if (!any) lines_.emplace_back();
      any = true;
      lines_.push_back(fmt::format("{}: {}", coloured(id, name_of(id)), reason));
    }
  }

  const Screen& screen_;
  std::map<std::string, const Json*> nodes_;
  std::map<std::string, std::vector<const Json*>> out_;
  std::map<std::string, std::vector<const Json*>> in_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> flow_text(const Json& flow, const Screen& screen) {
  return Drawing(flow, screen).draw();
}

}  // namespace pabal::cli
