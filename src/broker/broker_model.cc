#include "broker/broker_model.h"

#include <algorithm>
#include <charconv>

namespace pabal::broker {

std::optional<MessagePosition> position_of(const std::string& topic, const std::string& id) {
  if (!id.starts_with(topic + "-")) return std::nullopt;
  const char* at = id.data() + topic.size() + 1;
  const char* end = id.data() + id.size();
  MessagePosition position{};
  auto partition = std::from_chars(at, end, position.partition);
  if (partition.ec != std::errc() || partition.ptr == end || *partition.ptr != '-') return std::nullopt;
  auto offset = std::from_chars(partition.ptr + 1, end, position.offset);
  if (offset.ec != std::errc() || offset.ptr != end) return std::nullopt;
  return position;
}

// -- queue
// ------------------------------------------------------------------------------------------------------------

void QueueModel::begin_life() {
  for (auto& [id, message] : messages_) message.out_until.reset();
}

// Whether a later message of the key may go although this one came first.
bool QueueModel::out_of_the_way(const Known& earlier) const {
  if (earlier.acked || earlier.acks_unknown > 0) return true;
  return earlier.death_possible && settings_.on_dead != OnDead::hold;
}

QueueModel::Problem QueueModel::check_order(const std::string& id, const Known& message, Instant now) const {
  if (settings_.order != KeyOrder::by_key || !message.key) return std::nullopt;
  auto position = position_of(*settings_.topic, id);
  for (const auto& [other_id, other] : messages_) {
    if (other_id == id || other.key != message.key) continue;
    if (other.out_until && *other.out_until > now) {
      return fmt::format("{}: {} is delivered while {} of the same key is out", name_, id, other_id);
    }
    auto before = position_of(*settings_.topic, other_id);
    if (!position || !before || before->partition != position->partition || *before > *position) continue;
    if (other.seen && !out_of_the_way(other)) {
      return fmt::format("{}: {} is delivered before {}, the earlier one of its key", name_, id, other_id);
    }
  }
  return std::nullopt;
}

QueueModel::Problem QueueModel::delivered(const Message& delivered, Instant now, Instant leased_until) {
  Known& known = message(delivered.id);
  if (known.acked) return fmt::format("{}: {} was acked and comes again", name_, delivered.id);
  if (known.out_until && *known.out_until > now) {
    return fmt::format("{}: {} is delivered while it is out", name_, delivered.id);
  }
  std::string body = delivered.body.value_or("");
  if (known.seen && (known.body != body || known.key != delivered.key)) {
    return fmt::format("{}: {} was {:?} and is {:?}", name_, delivered.id, known.body, body);
  }
  known.seen = true;
  known.body = body;
  known.key = delivered.key;
  if (auto wrong = check_order(delivered.id, known, now)) return wrong;
  known.out_until = leased_until;
  known.deliveries = std::max(known.deliveries, delivered.delivery);
  // When the lease runs out now, or a nack is written, it may die without another word to the client.
  if (known.deliveries >= *settings_.max_deliveries) known.death_possible = true;
  return std::nullopt;
}

QueueModel::Problem QueueModel::acked(const std::string& id) {
  Known& known = message(id);
  if (!known.acked) known.acked = ++acks_;
  known.out_until.reset();
  return std::nullopt;
}

QueueModel::Problem QueueModel::not_acked(const std::string& id) {
  --message(id).acks_unknown;
  return std::nullopt;
}

QueueModel::Problem QueueModel::saw_dead(const MessageLook& dead, uint64_t look) {
  Known& known = message(dead.id);
  if (known.acked && *known.acked <= look)
    return fmt::format("{}: {} was acked and is a dead letter", name_, dead.id);
  if (!known.death_possible) return fmt::format("{}: {} died of nothing", name_, dead.id);
  if (known.seen && known.body != dead.body.value_or("")) {
    return fmt::format("{}: the dead letter of {} has another body", name_, dead.id);
  }
  if (dead.last_reason.empty()) return fmt::format("{}: the dead letter of {} has no reason", name_, dead.id);
  return std::nullopt;
}

QueueModel::Problem QueueModel::check_end(const std::set<std::string>& dead,
                                          const std::vector<std::string>& published) const {
  auto is_settled = [&](const std::string& id) {
    auto it = messages_.find(id);
    bool done = it != messages_.end() && (it->second.acked || it->second.acks_unknown > 0);
    return done || dead.contains(id);
  };
  for (const std::string& id : published) {
    if (!is_settled(id)) return fmt::format("{}: {} is lost", name_, id);
  }
  for (const auto& [id, known] : messages_) {
    if (known.must_come && !is_settled(id))
      return fmt::format("{}: {}, which was posted, is lost", name_, id);
  }
  return std::nullopt;
}

// -- topic
// ------------------------------------------------------------------------------------------------------------

std::optional<std::string> TopicModel::acknowledged(const std::string& value,
                                                    const std::optional<Stored>& at) {
  Value& known = values_.at(value);
  if (at && known.stored && *known.stored != *at) return fmt::format("{} was stored twice", value);
  if (at) known.stored = at;
  known.acknowledged = true;
  return std::nullopt;
}

void TopicModel::saw(PartitionIndex partition, Offset offset, const std::string& value) {
  read_[{partition.value(), offset.value()}] = value;
}

std::optional<std::string> TopicModel::check_end() const {
  std::map<std::string, MessagePosition> places;
  std::map<std::pair<std::string, int64_t>, int64_t> last;  // producer and partition -> sequence
  for (const auto& [position, value] : read_) {
    auto known = values_.find(value);
    if (known == values_.end()) return fmt::format("{} was never published", value);
    if (!places.emplace(value, position).second) return fmt::format("{} stands in the topic twice", value);
    if (known->second.producer.empty()) continue;
    int64_t& before = last[{known->second.producer, position.partition}];
    if (known->second.sequence <= before)
      return fmt::format("{} stands behind a later one of its producer", value);
    before = known->second.sequence;
  }
  for (const auto& [value, known] : values_) {
    if (!known.acknowledged) continue;
    auto found = places.find(value);
    if (found == places.end()) return fmt::format("{}, which was acknowledged, is lost", value);
    bool moved = known.stored && MessagePosition{known.stored->partition.value(),
                                                 known.stored->offset.value()} != found->second;
    if (moved) return fmt::format("{} does not stand where it was said to", value);
  }
  return std::nullopt;
}

}  // namespace pabal::broker
