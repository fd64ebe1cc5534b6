#include "relay/relay.h"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <sys/file.h>
#include <unistd.h>

#include "base/logging.h"

namespace pabal::relay {

namespace {

constexpr Duration file_check_every = std::chrono::milliseconds(100);
// After a change the commit may become visible a moment later, when its flush is done: looks again after
// waits that double. The short ones are slept through, so that a busy database does not keep it turning.
constexpr Duration look_again_first = std::chrono::microseconds(500);
constexpr Duration look_again_asleep_max = std::chrono::milliseconds(32);
constexpr Duration backoff_first = std::chrono::milliseconds(50);
constexpr Duration backoff_max = std::chrono::seconds(5);
constexpr Duration publish_timeout = std::chrono::seconds(10);
constexpr Duration prune_every = std::chrono::seconds(30);

// An exclusive lock beside the database, released by the system when the process dies.
Result<int> lock_beside(const std::string& database) {
  std::string path = database + ".relay-lock";
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return std::unexpected(system_error(errno, path));
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  int problem = errno;
  ::close(file);
  if (problem != EWOULDBLOCK) return std::unexpected(system_error(problem, path));
  return error(ErrorCode::conflict, "another relay works on {}", database);
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::open(RelayOptions options) {
  auto server = runtime::Url::parse(options.server);
  if (!server) return std::unexpected(server.error());
  auto watch = ChangeWatch::open(options.database);
  if (!watch) return std::unexpected(watch.error());
  std::string lock_name = options.database + (options.table == OutboxTable::outbox ? "" : ".failures");
  auto lock = lock_beside(lock_name);
  if (!lock) return std::unexpected(lock.error());
  Publisher::Options publisher{.server = *server, .service = options.producer, .token = options.token};
  return std::unique_ptr<Relay>(
      new Relay(std::move(options), std::move(*watch), std::move(publisher), *lock));
}

Relay::Relay(RelayOptions options, std::unique_ptr<ChangeWatch> watch, Publisher::Options publisher, int lock)
    : options_(std::move(options)),
      watch_(std::move(watch)),
      publisher_(std::move(publisher)),
      lock_(lock),
      outbox_(options_.table) {}

Relay::~Relay() { ::close(lock_); }

// False while the service has not made its database yet.
Result<bool> Relay::open_outbox() {
  std::error_code ignored;
  if (database_) return true;
  if (!std::filesystem::exists(options_.database, ignored)) return false;
  // A mark that a power loss takes is made again: the row is sent a second time and the server knows it.
  auto database = Database::open(options_.database, Database::Commits::soon);
  if (!database) return std::unexpected(database.error());
  bool there = false;
  auto looked = (*database)->read([&](Transaction& tx) -> Result<void> {
    auto exists = outbox_.exists(tx);
    if (!exists) return std::unexpected(exists.error());
    there = *exists;
    if (!there) return {};
    auto identity = outbox_.identity(tx);
    if (!identity) return std::unexpected(identity.error());
    producer_ = options_.producer + "." + *identity;
    return {};
  });
  if (!looked) return std::unexpected(looked.error());
  if (there) database_ = std::move(*database);
  return there;
}

bool Relay::wait_for_outbox() {
  bool said = false;
  while (!watch_->stopped()) {
    auto there = open_outbox();
    if (there && *there) return true;
    if (!said) {
      spdlog::info("relay: waits for {}: {}", options_.database,
                   there ? "the service has not made its outbox yet" : there.error().message);
    }
    said = true;
    watch_->pause(file_check_every);
  }
  return false;
}

Result<void> Relay::run() {
  if (!wait_for_outbox()) return {};
  Duration backoff = backoff_first;
  Duration look_again = look_again_first;
  while (!watch_->stopped()) {
    if (auto done = round_trip(backoff, look_again); !done) return done;
  }
  return {};
}

// One round and the wait after it.
Result<void> Relay::round_trip(Duration& backoff, Duration& look_again) {
  auto round = step();
  if (!round && (round.error().code == ErrorCode::corrupt || round.error().code == ErrorCode::invalid)) {
    return std::unexpected(round.error());
  }
  if (!round || round->away) {
    if (backoff == backoff_first) {
      spdlog::warn("relay: {}; trying again", round ? *round->away : round.error().message);
    }
    watch_->pause(jittered(backoff));
    backoff = std::min(backoff * 2, backoff_max);
    return {};
  }
  backoff = backoff_first;
  if (round->sent + round->failed > 0) {
    look_again = look_again_first;
    return prune_sometimes();
  }
  bool changed = false;
  if (look_again <= look_again_asleep_max) {
    watch_->pause(look_again);
  } else {
    changed = watch_->wait_for_change(std::min(look_again, until_rest_ends()));
  }
  look_again = changed ? look_again_first : std::min(look_again * 2, options_.change_wait_max);
  return {};
}

Duration Relay::jittered(Duration most) {
  return Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(most.count())) + 1));
}

Result<Relay::Round> Relay::step() {
  auto there = open_outbox();
  if (!there) return std::unexpected(there.error());
  if (!*there) return Round{};
  auto rows = read_waiting();
  if (!rows) return std::unexpected(rows.error());
  Round round;
  Marks marks;
  send_by_topic(*rows, round, marks);
  if (auto written = write_down(marks); !written) return std::unexpected(written.error());
  return round;
}

