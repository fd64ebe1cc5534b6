#include "event_runner.h"

#include "base/clock.h"
#include "base/logging.h"
#include "context.h"
#include "event_codec.h"
#include "relay/inbox.h"
#include "service_tx.h"

namespace pabal::sdk {

namespace {

constexpr uint64_t prune_every_events = 1'000;  // each time up to five times as many old ids

Result<void> call_handler(const EventHandler& handler, Tx& tx, const Event& event) {
  try {
    return handler(tx, event);
  } catch (const std::exception& e) {
    return error(ErrorCode::io_failed, "the handler threw: {}", e.what());
  }
}

// Spares a handler that works before its transaction the work it has done already.
bool was_handled(relay::Database& database, const Event& event) {
  bool known = false;
  (void)database.read([&](relay::Transaction& tx) -> Result<void> {
    known = relay::Inbox().contains(tx, event.queue, event.id).value_or(false);
    return {};
  });
  return known;
}

void prune_inbox(relay::Database& database) {
  auto pruned = database.write([&](relay::Transaction& tx) -> Result<void> {
    auto count = relay::Inbox().prune(tx, system_clock().wall_now());
    if (!count) return std::unexpected(count.error());
    return {};
  });
  if (!pruned) spdlog::warn("inbox: {}", pruned.error().message);
}

}  // namespace

Counters LiveCounters::read() const {
  return {.handled = handled,
          .duplicates = duplicates,
          .failed = failed,
          .dead = dead,
          .published = published,
          .publish_ignored = publish_ignored,
          .publish_logged = publish_logged,
          .requests = requests,
          .requests_refused = requests_refused};
}

HandledEvent run_event(relay::Database& database, std::string_view service, const EventHandler& handler,
                       const Event& event, LiveCounters& counters) {
  if (was_handled(database, event)) {
    ++counters.duplicates;
    return {Handled::done};
  }
  ContextScope scope(context_of(event));
  ServiceTx tx(database, service, true, ServiceTx::Handling{event.queue, event.id});
  Result<void> done = call_handler(handler, tx, event);
  if (done && !tx.is_duplicate()) done = tx.commit();
  if (tx.is_duplicate()) {
    ++counters.duplicates;
    return {Handled::done};
  }
  if (done) {
    if (++counters.handled % prune_every_events == 0) prune_inbox(database);
    return {Handled::done};
  }
  ++counters.failed;
  bool permanent = is_permanent(done.error());
  if (permanent) ++counters.dead;
  spdlog::warn("{}: event {} ({}), delivery {}: {}", event.queue, event.id, event.type, event.delivery,
               done.error().message);
  return {permanent ? Handled::dead : Handled::again, done.error().message};
}

}  // namespace pabal::sdk
