#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Records on their way out.
namespace pabal::kafka {

constexpr Api fetch_api{.key = ApiKey::fetch,
                        .name = "Fetch",
                        .first = ApiVersion(4),
                        .last = ApiVersion(18),
                        .first_flexible = ApiVersion(12)};

struct FetchRequest {
  static constexpr const Api& api = fetch_api;
  static constexpr bool is_request = true;

  struct ReplicaState {
    BrokerId replica_id = BrokerId(-1);
    BrokerEpoch replica_epoch = BrokerEpoch(-1);

    static void describe(auto& visit) {
      visit("replica_id", &ReplicaState::replica_id, since(15));
      visit("replica_epoch", &ReplicaState::replica_epoch, since(15));
    }
    friend bool operator==(const ReplicaState&, const ReplicaState&) = default;
  };
  struct Topic {
    struct Partition {
      PartitionIndex partition = {};
      LeaderEpoch current_leader_epoch = LeaderEpoch(-1);
      Offset fetch_offset = {};
      LeaderEpoch last_fetched_epoch = LeaderEpoch(-1);
      Offset log_start_offset = Offset(-1);
      int32_t partition_max_bytes = 0;
      Uuid replica_directory_id = {};
      Offset high_watermark = Offset(INT64_MAX);

      static void describe(auto& visit) {
        visit("partition", &Partition::partition, always);
        visit("current_leader_epoch", &Partition::current_leader_epoch, since(9).ignorable());
        visit("fetch_offset", &Partition::fetch_offset, always);
        visit("last_fetched_epoch", &Partition::last_fetched_epoch, since(12));
        visit("log_start_offset", &Partition::log_start_offset, since(5).ignorable());
        visit("partition_max_bytes", &Partition::partition_max_bytes, always);
        visit("replica_directory_id", &Partition::replica_directory_id, since(17).tagged(0).ignorable());
        visit("high_watermark", &Partition::high_watermark, since(18).tagged(1).ignorable());
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string topic = {};
    TopicId topic_id = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("topic", &Topic::topic, always.until(12).ignorable());
      visit("topic_id", &Topic::topic_id, since(13).ignorable());
      visit("partitions", &Topic::partitions, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };
  struct ForgottenTopic {
    std::string topic = {};
    TopicId topic_id = {};
    std::vector<PartitionIndex> partitions = {};

    static void describe(auto& visit) {
      visit("topic", &ForgottenTopic::topic, since(7).until(12).ignorable());
      visit("topic_id", &ForgottenTopic::topic_id, since(13).ignorable());
      visit("partitions", &ForgottenTopic::partitions, since(7));
    }
    friend bool operator==(const ForgottenTopic&, const ForgottenTopic&) = default;
  };

  std::optional<std::string> cluster_id = {};
  BrokerId replica_id = BrokerId(-1);
  ReplicaState replica_state = {};
  Milliseconds max_wait = {};
  int32_t min_bytes = 0;
  int32_t max_bytes = INT32_MAX;
  IsolationLevel isolation_level = {};
  FetchSessionId session_id = {};
  FetchSessionEpoch session_epoch = FetchSessionEpoch(-1);
  std::vector<Topic> topics = {};
  std::vector<ForgottenTopic> forgotten_topics_data = {};
  std::string rack_id = {};

  static void describe(auto& visit) {
    visit("cluster_id", &FetchRequest::cluster_id, since(12).null_since(12).tagged(0).ignorable());
    visit("replica_id", &FetchRequest::replica_id, always.until(14));
    visit("replica_state", &FetchRequest::replica_state, since(15).tagged(1));
    visit("max_wait", &FetchRequest::max_wait, always);
    visit("min_bytes", &FetchRequest::min_bytes, always);
    visit("max_bytes", &FetchRequest::max_bytes, always.ignorable());
    visit("isolation_level", &FetchRequest::isolation_level, always.ignorable());
    visit("session_id", &FetchRequest::session_id, since(7).ignorable());
    visit("session_epoch", &FetchRequest::session_epoch, since(7).ignorable());
    visit("topics", &FetchRequest::topics, always);
    visit("forgotten_topics_data", &FetchRequest::forgotten_topics_data, since(7));
    visit("rack_id", &FetchRequest::rack_id, since(11).ignorable());
  }
  friend bool operator==(const FetchRequest&, const FetchRequest&) = default;
};

struct FetchResponse {
  static constexpr const Api& api = fetch_api;
  static constexpr bool is_request = false;

