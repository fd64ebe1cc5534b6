#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Where topics and their partitions are.
namespace pabal::kafka {

constexpr Api metadata_api{.key = ApiKey::metadata,
                           .name = "Metadata",
                           .first = ApiVersion(0),
                           .last = ApiVersion(13),
                           .first_flexible = ApiVersion(9)};

struct MetadataRequest {
  static constexpr const Api& api = metadata_api;
  static constexpr bool is_request = true;

  struct Topic {
    TopicId topic_id = {};
    std::optional<std::string> name = std::string();

    static void describe(auto& visit) {
      visit("topic_id", &Topic::topic_id, since(10).ignorable());
      visit("name", &Topic::name, always.null_since(10));
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::optional<std::vector<Topic>> topics = std::vector<Topic>();
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  static void describe(auto& visit) {
    visit("topics", &MetadataRequest::topics, always.null_since(1));
    visit("allow_auto_topic_creation", &MetadataRequest::allow_auto_topic_creation, since(4));
    visit("include_cluster_authorized_operations", &MetadataRequest::include_cluster_authorized_operations,
          since(8).until(10));
    visit("include_topic_authorized_operations", &MetadataRequest::include_topic_authorized_operations,
          since(8));
  }
  friend bool operator==(const MetadataRequest&, const MetadataRequest&) = default;
};

struct MetadataResponse {
  static constexpr const Api& api = metadata_api;
  static constexpr bool is_request = false;

  struct Broker {
    BrokerId node_id = {};
    std::string host = {};
    int32_t port = 0;
    std::optional<std::string> rack = {};

    static void describe(auto& visit) {
      visit("node_id", &Broker::node_id, always);
      visit("host", &Broker::host, always);
      visit("port", &Broker::port, always);
      visit("rack", &Broker::rack, since(1).null_since(1).ignorable());
    }
    friend bool operator==(const Broker&, const Broker&) = default;
  };
  struct Topic {
    struct Partition {
      KafkaError error_code = {};
      PartitionIndex partition_index = {};
      BrokerId leader_id = {};
      LeaderEpoch leader_epoch = LeaderEpoch(-1);
      std::vector<BrokerId> replica_nodes = {};
      std::vector<BrokerId> isr_nodes = {};
      std::vector<BrokerId> offline_replicas = {};

      static void describe(auto& visit) {
        visit("error_code", &Partition::error_code, always);
        visit("partition_index", &Partition::partition_index, always);
        visit("leader_id", &Partition::leader_id, always);
        visit("leader_epoch", &Partition::leader_epoch, since(7).ignorable());
        visit("replica_nodes", &Partition::replica_nodes, always);
        visit("isr_nodes", &Partition::isr_nodes, always);
        visit("offline_replicas", &Partition::offline_replicas, since(5).ignorable());
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    KafkaError error_code = {};
    std::optional<std::string> name = std::string();
    TopicId topic_id = {};
    bool is_internal = false;
    std::vector<Partition> partitions = {};
    OperationSet topic_authorized_operations = operations_not_asked;

    static void describe(auto& visit) {
      visit("error_code", &Topic::error_code, always);
      visit("name", &Topic::name, always.null_since(12));
      visit("topic_id", &Topic::topic_id, since(10).ignorable());
      visit("is_internal", &Topic::is_internal, since(1).ignorable());
      visit("partitions", &Topic::partitions, always);
      visit("topic_authorized_operations", &Topic::topic_authorized_operations, since(8));
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<Broker> brokers = {};
  std::optional<std::string> cluster_id = {};
  BrokerId controller_id = BrokerId(-1);
  std::vector<Topic> topics = {};
  OperationSet cluster_authorized_operations = operations_not_asked;
  KafkaError error_code = {};

  static void describe(auto& visit) {
    visit("throttle_time", &MetadataResponse::throttle_time, since(3).ignorable());
    visit("brokers", &MetadataResponse::brokers, always);
    visit("cluster_id", &MetadataResponse::cluster_id, since(2).null_since(2).ignorable());
    visit("controller_id", &MetadataResponse::controller_id, since(1).ignorable());
    visit("topics", &MetadataResponse::topics, always);
    visit("cluster_authorized_operations", &MetadataResponse::cluster_authorized_operations,
          since(8).until(10));
    visit("error_code", &MetadataResponse::error_code, since(13).ignorable());
  }
  friend bool operator==(const MetadataResponse&, const MetadataResponse&) = default;
};

}  // namespace pabal::kafka
