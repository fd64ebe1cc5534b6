#pragma once

#include <atomic>

#include "pabal/pabal.h"

namespace pabal::sdk {

// The counters of a service, as many threads add to them.
struct LiveCounters {
  std::atomic<uint64_t> handled = 0;
  std::atomic<uint64_t> duplicates = 0;
  std::atomic<uint64_t> failed = 0;
  std::atomic<uint64_t> dead = 0;
  std::atomic<uint64_t> published = 0;
  std::atomic<uint64_t> publish_ignored = 0;
  std::atomic<uint64_t> publish_logged = 0;
  std::atomic<uint64_t> requests = 0;
  std::atomic<uint64_t> requests_refused = 0;

  [[nodiscard]] Counters read() const;
};

enum class Handled {
  done,   // committed, now or by an earlier delivery: acknowledge it
  again,  // undone: deliver it again
  dead,   // undone, and of no use to deliver again
  back,   // not begun: the service stops
};

struct HandledEvent {
  Handled what = Handled::again;
  std::string reason = {};
};

// Runs one event through its handler and the inbox, on a thread that may block.
[[nodiscard]] HandledEvent run_event(relay::Database& database, std::string_view service,
                                     const EventHandler& handler, const Event& event, LiveCounters& counters);

}  // namespace pabal::sdk
