#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/engine.h"
#include "log/record.h"

namespace pabal::broker {

// compact: retention takes nothing; compact_and_delete: it does, also the latest record of a key.
enum class Cleanup { delete_old, compact, compact_and_delete };
// As the HTTP API and Kafka's cleanup.policy have it: "delete", "compact" or "compact,delete".
[[nodiscard]] std::string_view name_of(Cleanup cleanup);
[[nodiscard]] constexpr bool compacts(Cleanup cleanup) { return cleanup != Cleanup::delete_old; }
enum class Timestamps { create, append };
using engine::Durability;
// `flushed`, `written` or `memory`.
[[nodiscard]] std::string_view name_of(Durability durability);

constexpr size_t batch_bytes_max = 4_MiB;

struct TopicSettings {
  int32_t partitions = 1;
  Duration retention_time = std::chrono::days(7);  // zero keeps for ever
  uint64_t retention_bytes = 0;                    // zero: no limit
  Cleanup cleanup = Cleanup::delete_old;
  Timestamps timestamps = Timestamps::create;
  Duration tombstones_kept = std::chrono::hours(24);  // of a compacted topic
  Durability durability = Durability::flushed;        // for good
  size_t message_bytes_max = batch_bytes_max;         // of a batch that a client built, and of one record
  std::map<std::string, std::string> kept = {};       // without effect, for clients that ask for them again
  friend bool operator==(const TopicSettings&, const TopicSettings&) = default;
};

// Of TopicSettings::kept.
constexpr size_t kept_settings_max = 64;
constexpr size_t kept_name_bytes_max = 128;
constexpr size_t kept_value_bytes_max = 4_KiB;

// What a PUT asks for: an absent field keeps its value.
struct TopicChange {
  std::optional<int32_t> partitions = {};
  std::optional<Duration> retention_time = {};
  std::optional<uint64_t> retention_bytes = {};
  std::optional<Cleanup> cleanup = {};
  std::optional<Timestamps> timestamps = {};
  std::optional<Duration> tombstones_kept = {};
  std::optional<Durability> durability = {};
  std::optional<size_t> message_bytes_max = {};
  std::map<std::string, std::optional<std::string>> kept = {};  // nullopt forgets one
  bool rekey = false;
  // Retention may be given with compaction alone, which does not use it; else that is invalid.
  bool retention_may_rest = false;
  // make: conflict when the topic is there; change: not_found when it is not.
  enum class Must { either, make, change };
  Must must = Must::either;
  bool validate_only = false;  // says what would come of it, and changes nothing
};

struct PartitionInfo {
  PartitionIndex partition;
  engine::LogRange range;
};

struct TopicInfo {
  TopicId id;
  std::string name;
  TopicSettings settings;
  std::vector<PartitionInfo> partitions;
  bool internal = false;
};

struct PublishRecord {
  log::RecordView record = {};
  std::optional<PartitionIndex> partition =
      {};  // else murmur2 of the key, as Kafka's Java client; keyless: round robin
  std::optional<int64_t> sequence = {};  // with Publish::producer: stored iff above the highest stored
};

// Lets a call be repeated without storing its records twice: the same key and fingerprint get the first
// answer again for idempotency_window. While the first runs: conflict; with another fingerprint: key_reused;
// too many keys: over_limit. Durable in the same commit as the records.
struct Idempotency {
  std::string key;
  std::string scope;        // who calls: another caller's key is another key
  std::string fingerprint;  // of the body
};
constexpr Duration idempotency_window = std::chrono::minutes(10);
constexpr int64_t idempotency_keys_max = 4'000'000;
constexpr size_t idempotency_key_bytes_max = 256;

constexpr size_t records_per_publish_max = 10'000;
constexpr size_t record_bytes_max = 1_MiB;  // key and value
constexpr size_t headers_per_record_max = 100;
constexpr size_t header_bytes_max = 32_KiB;  // of one record, names and values
constexpr size_t producer_name_bytes_max = 256;
constexpr size_t topics_max = 10'000;
constexpr int32_t partitions_max = 100'000;  // of all topics

// One call: all of its records are stored or none. The views must live until the call returns.
struct Publish {
  std::string topic = {};
  std::vector<PublishRecord> records = {};
  // A steady producer: (producer, topic) has one rising sequence, for ever. `sequence` is for the call as a
  // whole.
  std::string producer = {};
  std::optional<int64_t> sequence = {};
  std::optional<Idempotency> idempotency = {};  // not together with `producer`
  // Who publishes, for the flow graph; and the flow it belongs to (each record's header `correlationid`).
  std::string service = {};
};

struct Stored {
  PartitionIndex partition;
  Offset offset;
  friend bool operator==(const Stored&, const Stored&) = default;
};
// In the order of Publish::records; nullopt: already stored under its sequence.
using PublishResult = std::vector<std::optional<Stored>>;

// Record batches (Kafka's v2 format) that a client built, to be stored as they came.
struct AppendBatches {
  std::string topic = {};
  struct Part {
    PartitionIndex partition;
    OwnedBytes batch;  // exactly one; what is large is stored where it lies
  };
  std::vector<Part> parts = {};    // at most one for each partition
  std::optional<TopicId> id = {};  // not_found when the topic of that name is another
  std::string service = {};        // who publishes, for the flow graph
};
// Idempotent producers are known for a day after their last batch, as in Kafka. Each counts once for every
// partition it publishes to. At a limit the one that has been silent for longest is forgotten, but not before
// it has been so long that its client repeats nothing any more; else the new one is refused (over_limit).
constexpr Duration producer_expiration = std::chrono::hours(24);
constexpr Duration producer_silence_min = std::chrono::minutes(15);
// For tests, which must find them.
enum class ProducerFault {
  none,
  state_apart,              // what is known of a producer is committed behind its batch
  keeps_four,               // one batch fewer than a client may have in flight
  forgotten,                // a start knows nobody
  fences_nobody,            // a batch of an epoch that has ended is stored
  repeated_before_durable,  // a repeated batch does not wait for the one that it repeats
};
struct ProducerLimits {
  int64_t per_partition = 10'000;
  int64_t in_all = 500'000;  // some 200 MB
  ProducerFault fault = ProducerFault::none;
};
// How many are known in all; shared by all topics.
struct ProducerBudget {
  explicit ProducerBudget(ProducerLimits l) : limits(l) {}
  const ProducerLimits limits;
  std::atomic<int64_t> known = 0;
};

// Where a batch went, and the oldest record of its partition.
struct Appended {
  Offset base;
  Offset first;
};
// In the order of AppendBatches::parts. The sound ones are one commit; the others say what is wrong with
// them: not_found (no such partition), corrupt, too_large, unsupported (an unknown compression,
// transactional), invalid; and of an idempotent producer's: out_of_order, fenced, duplicate (stored, and not
// known any more where). A batch that repeats an earlier one is told where that went.
using AppendResult = std::vector<Result<Appended>>;

struct PartitionOffset {
  PartitionIndex partition;
  Offset offset;
};

enum class StartAt { earliest, latest };
using StartPoint = std::variant<StartAt, WallTime>;

}  // namespace pabal::broker
