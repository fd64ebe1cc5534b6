#pragma once

#include <optional>
#include <string_view>

#include "broker/queue.h"
#include "engine/engine.h"

namespace pabal::broker {

// What the broker tells whoever draws the flow graph and answers traces. Calls come from any shard, after the
// thing is durable, and must return at once without blocking; views live only during the call.
struct RecordSeen {
  std::string_view topic;
  Stored at;
  const log::RecordView& record;
};

// A client's batch of records that are not told one by one: there are many, or nothing in them could be asked
// for.
struct BatchSeen {
  std::string_view topic;
  PartitionIndex partition;
  int64_t records = 0;
  size_t bytes = 0;
  bool has_ids = false;  // the first record has a key or headers, so that somebody might look for it
};
constexpr int64_t records_told_max = 100;  // of one batch; of a larger one none

enum class MessageEvent { delivered, acked, nacked, expired, dead, redriven };

struct MessageSeen {
  MessageEvent event;
  std::string_view queue;
  std::string_view topic;
  PartitionOffset at;
  std::string_view id;
  std::optional<std::string_view> key;
  std::string_view service;         // the consumer
  std::string_view correlation_id;  // the header, or empty
  std::string_view causation_id;
  std::string_view type;  // ce_type, or empty
  int delivery = 0;
  std::string_view reason;
  std::optional<WallTime> due;  // of the next try
  Duration age = {};            // since it was published
};

// A change that somebody asked for, whatever door it came through; or the end of a redrive.
enum class Change {
  topic_made,
  topic_changed,
  topic_deleted,
  queue_made,
  queue_changed,
  queue_deleted,
  queue_paused,
  queue_resumed,
  queue_purged,
  redrive_started,
  redrive_ended,
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void published(std::string_view service, const RecordSeen& seen, Duration durable_in) = 0;
  virtual void published_batch(std::string_view service, const BatchSeen& seen, Duration durable_in) {
    (void)service, (void)seen, (void)durable_in;
  }
  virtual void message(const MessageSeen& seen) = 0;
  virtual void consumer_joined(std::string_view queue, std::string_view service) = 0;
  virtual void consumer_left(std::string_view queue, std::string_view service, std::string_view why) = 0;
  // `name` of the topic or queue. The broker calls it after the change is durable (push follows it, and the
  // overview tells it).
  virtual void changed(Change change, std::string_view name) { (void)change, (void)name; }
};

}  // namespace pabal::broker
