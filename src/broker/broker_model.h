#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace pabal::broker {

// What must hold of one queue, told by its clients. Messages are known by their ids. A message is done when
// its ack was answered, possibly done when the ack's outcome is unknown; and so for dead letters.
class QueueModel {
 public:
  QueueModel(std::string name, QueueChange settings)
      : name_(std::move(name)), settings_(std::move(settings)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const QueueChange& settings() const { return settings_; }

  // After a restart no lease counts.
  void begin_life();
  // Each returns what is wrong, or nothing.
  using Problem = std::optional<std::string>;
  [[nodiscard]] Problem delivered(const Message& message, Instant now, Instant leased_until);
  void begin_ack(const std::string& id) {  // it takes effect some time before its answer
    ++message(id).acks_unknown;
    message(id).out_until.reset();
  }
  [[nodiscard]] Problem acked(const std::string& id);
  [[nodiscard]] Problem not_acked(const std::string& id);
  void begin_kill(const std::string& id) { message(id).death_possible = true; }
  void gave_up(const std::string& id) { message(id).out_until.reset(); }
  // A look at the dead letters takes a while, in which what it has read may be redriven and acked: only acks
  // from before begin_look() count against it.
  [[nodiscard]] uint64_t begin_look() const { return acks_; }
  [[nodiscard]] Problem saw_dead(const MessageLook& dead, uint64_t look);
  // Posted to the queue: `id` was answered.
  void posted(const std::string& id) { message(id).must_come = true; }

  // When all that could be taken has been taken and acked: nothing that had to come is missing. `dead`: ids
  // that stand among the dead letters.
  [[nodiscard]] Problem check_end(const std::set<std::string>& dead,
                                  const std::vector<std::string>& published) const;

 private:
  struct Known {
    std::optional<std::string> key = {};
    std::string body = {};
    std::optional<Instant> out_until = {};  // held by a consumer of this life
    int deliveries = 0;
    bool seen = false;
    int acks_unknown = 0;
    std::optional<uint64_t> acked = {};  // as the how many-th of the queue
    bool death_possible = false;
    bool must_come = false;
  };
  Known& message(const std::string& id) { return messages_[id]; }
  [[nodiscard]] Problem check_order(const std::string& id, const Known& message, Instant now) const;
  [[nodiscard]] bool out_of_the_way(const Known& earlier) const;

  std::string name_;
  QueueChange settings_;
  std::map<std::string, Known> messages_;
  uint64_t acks_ = 0;
};

// Where a message of a topic stands, from its id "<topic>-<partition>-<offset>".
struct MessagePosition {
  int64_t partition;
  int64_t offset;
  friend auto operator<=>(const MessagePosition&, const MessagePosition&) = default;
};
[[nodiscard]] std::optional<MessagePosition> position_of(const std::string& topic, const std::string& id);

// What must hold of a topic: each acknowledged record stands where it was said to, each value once, and each
// producer's values in the order of their sequences.
class TopicModel {
 public:
  struct Value {
    std::string producer;  // empty: none
    int64_t sequence = 0;
    std::optional<Stored> stored = {};
    bool acknowledged = false;
  };

  void begin(const std::string& value, Value what) { values_.try_emplace(value, std::move(what)); }
  [[nodiscard]] std::optional<std::string> acknowledged(const std::string& value,
                                                        const std::optional<Stored>& at);
  void saw(PartitionIndex partition, Offset offset, const std::string& value);
  // After everything has been read from the first offset.
  [[nodiscard]] std::optional<std::string> check_end() const;
  void begin_reading() { read_.clear(); }
  [[nodiscard]] const std::map<MessagePosition, std::string>& records() const { return read_; }

 private:
  std::map<std::string, Value> values_;
  std::map<MessagePosition, std::string> read_;
};

}  // namespace pabal::broker
