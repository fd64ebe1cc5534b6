#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/place.h"
#include "broker/queue.h"
#include "log/record.h"

namespace pabal::broker {

// Headers that the server adds to records of a queue's own log and to dead letters. Whoever posts may not.
inline constexpr std::string_view own_header_prefix = "pabal-";

// What a message is besides its bytes: where the original record stands, when it came.
struct MessageOrigin {
  std::string id;     // of the original, through every retry, dead letter and redrive
  std::string topic;  // empty: it was posted to the queue
  PartitionOffset at = {PartitionIndex(-1), Offset(-1)};
  WallTime enqueued_at = {};
};

// A record of a queue's own log, taken apart.
struct OwnRecord {
  MessageOrigin origin;
  std::optional<WallTime> due = {};
  std::optional<WallTime> expires = {};
  bool redriven = false;
};
[[nodiscard]] OwnRecord read_own(const log::StoredRecord& record);

// A dead letter of a queue, taken apart.
struct DeadRecord {
  MessageOrigin origin;
  std::string queue;
  std::string reason;
  int deliveries = 0;
  WallTime died_at = {};
};
// Nothing when it is no dead letter of any queue.
[[nodiscard]] std::optional<DeadRecord> read_dead(const log::StoredRecord& record);

// How long before `now` that was: at most 10,000 days either way, for a record may say any time.
[[nodiscard]] Duration age_of(WallTime then, WallTime now);

// A record that owns its bytes, for those that are written again.
class OwnedRecord {
 public:
  // Without the server's own headers.
  static OwnedRecord copy(const log::RecordView& record);
  void add_header(std::string_view name, std::string value);
  void set_time(WallTime time) { time_ = time; }
  void set_key(std::optional<std::string> key) { key_ = std::move(key); }
  void set_value(std::optional<std::string> value) { value_ = std::move(value); }
  void add_header(QueueHeader header) { headers_.push_back(std::move(header)); }
  // Valid while this lives and is not changed.
  [[nodiscard]] log::RecordView view() const;

 private:
  std::optional<std::string> key_;
  std::optional<std::string> value_;
  std::vector<QueueHeader> headers_;
  WallTime time_ = {};
};

void add_origin(OwnedRecord& record, const MessageOrigin& origin);
// A message that was posted.
[[nodiscard]] OwnedRecord make_posted(const PostMessage& message, std::string id, WallTime now);

// As dead letter of `queue`, to be appended to its dead letter topic.
[[nodiscard]] OwnedRecord make_dead(const log::RecordView& record, const DeadRecord& dead);
// As message of the queue's own log, in the place of its dead letter.
[[nodiscard]] OwnedRecord make_redriven(const log::RecordView& record, const DeadRecord& dead);

[[nodiscard]] MessageOrigin topic_origin(const std::string& topic, PartitionIndex partition,
                                         const log::StoredRecord& record);

[[nodiscard]] std::optional<std::string> owned(const std::optional<BytesView>& bytes);
// Without the server's own headers when `strip`.
[[nodiscard]] std::vector<QueueHeader> headers_of(const log::RecordView& record, bool strip);
// The text of a header, or empty.
[[nodiscard]] std::string_view header_text(const log::RecordView& record, std::string_view name);
// A hash of the key that is never 0; 0 when there is none.
[[nodiscard]] uint64_t key_hash(const std::optional<BytesView>& key);

}  // namespace pabal::broker
