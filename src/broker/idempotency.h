#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/topic.h"
#include "engine/engine.h"
#include "engine/table.h"

namespace pabal::broker {

// Where a call's records went, as far as that is known before the commit: which partition each record went
// to, and for each partition the checksum of its one batch and an offset that the batch cannot stand below.
struct StoredShape {
  struct Part {
    PartitionIndex partition;
    Offset from;
    uint32_t crc;
    friend bool operator==(const Part&, const Part&) = default;
  };
  std::vector<Part> parts;
  std::vector<PartitionIndex> records;

  [[nodiscard]] std::string encode() const;
  static Result<StoredShape> decode(std::string_view text);
  friend bool operator==(const StoredShape&, const StoredShape&) = default;
};

[[nodiscard]] uint32_t crc_of(BytesView batch);

// The answer the first call got, found again in the topic; conflict when retention has taken its records.
runtime::Task<Result<PublishResult>> find_answer(engine::Engine& engine, TopicId topic, StoredShape shape);

// What was stored under each key, in a topic's producers table under "i" + scope (with its length) + key, and
// the keys whose call is under way. One shard.
class IdempotencyKeys {
 public:
  explicit IdempotencyKeys(const engine::Table& table) : table_(table) {}

  // A key is running while this lives.
  class Running {
   public:
    Running(IdempotencyKeys& keys, std::string key) : keys_(&keys), key_(std::move(key)) {}
    Running(Running&& other) noexcept
        : keys_(std::exchange(other.keys_, nullptr)), key_(std::move(other.key_)) {}
    Running& operator=(Running&&) = delete;
    ~Running() {
      if (keys_) keys_->running_.erase(key_);
    }

   private:
    IdempotencyKeys* keys_;
    std::string key_;
  };

  // What the first call stored, or a running mark to keep until this call has ended.
  struct Begin {
    std::optional<StoredShape> stored;
    std::optional<Running> running;
  };
  [[nodiscard]] Result<Begin> begin(const Idempotency& call);
  [[nodiscard]] static engine::TableChange remember(const Idempotency& call, const StoredShape& stored,
                                                    WallTime now);

 private:
  const engine::Table& table_;
  std::set<std::string> running_;
};

}  // namespace pabal::broker
