#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Offsets by time, and the ends of partitions.
namespace pabal::kafka {

constexpr Api list_offsets_api{.key = ApiKey::list_offsets,
                               .name = "ListOffsets",
                               .first = ApiVersion(1),
                               .last = ApiVersion(10),
                               .first_flexible = ApiVersion(6)};

struct ListOffsetsRequest {
  static constexpr const Api& api = list_offsets_api;
  static constexpr bool is_request = true;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index = {};
      LeaderEpoch current_leader_epoch = LeaderEpoch(-1);
      Timestamp timestamp = {};

      static void describe(auto& visit) {
        visit("partition_index", &Partition::partition_index, always);
        visit("current_leader_epoch", &Partition::current_leader_epoch, since(4).ignorable());
        visit("timestamp", &Partition::timestamp, always);
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string name = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always);
      visit("partitions", &Topic::partitions, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  BrokerId replica_id = {};
  IsolationLevel isolation_level = {};
  std::vector<Topic> topics = {};
  Milliseconds timeout = {};

  static void describe(auto& visit) {
    visit("replica_id", &ListOffsetsRequest::replica_id, always);
    visit("isolation_level", &ListOffsetsRequest::isolation_level, since(2));
    visit("topics", &ListOffsetsRequest::topics, always);
    visit("timeout", &ListOffsetsRequest::timeout, since(10).ignorable());
  }
  friend bool operator==(const ListOffsetsRequest&, const ListOffsetsRequest&) = default;
};

struct ListOffsetsResponse {
  static constexpr const Api& api = list_offsets_api;
  static constexpr bool is_request = false;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index = {};
      KafkaError error_code = {};
      Timestamp timestamp = no_timestamp;
      Offset offset = Offset(-1);
      LeaderEpoch leader_epoch = LeaderEpoch(-1);

      static void describe(auto& visit) {
        visit("partition_index", &Partition::partition_index, always);
        visit("error_code", &Partition::error_code, always);
        visit("timestamp", &Partition::timestamp, always);
        visit("offset", &Partition::offset, always);
        visit("leader_epoch", &Partition::leader_epoch, since(4));
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string name = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always);
      visit("partitions", &Topic::partitions, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<Topic> topics = {};

  static void describe(auto& visit) {
    visit("throttle_time", &ListOffsetsResponse::throttle_time, since(2).ignorable());
    visit("topics", &ListOffsetsResponse::topics, always);
  }
  friend bool operator==(const ListOffsetsResponse&, const ListOffsetsResponse&) = default;
};

constexpr Api offset_for_leader_epoch_api{.key = ApiKey::offset_for_leader_epoch,
                                          .name = "OffsetForLeaderEpoch",
                                          .first = ApiVersion(2),
                                          .last = ApiVersion(4),
                                          .first_flexible = ApiVersion(4)};

struct OffsetForLeaderEpochRequest {
  static constexpr const Api& api = offset_for_leader_epoch_api;
  static constexpr bool is_request = true;

  struct Topic {
    struct Partition {
      PartitionIndex partition = {};
      LeaderEpoch current_leader_epoch = LeaderEpoch(-1);
      LeaderEpoch leader_epoch = {};

      static void describe(auto& visit) {
        visit("partition", &Partition::partition, always);
        visit("current_leader_epoch", &Partition::current_leader_epoch, always.ignorable());
        visit("leader_epoch", &Partition::leader_epoch, always);
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string topic = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("topic", &Topic::topic, always);
      visit("partitions", &Topic::partitions, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  BrokerId replica_id = BrokerId(-2);
  std::vector<Topic> topics = {};

  static void describe(auto& visit) {
    visit("replica_id", &OffsetForLeaderEpochRequest::replica_id, since(3).ignorable());
    visit("topics", &OffsetForLeaderEpochRequest::topics, always);
  }
  friend bool operator==(const OffsetForLeaderEpochRequest&, const OffsetForLeaderEpochRequest&) = default;
};

struct OffsetForLeaderEpochResponse {
  static constexpr const Api& api = offset_for_leader_epoch_api;
  static constexpr bool is_request = false;

  struct TopicResult {
    struct EpochEndOffset {
      KafkaError error_code = {};
      PartitionIndex partition = {};
      LeaderEpoch leader_epoch = LeaderEpoch(-1);
      Offset end_offset = Offset(-1);

      static void describe(auto& visit) {
        visit("error_code", &EpochEndOffset::error_code, always);
        visit("partition", &EpochEndOffset::partition, always);
        visit("leader_epoch", &EpochEndOffset::leader_epoch, always.ignorable());
        visit("end_offset", &EpochEndOffset::end_offset, always);
      }
      friend bool operator==(const EpochEndOffset&, const EpochEndOffset&) = default;
    };

    std::string topic = {};
    std::vector<EpochEndOffset> partitions = {};

    static void describe(auto& visit) {
      visit("topic", &TopicResult::topic, always);
      visit("partitions", &TopicResult::partitions, always);
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<TopicResult> topics = {};

  static void describe(auto& visit) {
    visit("throttle_time", &OffsetForLeaderEpochResponse::throttle_time, always.ignorable());
    visit("topics", &OffsetForLeaderEpochResponse::topics, always);
  }
  friend bool operator==(const OffsetForLeaderEpochResponse&, const OffsetForLeaderEpochResponse&) = default;
};

}  // namespace pabal::kafka