  struct Topic {
    struct Partition {
      struct EpochEndOffset {
        LeaderEpoch epoch = LeaderEpoch(-1);
        Offset end_offset = Offset(-1);

        static void describe(auto& visit) {
          visit("epoch", &EpochEndOffset::epoch, since(12));
          visit("end_offset", &EpochEndOffset::end_offset, since(12));
        }
        friend bool operator==(const EpochEndOffset&, const EpochEndOffset&) = default;
      };
      struct LeaderIdAndEpoch {
        BrokerId leader_id = BrokerId(-1);
        LeaderEpoch leader_epoch = LeaderEpoch(-1);

        static void describe(auto& visit) {
          visit("leader_id", &LeaderIdAndEpoch::leader_id, since(12));
          visit("leader_epoch", &LeaderIdAndEpoch::leader_epoch, since(12));
        }
        friend bool operator==(const LeaderIdAndEpoch&, const LeaderIdAndEpoch&) = default;
      };
      struct SnapshotId {
        Offset end_offset = Offset(-1);
        LeaderEpoch epoch = LeaderEpoch(-1);

        static void describe(auto& visit) {
          visit("end_offset", &SnapshotId::end_offset, always);
          visit("epoch", &SnapshotId::epoch, always);
        }
        friend bool operator==(const SnapshotId&, const SnapshotId&) = default;
      };
      struct AbortedTransaction {
        ProducerId producer_id = {};
        Offset first_offset = {};

        static void describe(auto& visit) {
          visit("producer_id", &AbortedTransaction::producer_id, always);
          visit("first_offset", &AbortedTransaction::first_offset, always);
        }
        friend bool operator==(const AbortedTransaction&, const AbortedTransaction&) = default;
      };

      PartitionIndex partition_index = {};
      KafkaError error_code = {};
      Offset high_watermark = {};
      Offset last_stable_offset = Offset(-1);
      Offset log_start_offset = Offset(-1);
      EpochEndOffset diverging_epoch = {};
      LeaderIdAndEpoch current_leader = {};
      SnapshotId snapshot_id = {};
      std::optional<std::vector<AbortedTransaction>> aborted_transactions = std::vector<AbortedTransaction>();
      BrokerId preferred_read_replica = BrokerId(-1);
      std::optional<Records> records = Records();

      static void describe(auto& visit) {
        visit("partition_index", &Partition::partition_index, always);
        visit("error_code", &Partition::error_code, always);
        visit("high_watermark", &Partition::high_watermark, always);
        visit("last_stable_offset", &Partition::last_stable_offset, always.ignorable());
        visit("log_start_offset", &Partition::log_start_offset, since(5).ignorable());
        visit("diverging_epoch", &Partition::diverging_epoch, since(12).tagged(0));
        visit("current_leader", &Partition::current_leader, since(12).tagged(1));
        visit("snapshot_id", &Partition::snapshot_id, since(12).tagged(2));
        visit("aborted_transactions", &Partition::aborted_transactions, always.null_since(4).ignorable());
        visit("preferred_read_replica", &Partition::preferred_read_replica, since(11));
        visit("records", &Partition::records, always.null_since(0));
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string topic = {};
    TopicId topic_id = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("topic", &Topic::topic, always.until(12).ignorable());
      visit("topic_id", &Topic::topic_id, since(13).ignorable());
      visit("partitions", &Topic::partitions, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };
  struct NodeEndpoint {
    BrokerId node_id = {};
    std::string host = {};
    int32_t port = 0;
    std::optional<std::string> rack = {};

    static void describe(auto& visit) {
      visit("node_id", &NodeEndpoint::node_id, since(16));
      visit("host", &NodeEndpoint::host, since(16));
      visit("port", &NodeEndpoint::port, since(16));
      visit("rack", &NodeEndpoint::rack, since(16).null_since(16));
    }
    friend bool operator==(const NodeEndpoint&, const NodeEndpoint&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  FetchSessionId session_id = {};
  std::vector<Topic> responses = {};
  std::vector<NodeEndpoint> node_endpoints = {};

  static void describe(auto& visit) {
    visit("throttle_time", &FetchResponse::throttle_time, always.ignorable());
    visit("error_code", &FetchResponse::error_code, since(7).ignorable());
    visit("session_id", &FetchResponse::session_id, since(7));
    visit("responses", &FetchResponse::responses, always);
    visit("node_endpoints", &FetchResponse::node_endpoints, since(16).tagged(0));
  }
  friend bool operator==(const FetchResponse&, const FetchResponse&) = default;
};

}  // namespace pabal::kafka
