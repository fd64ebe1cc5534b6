#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/groups.h"
#include "broker/topic.h"
#include "protocol/kafka/consumer_protocol.h"

namespace pabal::flows {

// How far a consumer group has come, as people ask for it. Pure: made from one look at the group and the
// topics.
struct GroupLook {
  // One that somebody has been given, or has committed to.
  struct Partition {
    broker::TopicPartition at;
    std::optional<Offset> committed = {};
    std::string metadata = {};
    std::optional<engine::LogRange> range = {};  // nullopt: there is no such partition
    std::optional<int64_t> lag = {};             // records that are there and not committed
    int64_t removed_unread = 0;                  // records that were removed before they were committed
    std::optional<size_t> member = {};           // who reads it, in `info.members`
  };
  struct Member {
    std::vector<std::string> subscribed = {};
    std::vector<kafka::AssignedTopic> assigned = {};
  };

  broker::GroupInfo info;
  std::vector<Member> members = {};        // as in `info.members`
  std::vector<Partition> partitions = {};  // by topic and number
  std::optional<int64_t> lag = {};         // of all partitions; nullopt while nothing is committed

  [[nodiscard]] std::set<std::string> topics() const;
};

// `topics` sorted by name.
[[nodiscard]] GroupLook look_at(broker::GroupView view, const std::vector<broker::TopicInfo>& topics);

// "stable", "preparing_rebalance", …
[[nodiscard]] std::string_view name_of(broker::GroupState state);
// Kafka shows an address with a slash before it.
[[nodiscard]] std::string_view address_of(const broker::GroupMember& member);

}  // namespace pabal::flows
