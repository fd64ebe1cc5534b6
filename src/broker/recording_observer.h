#pragma once

#include <fmt/format.h>
#include <string>
#include <vector>

#include "broker/observer.h"

namespace pabal::broker {

// For tests: what the broker told, as lines of text.
class RecordingObserver final : public Observer {
 public:
  void published(std::string_view service, const RecordSeen& seen, Duration) override {
    lines.push_back(
        fmt::format("{} published {}/{}/{}", service, seen.topic, seen.at.partition, seen.at.offset));
  }
  void published_batch(std::string_view service, const BatchSeen& seen, Duration) override {
    lines.push_back(fmt::format("{} published {} records to {}/{}{}", service, seen.records, seen.topic,
                                seen.partition, seen.has_ids ? " with ids" : ""));
  }
  void message(const MessageSeen& seen) override {
    static constexpr std::string_view names[] = {"delivered", "acked", "nacked",
                                                 "expired",   "dead",  "redriven"};
    lines.push_back(fmt::format("{} {} {} #{}{}{}", seen.queue, names[static_cast<size_t>(seen.event)],
                                seen.id, seen.delivery, seen.reason.empty() ? "" : ": ", seen.reason));
  }
  void consumer_joined(std::string_view queue, std::string_view service) override {
    lines.push_back(fmt::format("{} joined {}", service, queue));
  }
  void consumer_left(std::string_view queue, std::string_view service, std::string_view why) override {
    lines.push_back(fmt::format("{} left {}: {}", service, queue, why));
  }
  void changed(Change change, std::string_view name) override {
    lines.push_back(fmt::format("change {} of {}", static_cast<int>(change), name));
  }

  std::vector<std::string> lines;
};

}  // namespace pabal::broker
