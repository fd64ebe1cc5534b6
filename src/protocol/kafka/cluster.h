#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// The server itself.
namespace pabal::kafka {

constexpr Api describe_cluster_api{.key = ApiKey::describe_cluster,
                                   .name = "DescribeCluster",
                                   .first = ApiVersion(0),
                                   .last = ApiVersion(2),
                                   .first_flexible = ApiVersion(0)};

struct DescribeClusterRequest {
  static constexpr const Api& api = describe_cluster_api;
  static constexpr bool is_request = true;

  bool include_cluster_authorized_operations = false;
  EndpointType endpoint_type = EndpointType::brokers;
  bool include_fenced_brokers = false;

  static void describe(auto& visit) {
    visit("include_cluster_authorized_operations",
          &DescribeClusterRequest::include_cluster_authorized_operations, always);
    visit("endpoint_type", &DescribeClusterRequest::endpoint_type, since(1));
    visit("include_fenced_brokers", &DescribeClusterRequest::include_fenced_brokers, since(2));
  }
  friend bool operator==(const DescribeClusterRequest&, const DescribeClusterRequest&) = default;
};

struct DescribeClusterResponse {
  static constexpr const Api& api = describe_cluster_api;
  static constexpr bool is_request = false;

  struct Broker {
    BrokerId broker_id = {};
    std::string host = {};
    int32_t port = 0;
    std::optional<std::string> rack = {};
    bool is_fenced = false;

    static void describe(auto& visit) {
      visit("broker_id", &Broker::broker_id, always);
      visit("host", &Broker::host, always);
      visit("port", &Broker::port, always);
      visit("rack", &Broker::rack, always.null_since(0));
      visit("is_fenced", &Broker::is_fenced, since(2));
    }
    friend bool operator==(const Broker&, const Broker&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  std::optional<std::string> error_message = {};
  EndpointType endpoint_type = EndpointType::brokers;
  std::string cluster_id = {};
  BrokerId controller_id = BrokerId(-1);
  std::vector<Broker> brokers = {};
  OperationSet cluster_authorized_operations = operations_not_asked;

  static void describe(auto& visit) {
    visit("throttle_time", &DescribeClusterResponse::throttle_time, always);
    visit("error_code", &DescribeClusterResponse::error_code, always);
    visit("error_message", &DescribeClusterResponse::error_message, always.null_since(0));
    visit("endpoint_type", &DescribeClusterResponse::endpoint_type, since(1));
    visit("cluster_id", &DescribeClusterResponse::cluster_id, always);
    visit("controller_id", &DescribeClusterResponse::controller_id, always);
    visit("brokers", &DescribeClusterResponse::brokers, always);
    visit("cluster_authorized_operations", &DescribeClusterResponse::cluster_authorized_operations, always);
  }
  friend bool operator==(const DescribeClusterResponse&, const DescribeClusterResponse&) = default;
};

constexpr Api describe_log_dirs_api{.key = ApiKey::describe_log_dirs,
                                    .name = "DescribeLogDirs",
                                    .first = ApiVersion(1),
                                    .last = ApiVersion(4),
                                    .first_flexible = ApiVersion(2)};

struct DescribeLogDirsRequest {
  static constexpr const Api& api = describe_log_dirs_api;
  static constexpr bool is_request = true;

  struct DescribableLogDirTopic {
    std::string topic = {};
    std::vector<PartitionIndex> partitions = {};

    static void describe(auto& visit) {
      visit("topic", &DescribableLogDirTopic::topic, always);
      visit("partitions", &DescribableLogDirTopic::partitions, always);
    }
    friend bool operator==(const DescribableLogDirTopic&, const DescribableLogDirTopic&) = default;
  };

  std::optional<std::vector<DescribableLogDirTopic>> topics = std::vector<DescribableLogDirTopic>();

  static void describe(auto& visit) {
    visit("topics", &DescribeLogDirsRequest::topics, always.null_since(0));
  }
  friend bool operator==(const DescribeLogDirsRequest&, const DescribeLogDirsRequest&) = default;
};

struct DescribeLogDirsResponse {
  static constexpr const Api& api = describe_log_dirs_api;
  static constexpr bool is_request = false;

  struct Result {
    struct Topic {
      struct Partition {
        PartitionIndex partition_index = {};
        int64_t partition_size = 0;
        int64_t offset_lag = 0;
        bool is_future_key = false;

        static void describe(auto& visit) {
          visit("partition_index", &Partition::partition_index, always);
          visit("partition_size", &Partition::partition_size, always);
          visit("offset_lag", &Partition::offset_lag, always);
          visit("is_future_key", &Partition::is_future_key, always);
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

    KafkaError error_code = {};
    std::string log_dir = {};
    std::vector<Topic> topics = {};
    int64_t total_bytes = -1;
    int64_t usable_bytes = -1;

    static void describe(auto& visit) {
      visit("error_code", &Result::error_code, always);
      visit("log_dir", &Result::log_dir, always);
      visit("topics", &Result::topics, always);
      visit("total_bytes", &Result::total_bytes, since(4).ignorable());
      visit("usable_bytes", &Result::usable_bytes, since(4).ignorable());
    }
    friend bool operator==(const Result&, const Result&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  std::vector<Result> results = {};

  static void describe(auto& visit) {
    visit("throttle_time", &DescribeLogDirsResponse::throttle_time, always);
    visit("error_code", &DescribeLogDirsResponse::error_code, since(3).ignorable());
    visit("results", &DescribeLogDirsResponse::results, always);
  }
  friend bool operator==(const DescribeLogDirsResponse&, const DescribeLogDirsResponse&) = default;
};

}  // namespace pabal::kafka
