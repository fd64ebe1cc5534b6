#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "broker/topic.h"

namespace pabal::broker {

enum class KeyOrder { none, by_key };
enum class OnDead { carry_on, hold };
enum class Overflow { dead_letter, release };

struct Backoff {
  Duration first = std::chrono::seconds(1);
  double factor = 2;
  Duration max =
      std::chrono::minutes(5);  // full jitter: the wait is uniform in [0, min(max, first × factor^n)]
  friend bool operator==(const Backoff&, const Backoff&) = default;
};

// One test of a header value: literal, {"prefix"}, {"suffix"}, {"numeric": [op, n, …]}, {"exists"},
// {"anything-but"}.
struct Match {
  enum class Kind { literal, prefix, suffix, numeric, exists, anything_but };
  Kind kind = Kind::literal;
  std::string text = {};
  std::vector<std::pair<std::string, double>> numeric = {};  // (">", 100), and-ed
  bool exists = true;
  std::vector<std::string> any_of = {};  // for anything_but
  friend bool operator==(const Match&, const Match&) = default;
};

// Header names (type stands for `ce_type`) are and-ed, the matches of a name or-ed. Empty lets everything
// through.
struct Filter {
  std::vector<std::pair<std::string, std::vector<Match>>> headers;
  friend bool operator==(const Filter&, const Filter&) = default;
};

struct PushSettings {
  std::string url;
  int concurrency = 8;
  Duration timeout = std::chrono::seconds(10);
  std::string secret = {};  // whsec_…; never shown, never logged
  friend bool operator==(const PushSettings&, const PushSettings&) = default;
};

struct QueueSettings {
  std::string topic = {};  // the queue's own name when it reads none
  StartPoint from = StartAt::latest;
  Filter filter = {};
  Duration visibility = std::chrono::seconds(30);
  int max_deliveries = 10;
  Backoff backoff = {};
  std::string dead_letter = {};  // a topic; "<queue>.dead" when not given
  KeyOrder order = KeyOrder::none;
  OnDead on_dead = OnDead::carry_on;
  int64_t look_ahead = 100'000;
  int64_t max_depth = 1'000'000;
  uint64_t max_bytes = uint64_t{10} << 30;
  Duration max_age = std::chrono::days(14);
  Overflow overflow = Overflow::dead_letter;
  std::optional<PushSettings> push = {};
  friend bool operator==(const QueueSettings&, const QueueSettings&) = default;
};

struct QueueChange {
  std::optional<std::string> topic = {};
  std::optional<StartPoint> from = {};
  std::optional<Filter> filter = {};
  std::optional<Duration> visibility = {};
  std::optional<int> max_deliveries = {};
  std::optional<Backoff> backoff = {};
  std::optional<std::string> dead_letter = {};
  std::optional<KeyOrder> order = {};
  std::optional<OnDead> on_dead = {};
  std::optional<int64_t> look_ahead = {};
  std::optional<int64_t> max_depth = {};
  std::optional<uint64_t> max_bytes = {};
  std::optional<Duration> max_age = {};
  std::optional<Overflow> overflow = {};
  std::optional<std::optional<PushSettings>> push = {};  // null takes push away
};

struct ConsumerInfo {
  std::string service;  // who it says it is, or its address
  std::string via;      // "HTTP", "push"
  WallTime last_seen;
  int64_t leased;
  bool waiting;      // in a long poll now
  bool here = true;  // or else it was, within the last minute
};

struct QueueInfo {
  std::string name;
  QueueSettings settings;
  int64_t ready = 0;
  int64_t leased = 0;
  int64_t delayed = 0;
  int64_t dead = 0;
  int64_t unscanned = 0;  // records of the topic not yet looked at
  std::optional<Duration> oldest_ready_age = {};
  double delivered_per_second = 0;
  double acked_per_second = 0;
  double retried_per_second = 0;
  std::vector<ConsumerInfo> consumers;      // those of the last minute
  std::optional<std::string> stalled = {};  // a sentence
  bool paused = false;
  std::optional<WallTime> paused_since = {};
  std::optional<WallTime> oldest_dead_at = {};
  int64_t lost_to_retention = 0;

  [[nodiscard]] int64_t consumers_here() const {
    return std::ranges::count_if(consumers, [](const ConsumerInfo& consumer) { return consumer.here; });
  }
};

struct QueueHeader {
  std::string name;
  std::optional<std::string> value = {};
};

// A message as a consumer gets it; owns its bytes.
struct Message {
  std::string id;     // of the original record, through every retry, dead letter and redrive
  std::string lease;  // names this delivery; opaque
  std::optional<std::string> key = {};
  std::optional<std::string> body = {};  // nullopt: a tombstone
  std::vector<QueueHeader> headers;
  int delivery = 1;
  WallTime enqueued_at;
};

// A look at a message without taking it.
enum class MessageState { ready, leased, delayed, dead };
struct MessageLook {
  std::string id;
  MessageState state = MessageState::ready;
  std::optional<std::string> key = {};
  std::optional<std::string> body = {};
  std::vector<QueueHeader> headers;
  int deliveries = 0;
  std::string last_reason;
  std::optional<WallTime> due = {};
  WallTime enqueued_at;
  std::optional<WallTime> died_at = {};
  std::string topic;  // where the original record stands
  PartitionOffset at;
};

struct PostMessage {
  std::optional<std::string> key = {};
  std::optional<std::string> body = {};
  std::vector<QueueHeader> headers = {};
  std::optional<WallTime> due = {};  // delay and at
  std::optional<Duration> ttl = {};
};

struct Receive {
  std::string queue;
  int max = 10;                      // 1 to 1,000
  Duration wait = Duration::zero();  // at most 60 s
  std::optional<Duration> visibility = {};
  std::string service = {};  // who asks, for the flow graph
  std::string via = "HTTP";
  uint64_t poll = 0;  // names this call for give_up(); 0: it has no name
};

struct LeaseResult {
  std::string lease;
  bool ok = true;
  std::string problem = {};  // "expired", "unknown"
};

struct Nack {
  std::vector<std::string> leases;
  std::optional<Duration> delay = {};  // else the backoff
  std::string reason = {};
  bool dead = false;   // to the dead letters now
  bool counts = true;  // false: the endpoint rested, this was no delivery
};

struct RedriveProgress {
  std::string id;
  enum class State { running, done, stopped } state = State::running;
  int64_t total = 0;
  int64_t moved = 0;
};

}  // namespace pabal::broker
