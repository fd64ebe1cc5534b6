#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "broker/consumers.h"
#include "broker/message_reader.h"
#include "broker/message_record.h"
#include "broker/observer.h"
#include "broker/queue.h"
#include "broker/queue_state.h"
#include "broker/queue_table.h"
#include "broker/rate.h"
#include "broker/wakeup.h"
#include "broker/well_known.h"
#include "engine/engine.h"
#include "engine/table.h"
#include "runtime/shards.h"

namespace pabal::broker {

// A topic as a queue needs it: what it reads, or where its dead letters go.
struct QueueTopic {
  std::string name;
  TopicId id;
  int32_t partitions = 0;  // 0: there is none
};

// Faults that tests put in, to see that they are found.
struct QueueFaults {
  bool settle_before_dead_letter = false;
};

// What the parts of one open queue share, on the shard that owns it. Whoever writes a commit of the queue has
// taken a turn of `writing` first: one commit at a time, so that a failed one can be undone.
struct QueueCore {
  // What is known of a message while it is out, to tell with its ack.
  struct Out {
    std::string id = {};
    std::optional<std::string> key = {};
    std::string correlation_id = {};
    std::string causation_id = {};
    std::string type = {};
    WallTime enqueued_at = {};
  };

  QueueCore(std::string queue_name, QueueRecord queue_record, QueueTopic read, QueueTopic dead,
            engine::Engine& e, Observer& o, runtime::Shard& s, QueueFaults f, uint32_t run)
      : name(std::move(queue_name)),
        record(std::move(queue_record)),
        topic(std::move(read)),
        dead_topic(std::move(dead)),
        engine(e),
        observer(o),
        shard(s),
        faults(f),
        state(rules(), run),
        reader(e),
        writing(s.executor()) {}

  [[nodiscard]] const QueueSettings& settings() const { return record.settings; }
  [[nodiscard]] QueueState::Rules rules() const {
    return {settings().order, settings().on_dead, settings().look_ahead};
  }
  [[nodiscard]] Instant now() const { return shard.timers().clock().now(); }
  [[nodiscard]] WallTime wall_now() const { return shard.timers().clock().wall_now(); }
  [[nodiscard]] engine::LogId own_log() const { return queue_own_log(record.id); }
  // The origin of a record that stands at `place`.
  [[nodiscard]] MessageOrigin origin_of(Place place, const log::StoredRecord& r) const {
    if (place.source == own_source) return read_own(r).origin;
    return topic_origin(topic.name, PartitionIndex(place.source.value()), r);
  }
  [[nodiscard]] static Out out_of(const MessageOrigin& origin, const log::RecordView& r) {
    return {origin.id,
            owned(r.key),
            std::string(header_text(r, "correlationid")),
            std::string(header_text(r, "causationid")),
            std::string(header_text(r, "ce_type")),
            origin.enqueued_at};
  }
  // Whether a record that is not there any more was removed unread; else compaction took it, because a later
  // record of its key follows.
  [[nodiscard]] bool is_lost(Place place) const {
    auto range = engine.range(reader.log(place.source));
    return !range || place.offset < range->first;
  }
  // Tells the observer what became of a message.
  void tell(MessageEvent event, Place place, const Out& what, std::string_view service, int delivery,
            std::string_view reason = {}, std::optional<WallTime> due = {}) const {
    bool own = place.source == own_source;
    MessageSeen seen{.event = event,
                     .queue = name,
                     .topic = own ? std::string_view() : std::string_view(topic.name),
                     .at = {PartitionIndex(place.source.value()), place.offset},
                     .id = what.id,
                     .key = what.key ? std::optional<std::string_view>(*what.key) : std::nullopt,
                     .service = service,
                     .correlation_id = what.correlation_id,
                     .causation_id = what.causation_id,
                     .type = what.type,
                     .delivery = delivery,
                     .reason = reason,
                     .due = due,
                     .age = age_of(what.enqueued_at, wall_now())};
    observer.message(seen);
  }

  std::string name;
  QueueRecord record;
  QueueTopic topic;
  QueueTopic dead_topic;
  engine::Engine& engine;
  Observer& observer;
  runtime::Shard& shard;
  QueueFaults faults;
  std::unique_ptr<engine::Table> table;
  QueueState state;
  MessageReader reader;
  std::map<PartitionIndex, SettledSet> redriven;  // of the dead letter topic
  DeadCount dead;
  Consumers consumers;
  std::map<Place, Out> out;
  Rate delivered;
  Rate acked;
  Rate retried;
  int64_t lost_to_retention = 0;
  FifoLock writing;
  bool stopping = false;
  std::function<void()> changed = [] {};  // messages may have become ready, timers may have to move
};

}  // namespace pabal::broker