// Each topic's rows in the order of their commits, in calls of a bounded size.
void Relay::send_by_topic(std::span<const OutboxRow> rows, Round& round, Marks& marks) {
  std::map<std::string_view, std::vector<OutboxRow>> by_topic;
  for (const OutboxRow& row : rows) by_topic[row.topic].push_back(row);
  for (const auto& [topic, topic_rows] : by_topic) {
    std::span<const OutboxRow> left = topic_rows;
    while (!left.empty() && !round.away) {
      size_t count = 0;
      for (size_t bytes = 0; count < left.size() && bytes < options_.batch_bytes_max; ++count) {
        bytes += left[count].payload.size() + left[count].headers.size();
      }
      if (!send(left.first(count), round, marks)) break;
      left = left.subspan(count);
    }
  }
}

// Without topics that rest: one that takes nothing does not hold up the others.
Result<std::vector<OutboxRow>> Relay::read_waiting() {
  std::vector<OutboxRow> rows;
  auto looked = database_->read([&](Transaction& tx) -> Result<void> {
    auto waiting = outbox_.waiting(tx, options_.batch_rows_max, resting_topics());
    if (!waiting) return std::unexpected(waiting.error());
    rows = std::move(*waiting);
    return {};
  });
  if (!looked) return std::unexpected(looked.error());
  return rows;
}

void Relay::rest(const std::string& topic, const PublishAnswer& answer) {
  auto [it, is_new] = rests_.try_emplace(topic, Rest{.until = {}, .backoff = backoff_first});
  if (is_new) spdlog::warn("relay: {} takes nothing now: {}", topic, answer.why);
  Duration asked = std::min<Duration>(answer.retry_after.value_or(Duration::zero()), backoff_max);
  it->second.until = system_clock().now() + std::max(jittered(it->second.backoff), asked);
  it->second.backoff = std::min(it->second.backoff * 2, backoff_max);
}

std::vector<std::string> Relay::resting_topics() const {
  std::vector<std::string> topics;
  Instant now = system_clock().now();
  for (const auto& [topic, rest] : rests_) {
    if (rest.until > now) topics.push_back(topic);
  }
  return topics;
}

Duration Relay::until_rest_ends() const {
  Duration least = Duration::max();
  Instant now = system_clock().now();
  for (const auto& [topic, rest] : rests_)
    least = std::min(least, std::max(Duration::zero(), rest.until - now));
  return least;
}

// A call that is refused is halved until the row that is at fault stands alone; the others go on in order.
bool Relay::send(std::span<const OutboxRow> rows, Round& round, Marks& marks) {
  PublishAnswer answer = publish(rows);
  if (answer.outcome == Published::stored) {
    rests_.erase(rows.front().topic);
    for (const OutboxRow& row : rows) marks.done.push_back(row.position);
    round.sent += static_cast<int64_t>(rows.size());
    return true;
  }
  if (answer.outcome == Published::later) {
    marks.tried.emplace(rows.front().position, answer.why);
    if (answer.server_answered) rest(rows.front().topic, answer);
    (answer.server_answered ? round.full : round.away) = rows.front().topic + ": " + answer.why;
    return false;
  }
  if (rows.size() == 1) {
    spdlog::warn("relay: event {} for {} is refused for good: {}", rows.front().id, rows.front().topic,
                 answer.why);
    marks.failed.emplace_back(rows.front().position, answer.why);
    ++round.failed;
    return true;
  }
  size_t half = rows.size() / 2;
  return send(rows.first(half), round, marks) && send(rows.subspan(half), round, marks);
}

PublishAnswer Relay::publish(std::span<const OutboxRow> rows) {
  Deadline deadline = Deadline::after(system_clock(), publish_timeout);
  PublishAnswer answer = publisher_.publish(rows.front().topic, rows, producer_, deadline);
  if (answer.outcome != Published::stored) return answer;
  if (options_.stop_after_publish > 0 && ++publishes_ == options_.stop_after_publish) ::raise(SIGKILL);
  if (answer.duplicates > 0) {
    spdlog::info("relay: the server had {} of {} events for {} already", answer.duplicates, rows.size(),
                 rows.front().topic);
  }
  return answer;
}

Result<void> Relay::write_down(const Marks& marks) {
  if (marks.done.empty() && marks.failed.empty() && !marks.tried) return {};
  return database_->write([&](Transaction& tx) -> Result<void> {
    if (auto done = outbox_.mark_done(tx, marks.done); !done) return done;
    for (const auto& [position, why] : marks.failed) {
      if (auto done = outbox_.mark_failed(tx, position, why); !done) return done;
    }
    if (!marks.tried) return {};
    return outbox_.note_attempt(tx, marks.tried->first, marks.tried->second);
  });
}

Result<void> Relay::prune_sometimes() {
  Instant now = system_clock().now();
  if (now - pruned_at_ < prune_every) return {};
  pruned_at_ = now;
  auto keep = std::chrono::duration_cast<std::chrono::milliseconds>(options_.done_rows_kept_for);
  WallTime older_than = system_clock().wall_now() - keep;
  return database_->write([&](Transaction& tx) -> Result<void> {
    auto pruned = outbox_.prune(tx, older_than, options_.done_rows_max);
    if (!pruned) return std::unexpected(pruned.error());
    return {};
  });
}

}  // namespace pabal::relay
