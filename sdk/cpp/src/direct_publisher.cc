#include "direct_publisher.h"

#include "base/logging.h"
#include "event_codec.h"

namespace pabal::sdk {

namespace {

constexpr Duration single_try_timeout = std::chrono::seconds(1);
constexpr calls::RetryPolicy waits{};  // between tries of OnFailure::retry

const relay::Outbox& failures() {
  static const relay::Outbox table(relay::OutboxTable::publish_failures);
  return table;
}

Error error_of(const relay::PublishAnswer& answer, const relay::OutboxRow& row) {
  bool refused = answer.outcome == relay::Published::refused;
  return {refused ? ErrorCode::invalid : ErrorCode::unavailable,
          fmt::format("{} for {} was not published: {}", row.type, row.topic, answer.why)};
}

}  // namespace

DirectPublisher::DirectPublisher(Options options, relay::Database* database, Pause& pause,
                                 LiveCounters& counters)
    : options_(std::move(options)),
      database_(database),
      pause_(pause),
      counters_(counters),
      guard_("pabal",
             {.timeout = single_try_timeout, .try_timeout = single_try_timeout, .retry = {.tries_max = 1}},
             Random::from_system()),
      publishers_([this] {
        return std::make_unique<relay::Publisher>(
            relay::Publisher::Options{.server = options_.server.url,
                                      .service = options_.server.service,
                                      .token = options_.server.token});
      }) {}

DirectPublisher::~DirectPublisher() { stop(); }

Result<void> DirectPublisher::start() {
  if (!database_) return {};
  bool left_over = false;
  auto made = database_->write([&](relay::Transaction& tx) -> Result<void> {
    if (auto done = failures().create(tx); !done) return done;
    auto waiting = failures().waiting(tx, 1);
    if (!waiting) return std::unexpected(waiting.error());
    left_over = !waiting->empty();
    return {};
  });
  if (!made) return made;
  return left_over ? ensure_carrier() : Result<void>();
}

void DirectPublisher::stop() {
  std::lock_guard lock(carrier_mutex_);
  if (!carrier_) return;
  carrier_->stop();
  carrier_thread_.join();
  carrier_.reset();
}

// Its thread and its watch cost something at every commit, so it begins with the first failure.
Result<void> DirectPublisher::ensure_carrier() {
  std::lock_guard lock(carrier_mutex_);
  if (carrier_) return {};
  auto relay =
      relay::Relay::open({.database = options_.database_file,
                          .producer = options_.server.service,
                          .server = fmt::format("{}://{}", options_.server.url.tls ? "https" : "http",
                                                options_.server.url.authority()),
                          .token = options_.server.token,
                          .table = relay::OutboxTable::publish_failures});
  if (!relay) return std::unexpected(relay.error());
  carrier_ = std::move(*relay);
  carrier_thread_ = std::thread([carrier = carrier_.get()] {
    if (auto done = carrier->run(); !done) spdlog::error("publish_failures: {}", done.error().message);
  });
  return {};
}

Result<std::string> DirectPublisher::publish(Event event, OnFailure on_failure) {
  if (on_failure == OnFailure::log && !database_) {
    return error(ErrorCode::unsupported, "OnFailure::log needs a database to note the event in");
  }
  Event whole = complete(std::move(event), options_.server.service);
  auto row = to_outbox_row(whole);
  if (!row) return std::unexpected(row.error());
  auto sent = on_failure == OnFailure::retry ? send_until_timeout(*row) : send_once(*row);
  if (sent) {
    ++counters_.published;
    return whole.id;
  }
  if (on_failure == OnFailure::retry) return std::unexpected(sent.error());
  if (on_failure == OnFailure::ignore) {
    ++counters_.publish_ignored;
    return whole.id;
  }
  if (auto noted = note(std::move(*row), sent.error()); !noted) return std::unexpected(noted.error());
  ++counters_.publish_logged;
  return whole.id;
}

relay::PublishAnswer DirectPublisher::send(const relay::OutboxRow& row, Deadline deadline) {
  return publishers_.lend()->publish(row.topic, std::span(&row, 1), {}, deadline);
}

Result<void> DirectPublisher::send_once(const relay::OutboxRow& row) {
  calls::Call call(guard_, false, system_clock().now());
  auto deadline = call.begin(system_clock().now());
  if (!deadline) return std::unexpected(deadline.error());
  relay::PublishAnswer answer = send(row, *deadline);
  bool answered = answer.outcome != relay::Published::later;
  (void)call.finished({answered ? calls::TryOutcome::answered : calls::TryOutcome::failed},
                      system_clock().now());
  if (answer.outcome == relay::Published::stored) return {};
  return std::unexpected(error_of(answer, row));
}

// Its idempotency key, the event's id, lets the server store it once however often it is sent.
Result<void> DirectPublisher::send_until_timeout(const relay::OutboxRow& row) {
  Deadline deadline = Deadline::after(system_clock(), options_.timeout);
  Random random = Random::from_system();
  for (int n = 1;; ++n) {
    relay::PublishAnswer answer = send(row, deadline);
    if (answer.outcome == relay::Published::stored) return {};
    Duration wait = calls::full_jitter(waits, n, random);
    bool over = answer.outcome == relay::Published::refused || deadline.left(system_clock()) <= wait;
    if (over || !pause_.wait_for(wait)) return std::unexpected(error_of(answer, row));
  }
}

Result<void> DirectPublisher::note(relay::OutboxRow row, const Error& why) {
  row.last_error = why.message;
  auto noted = database_->write([&](relay::Transaction& tx) { return failures().add(tx, row); });
  // An event of that id has been noted before: it is on its way, or has arrived.
  if (!noted && noted.error().code != ErrorCode::conflict) return noted;
  return ensure_carrier();
}

Result<int64_t> DirectPublisher::retry_refused() {
  if (!database_) return int64_t{0};
  int64_t count = 0;
  auto done = database_->write([&](relay::Transaction& tx) -> Result<void> {
    auto retried = failures().retry(tx, {});
    if (!retried) return std::unexpected(retried.error());
    count = *retried;
    return {};
  });
  if (!done) return std::unexpected(done.error());
  if (auto carried = ensure_carrier(); count > 0 && !carried) return std::unexpected(carried.error());
  return count;
}

}  // namespace pabal::sdk
