#include "cli/trace_text.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/units.h"
#include "flows/words.h"

namespace pabal::cli {
namespace {

constexpr size_t lanes_shown_max = 9;
constexpr Duration gap_min = std::chrono::seconds(1);

// Who did it: the service, or what stands for one that gave no name.
std::string actor_of(const Json& entry) {
  std::string service = printable(text_at(entry, "service"));
  if (!service.empty()) return service;
  return text_at(entry, "kind") == "published" ? "HTTP" : "pabal";
}

std::string took_text(const Json& entry, std::string_view before = " in ") {
  const Json& ms = member_of(entry, "duration_ms");
  if (!ms.is_number()) return "";
  double value = ms.get<double>();
  if (value >= 1000) return fmt::format("{}{:.1f} s", before, value / 1000);
  return value < 10 ? fmt::format("{}{:.1f} ms", before, value) : fmt::format("{}{:.0f} ms", before, value);
}

std::string record_text(const Json& entry) {
  std::string type = printable(text_at(entry, "type"));
  std::string key = printable(text_at(entry, "key"));
  if (type.empty()) return key.empty() ? "a record" : "a record of " + key;
  return key.empty() ? type : type + " of " + key;
}

std::string because(const Json& entry) {
  std::string reason = printable(text_at(entry, "reason"));
  return reason.empty() ? "" : ": " + reason;
}

std::string again_text(const Json& entry) {
  auto due = parse_time(text_at(entry, "due"));
  auto at = parse_time(text_at(entry, "at"));
  if (!due || !at) return "";
  return fmt::format("; again in {}", flows::lasting(std::max(Duration(0), time_between(*at, *due))));
}

std::string sentence(const Json& entry, const Screen& screen) {
  std::string kind = text_at(entry, "kind");
  std::string queue = printable(text_at(entry, "queue"));
  std::string topic = printable(text_at(entry, "topic"));
  int64_t delivery = count_at(entry, "delivery");
  if (kind == "published") {
    return fmt::format("published {} to {}{}", screen.bold(record_text(entry)), topic,
                       screen.dim(took_text(entry, ", durable in ")));
  }
  if (kind == "delivered") return fmt::format("took {} from {}", record_text(entry), queue);
  if (kind == "retry")
    return fmt::format("took {} from {}, delivery {}", record_text(entry), queue, delivery);
  if (kind == "acked") return fmt::format("done with it{} ({})", took_text(entry), queue);
  if (kind == "failed") {
    std::string how = text_at(entry, "outcome") == "timed out" ? "gave no answer" : "failed";
    return screen.amber(fmt::format("{}{}{}{} ({})", how, took_text(entry, " after "), because(entry),
                                    again_text(entry), queue));
  }
  if (kind == "dead") {
    return screen.red(fmt::format("dead letter of {} after {}{}", queue,
                                  flows::counted(delivery, "delivery", "deliveries"), because(entry)));
  }
  if (kind == "redriven") return fmt::format("redriven into {}", queue);
  std::string outcome = printable(text_at(entry, "outcome"));
  std::string text = fmt::format("called {}{}{}{}", printable(text_at(entry, "peer")),
                                 record_text(entry) == "a record" ? "" : " (" + record_text(entry) + ")",
                                 took_text(entry), outcome.empty() ? "" : ": " + outcome + because(entry));
  return outcome.empty() || outcome == "ok" ? text : screen.amber(text);
}

class Timeline {
 public:
  Timeline(const Json& trace, const Screen& screen) : entries_(member_of(trace, "entries")), screen_(screen) {
    for (const auto& entry : entries_) {
      std::string actor = actor_of(entry);
      if (std::ranges::find(lanes_, actor) == lanes_.end() && lanes_.size() < lanes_shown_max)
        lanes_.push_back(actor);
    }
  }

  std::vector<std::string> draw() {
    head();
    WallTime first = parse_time(text_at(entries_.at(0), "at")).value_or(WallTime{});
    WallTime before = first;
    for (const auto& entry : entries_) {
      WallTime at = parse_time(text_at(entry, "at")).value_or(before);
      if (time_between(before, at) >= gap_min) {
        lines_.push_back(fitted("", time_columns) + lanes_text("") +
                         screen_.dim(fmt::format("{} in which nobody worked on it",
                                                 flows::lasting(time_between(before, at)))));
      }
      std::string actor = actor_of(entry);
      bool has_lane = std::ranges::find(lanes_, actor) != lanes_.end();
      lines_.push_back(screen_.dim(offset_text(time_between(first, at))) + lanes_text(actor) +
                       (has_lane ? "" : actor + ": ") + sentence(entry, screen_));
      before = at;
    }
    return std::move(lines_);
  }

 private:
  static constexpr size_t time_columns = 12;

  // The names stand above their lanes, one line each, so that lanes stay narrow.
  void head() {
    for (size_t i = 0; i < lanes_.size(); ++i) {
      std::string line(time_columns, ' ');
      for (size_t j = 0; j < i; ++j) line += "│ ";
      lines_.push_back(screen_.dim(line + "╭ ") + lanes_[i]);
    }
  }

  std::string lanes_text(const std::string& actor) const {
    std::string line;
    for (const auto& lane : lanes_) line += lane == actor ? "● " : screen_.dim("│ ");
    return line + " ";
  }

  static std::string offset_text(Duration since) {
    double seconds = std::chrono::duration<double>(since).count();
    return fitted(fmt::format("{:>9} s", fmt::format("+{:.3f}", seconds)), time_columns);
  }

  const Json& entries_;
  const Screen& screen_;
  std::vector<std::string> lanes_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> trace_text(const Json& trace, const Screen& screen) {
  const Json& entries = member_of(trace, "entries");
  std::string id = printable(text_at(trace, "id"));
  std::string since = printable(text_at(trace, "complete_since"));
  if (!entries.is_array() || entries.empty()) {
    return {fmt::format("Nothing is known of {}. The memory of paths is complete since {}.", id, since)};
  }
  auto first = parse_time(text_at(entries.front(), "at"));
  auto last = parse_time(text_at(entries.back(), "at"));
  std::vector<std::string> lines = {screen.bold(fmt::format(
      "{}: {} in {}, from {}", id, flows::counted(static_cast<int64_t>(entries.size()), "step", "steps"),
      first && last ? flows::lasting(time_between(*first, *last)) : "?",
      printable(text_at(entries.front(), "at"))))};
  auto drawn = Timeline(trace, screen).draw();
  lines.insert(lines.end(), drawn.begin(), drawn.end());
  lines.push_back(screen.dim(fmt::format("complete since {}", since)));
  return lines;
}

}  // namespace pabal::cli
